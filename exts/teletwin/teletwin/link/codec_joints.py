"""JointCommand, ArmState and TwinStatus as bytes; joint vectors as float64, six joints and no other number."""

from __future__ import annotations

import struct

import numpy as np

from teletwin.errors import MessageError
from teletwin.geometry import Array
from teletwin.link.codec_json import dump_json, load_json
from teletwin.messages import SHADOWS, ArmState, JointCommand, Mode, TwinStatus

_COMMAND = struct.Struct("<qqBBII")
_ARM = struct.Struct("<qqBBHHHIIqqqqqq7d")
_STATUS = struct.Struct("<qHBHHBIqq10d")
_CATCHING_UP = _APPROACHING = 0x80
_NOT_ENABLED, _NOT_ARMED = 0x40, 0x20
"""Beside the mode, in its byte."""
_JOINTS = 6
_SHADOWS = len(SHADOWS)
_MAX_TEXT_BYTES = 300


def encode_command(command: JointCommand) -> bytes:
    """Payload of a joint command: 314 bytes for six joints."""
    vectors, count = _pack_vectors(command.q, command.qd, *command.q_shadows, *command.qd_shadows)
    mode = command.mode | _APPROACHING * command.is_approaching
    head = _COMMAND.pack(command.t_ns, command.pose_t_ns, mode, count, command.act, command.enable_seq)
    return head + vectors


def decode_command(payload: bytes) -> JointCommand:
    """The joint command in a payload."""
    t_ns, pose_t_ns, mode, count, act, enable_seq = _COMMAND.unpack_from(payload)
    joints = _unpack_vectors(payload, _COMMAND.size, rows=2 + 2 * _SHADOWS, count=count)
    return JointCommand(
        t_ns=t_ns,
        q=joints[0],
        qd=joints[1],
        q_shadows=joints[2 : 2 + _SHADOWS],
        qd_shadows=joints[2 + _SHADOWS :],
        pose_t_ns=pose_t_ns,
        mode=Mode(mode & ~_APPROACHING),
        is_approaching=bool(mode & _APPROACHING),
        act=act,
        enable_seq=enable_seq,
    )


def encode_arm_state(state: ArmState) -> bytes:
    """Payload of an arm state; a text beyond 300 bytes is cut."""
    vectors, count = _pack_vectors(state.q, state.qd, *state.q_shadows)
    texts = _text_bytes(state.fault), _text_bytes(state.held_back_by), _text_bytes(state.outage)
    flags = _CATCHING_UP * state.is_catching_up | _NOT_ENABLED * (not state.is_enabled)
    mode = state.mode | flags | _NOT_ARMED * (not state.is_armed)
    fixed = _ARM.pack(
        *(state.t_ns, state.pose_t_ns, mode, count),
        *map(len, texts),
        *(state.spent_act, state.stopped_act),
        *(state.held_count, state.limited_count, state.hiccup_count, state.stall_count),
        *(state.overrun_count, state.tick_count),
        *(state.command_age_ms, state.tick_us, state.tick_p50_us, state.tick_p99_us),
        *(state.period_p50_ms, state.period_p99_ms, state.period_max_ms),
    )
    return b"".join((fixed, *texts, vectors))


def decode_arm_state(payload: bytes) -> ArmState:
    """The arm state in a payload."""
    fields = _ARM.unpack_from(payload)
    t_ns, pose_t_ns, mode, count, fault_bytes, reason_bytes, outage_bytes, spent, stopped, *rest = fields
    held, limited, hiccups, stalls, overrun, ticks, *numbers = rest
    reason_start = _ARM.size + fault_bytes
    outage_start = reason_start + reason_bytes
    start = outage_start + outage_bytes
    joints = _unpack_vectors(payload, start, rows=2 + _SHADOWS, count=count)
    _require_finite(sum(numbers))
    return ArmState(
        t_ns=t_ns,
        q=joints[0],
        qd=joints[1],
        q_shadows=joints[2:],
        pose_t_ns=pose_t_ns,
        mode=Mode(mode & ~(_CATCHING_UP | _NOT_ENABLED | _NOT_ARMED)),
        fault=payload[_ARM.size : reason_start].decode(),
        held_back_by=payload[reason_start:outage_start].decode(),
        outage=payload[outage_start:start].decode(),
        spent_act=spent,
        stopped_act=stopped,
        is_enabled=not mode & _NOT_ENABLED,
        is_armed=not mode & _NOT_ARMED,
        command_age_ms=numbers[0],
        held_count=held,
        limited_count=limited,
        hiccup_count=hiccups,
        stall_count=stalls,
        is_catching_up=bool(mode & _CATCHING_UP),
        overrun_count=overrun,
        tick_count=ticks,
        tick_us=numbers[1],
        tick_p50_us=numbers[2],
        tick_p99_us=numbers[3],
        period_p50_ms=numbers[4],
        period_p99_ms=numbers[5],
        period_max_ms=numbers[6],
    )


