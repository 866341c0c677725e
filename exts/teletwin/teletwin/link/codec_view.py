"""Frame, FrameAck and ViewSettings as bytes."""

from __future__ import annotations

import math
import struct

import numpy as np

from teletwin.errors import MessageError
from teletwin.link.codec_json import dump_json, load_json
from teletwin.messages import SCENE_CODEC, SHADOWS, Frame, FrameAck, ViewSettings

CODECS = ("h264", "jpeg", SCENE_CODEC)

_FRAME = struct.Struct("<qqqqBBHHH")
_POSES = struct.Struct(f"<{8 + 7 * len(SHADOWS)}d")
_POSES_OF_STATE = struct.Struct(f"<{8 + 7 * len(SHADOWS)}f")
"""Single precision, as the state itself: on a thin link half of what a state takes would be these."""
_ACK = struct.Struct("<qBBdIddd")
_SETTINGS = struct.Struct("<HHBBBqd")


def encode_frame(frame: Frame) -> bytes:
    """Payload of a frame: fixed part, stage times as JSON, picture."""
    stages = dump_json({name: round(ms, 3) for name, ms in frame.stages_ms.items()})
    fixed = _FRAME.pack(
        *(frame.frame_id, frame.input_seq, frame.pose_t_ns, frame.t_ready_ns),
        *(_codec_number(frame.codec), frame.is_key, frame.width, frame.height, len(stages)),
    )
    poses = (*frame.shown_pose.tolist(), *frame.shadow_poses.ravel().tolist())
    return fixed + _numbers(frame.codec).pack(frame.horizon_used_s, *poses) + stages + frame.data


def _numbers(codec: str) -> struct.Struct:
    """Horizon, shown pose and the shadows' poses."""
    return _POSES_OF_STATE if codec == SCENE_CODEC else _POSES


def decode_frame(payload: bytes) -> Frame:
    """The frame in a payload."""
    frame_id, input_seq, pose_t_ns, t_ready_ns, codec, is_key, width, height, stage_bytes = _FRAME.unpack_from(payload)
    layout = _numbers(_codec_name(codec))
    numbers = layout.unpack_from(payload, _FRAME.size)
    if not all(map(math.isfinite, numbers)) or is_key > 1:
        raise MessageError("a frame holds values that cannot be")
    after = _FRAME.size + layout.size
    start = after + stage_bytes
    if start > len(payload):
        raise MessageError("a frame was cut", given=len(payload))
    return Frame(
        frame_id=frame_id,
        codec=_codec_name(codec),
        is_key=bool(is_key),
        width=width,
        height=height,
        input_seq=input_seq,
        pose_t_ns=pose_t_ns,
        shown_pose=np.array(numbers[1:8]),
        shadow_poses=np.array(numbers[8:]).reshape(-1, 7),
        horizon_used_s=numbers[0],
        stages_ms=_stage_times(payload[after:start]),
        t_ready_ns=t_ready_ns,
        data=payload[start:],
    )


def encode_frame_ack(ack: FrameAck) -> bytes:
    """Payload of a frame acknowledgement, 46 bytes."""
    times_ms = ack.span_ms, ack.arrival_ms, ack.update_age_ms
    return _ACK.pack(ack.frame_id, ack.drawn, ack.need_key, ack.latency_ms, ack.byte_count, *times_ms)


def decode_frame_ack(payload: bytes) -> FrameAck:
    """The acknowledgement in a payload."""
    frame_id, drawn, need_key, latency_ms, byte_count, *times_ms = _ACK.unpack(payload)
    if drawn > 1 or need_key > 1 or not all(map(math.isfinite, (latency_ms, *times_ms))):
        raise MessageError("an acknowledgement holds values that cannot be")
    return FrameAck(
        frame_id=frame_id,
        drawn=bool(drawn),
        need_key=bool(need_key),
        latency_ms=latency_ms,
        byte_count=byte_count,
        span_ms=times_ms[0],
        arrival_ms=times_ms[1],
        update_age_ms=times_ms[2],
    )


def encode_view_settings(settings: ViewSettings) -> bytes:
    """Payload of view settings, 23 bytes."""
    return _SETTINGS.pack(
        *(settings.width, settings.height, _codec_number(settings.codec)),
        *(settings.shadow, settings.barcode, settings.bitrate_bps, settings.rate_hz),
    )


def decode_view_settings(payload: bytes) -> ViewSettings:
    """The view settings in a payload."""
    width, height, codec, shadow, barcode, bitrate_bps, rate_hz = _SETTINGS.unpack(payload)
    if not (width and height and shadow <= 1 and barcode <= 1 and bitrate_bps > 0 and 0.0 < rate_hz <= 1000.0):
        raise MessageError("view settings hold values that cannot be")
    return ViewSettings(
        width=width,
        height=height,
        rate_hz=rate_hz,
        bitrate_bps=bitrate_bps,
        codec=_codec_name(codec),
        shadow=bool(shadow),
        barcode=bool(barcode),
    )


def _codec_number(name: str) -> int:
    if name not in CODECS:
        raise MessageError("unknown picture codec", given=name, allowed=CODECS)
    return CODECS.index(name)


def _codec_name(number: int) -> str:
    if number >= len(CODECS):
        raise MessageError("unknown picture codec", given=number)
    return CODECS[number]


def _stage_times(data: bytes) -> dict[str, float]:
    stages: dict[str, float] = {}
    for name, value in load_json(data).items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > 1e9:
            raise MessageError("a stage time is not a number", given=name)
        stages[name] = float(value)
    return stages