def encode_twin_status(status: TwinStatus) -> bytes:
    """Payload of a twin status: fixed part, command, arm state, counters as JSON."""
    arm = encode_arm_state(status.arm)
    vectors, count = _pack_vectors(status.q_command)
    reason, outage = _text_bytes(status.held_back_by), _text_bytes(status.outage)
    flags = _APPROACHING * status.is_approaching | _NOT_ARMED * (not status.is_armed)
    fixed = _STATUS.pack(
        *(status.t_ns, len(arm), count, len(reason), len(outage), flags, status.spent_act),
        *(status.overrun_count, status.tick_count, status.uplink_age_ms),
        *(status.horizon_used_s, status.horizon_orientation_used_s, status.downstream_s),
        *(status.tick_us, status.tick_p50_us, status.tick_p99_us),
        *(status.period_p50_ms, status.period_p99_ms, status.period_max_ms),
    )
    return b"".join((fixed, vectors, arm, reason, outage, dump_json(dict(status.counters))))


def decode_twin_status(payload: bytes) -> TwinStatus:
    """The twin status in a payload."""
    t_ns, arm_bytes, count, reason_bytes, outage_bytes, flags, spent, *rest = _STATUS.unpack_from(payload)
    overruns, ticks, *numbers = rest
    _require_finite(sum(numbers))
    arm_start = _STATUS.size + 8 * count
    (q_command,) = _unpack_vectors(payload[:arm_start], _STATUS.size, rows=1, count=count)
    reason_start = arm_start + arm_bytes
    arm = decode_arm_state(payload[arm_start:reason_start])
    outage_start = reason_start + reason_bytes
    counters_start = outage_start + outage_bytes
    counters: dict[str, int] = {}
    for name, value in load_json(payload[counters_start:]).items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise MessageError("a counter is not a whole number", given=name)
        counters[name] = value
    return TwinStatus(
        t_ns=t_ns,
        arm=arm,
        q_command=q_command,
        uplink_age_ms=numbers[0],
        horizon_used_s=numbers[1],
        horizon_orientation_used_s=numbers[2],
        downstream_s=numbers[3],
        held_back_by=payload[reason_start:outage_start].decode(),
        is_approaching=bool(flags & _APPROACHING),
        is_armed=not flags & _NOT_ARMED,
        spent_act=spent,
        outage=payload[outage_start:counters_start].decode(),
        counters=counters,
        tick_us=numbers[4],
        tick_p50_us=numbers[5],
        tick_p99_us=numbers[6],
        period_p50_ms=numbers[7],
        period_p99_ms=numbers[8],
        period_max_ms=numbers[9],
        overrun_count=overruns,
        tick_count=ticks,
    )


def _pack_vectors(*vectors: Array) -> tuple[bytes, int]:
    shape = vectors[0].shape
    if shape != (_JOINTS,) or any(vector.shape != shape for vector in vectors):
        raise MessageError("joint vectors do not fit", given=[vector.shape for vector in vectors])
    return b"".join(vector.astype("<f8", copy=False).tobytes() for vector in vectors), shape[0]


def _unpack_vectors(payload: bytes, offset: int, *, rows: int, count: int) -> Array:
    if count != _JOINTS or len(payload) - offset != 8 * rows * count:
        raise MessageError("a joint message has a wrong length", given=len(payload))
    values = np.frombuffer(payload, "<f8", offset=offset)
    if not np.isfinite(values).all():
        raise MessageError("a joint message holds numbers that are not finite")
    return values.reshape(rows, count)


def _text_bytes(text: str) -> bytes:
    return text.encode()[:_MAX_TEXT_BYTES].decode(errors="ignore").encode()


def _require_finite(total: float) -> None:
    if total - total != 0.0:  # nan and infinities only
        raise MessageError("a message holds numbers that are not finite")
