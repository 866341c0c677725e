"""What the page and its server say to each other: JSON texts, and pictures with a JSON header.

A picture is one binary message: u32 little-endian header length, header (JSON), encoded picture.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import MessageError
from teletwin.geometry import quat_normalize
from teletwin.messages import HORIZON_MAX_S, Frame

MESSAGE_BYTES_MAX = 65_536
COMMANDS = ("engage", "hold", "stop", "record", "recentre", "replay", "reset")
LESSON_COMMANDS = ("lesson_start", "lesson_pause", "lesson_quit")
"""Of a person who draws while a policy learns; elsewhere they change nothing."""
CONTROL_ACTS = ("take", "ask", "give", "keep", "release", "take_back")
SHARE_ACTS = ("show", "make", "end")
"""Of the link to watch."""
DEVICES = ("mouse", "keyboard", "gamepad", "xr")
HAND_REACH_M = 100.0
BEFORE_MAX = 64
"""Places of the hand that one input may bring besides its newest."""
GRAIN_MAX_M = 0.02
_NUMBER_MAX = 2**53

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageEvent:
    """One thing that the page said, checked.

    Kinds: input, ack, mtp, command, settings, enable as in the page's messages (`seq` of enable grows within a
    viewer); `stop` with the page's own number, 0 where it had none, and whether this connection has said it before
    (`again`: a page repeats it until the arm has it); `viewers` (count) when somebody came or left;
    `control` (driver and before, viewers' numbers or 0, and why) when control changed: then nobody holds the clutch;
    `share` (act) when a link to watch was made or ended;
    `quiet` when the driver's page has been silent for 2 s; `need_key` when a viewer waits for a key frame. Hands are
    (7,) arrays wxyz. Whoever watches may say no more than stop.
    """

    kind: str
    values: Values
    viewer: int
    """Number of the connection; it never comes again."""
    t_ns: int
    """Server's clock when the thing happened at the page (input, draw); receipt where that is not known."""
    received_ns: int


def _refuse(what: str, given: object) -> MessageError:
    return MessageError(f"page message: {what}", given=repr(given)[:80])


def _number(values: Mapping[str, object], key: str, low: float, high: float) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _refuse(f"{key} must be a number in {low:g} ... {high:g}", value)
    return float(value)


def _whole(values: Mapping[str, object], key: str, low: int, high: int) -> int:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refuse(f"{key} must be a whole number", value)
    return value


def _flag(values: Mapping[str, object], key: str, default: bool) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise _refuse(f"{key} must be true or false", value)
    return value


def _choice(values: Mapping[str, object], key: str, allowed: tuple[str, ...]) -> str:
    value = values.get(key)
    if not isinstance(value, str) or value not in allowed:
        raise _refuse(f"{key} must be one of {', '.join(allowed)}", value)
    return value


def _time_ns(values: Mapping[str, object]) -> int | None:
    value = values.get("server_ns")
    return None if value is None else int(_number(values, "server_ns", -_NUMBER_MAX, _NUMBER_MAX))


def _hand(hand: object) -> NDArray[np.float64]:
    if not isinstance(hand, list) or len(hand) != 7:
        raise _refuse("hand must be seven numbers", hand)
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in hand):
        raise _refuse("hand must be finite", hand)
    pose = np.array(hand, dtype=np.float64)
    if np.abs(pose[:3]).max() > HAND_REACH_M or not 0.5 < float(np.linalg.norm(pose[3:])) < 2.0:
        raise _refuse("hand is out of reach or its quaternion is not of unit length", hand)
    pose[3:] = quat_normalize(pose[3:])
    return pose


def _before(message: Mapping[str, object]) -> list[tuple[float, NDArray[np.float64]]]:
    """Places of the hand on its way to the newest, oldest first: page's time [ms] and pose."""
    rows = message.get("before", [])
    if not isinstance(rows, list) or len(rows) > BEFORE_MAX:
        raise _refuse(f"before must be a list of {BEFORE_MAX} places at most", rows)
    places: list[tuple[float, NDArray[np.float64]]] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != 8:
            raise _refuse("a place before must be [t_ms, seven numbers]", row)
        places.append((_number({"t_ms": row[0]}, "t_ms", 0, _NUMBER_MAX), _hand(row[1:])))
    return places


def _input(message: Mapping[str, object]) -> Values:
    t_ms = None if message.get("t_ms") is None else _number(message, "t_ms", 0, _NUMBER_MAX)
    return {
        "seq": _whole(message, "seq", 1, 2**32 - 1),
        "t_ms": t_ms,
        "hand": _hand(message.get("hand")),
        "before": _before(message) if t_ms is not None else [],
        "grain_m": 0.0 if message.get("grain_m") is None else _number(message, "grain_m", 0.0, GRAIN_MAX_M),
        "clutch": _flag(message, "clutch", False),
        "device": _choice(message, "device", DEVICES),
        "server_ns": _time_ns(message),
    }


def _ack(message: Mapping[str, object]) -> Values:
    return {
        "frame_id": _whole(message, "frame_id", 0, 2**32 - 1),
        "drawn": _flag(message, "drawn", True),
        "need_key": _flag(message, "need_key", False),
        "t_ms": _number(message, "t_ms", 0, _NUMBER_MAX),
        "server_ns": _time_ns(message),
        "barcode_ok": message.get("barcode_ok") if isinstance(message.get("barcode_ok"), bool) else None,
    }


def _mtp(message: Mapping[str, object]) -> Values:
    samples = message.get("samples")
    if not isinstance(samples, list) or len(samples) > 1024:
        raise _refuse("samples must be a list of pairs", samples)
    checked: list[tuple[int, float]] = []
    for pair in samples:
        if not isinstance(pair, list) or len(pair) != 2:
            raise _refuse("a sample must be [input_seq, mtp_ms]", pair)
        values = {"input_seq": pair[0], "mtp_ms": pair[1]}
        checked.append((_whole(values, "input_seq", 0, 2**32 - 1), _number(values, "mtp_ms", 0.0, 60_000.0)))
    return {"samples": checked}


def _command(message: Mapping[str, object]) -> Values:
    values = message.get("values", {})
    if not isinstance(values, dict) or len(values) > 16:
        raise _refuse("values must be a small object", values)
    if not all(isinstance(v, (bool, int, float, str)) for v in values.values()):
        raise _refuse("values must hold plain values", values)
    return {"name": _choice(message, "name", (*COMMANDS, *LESSON_COMMANDS)), "values": dict(values)}


def _ranged(low: float, high: float) -> Callable[[Mapping[str, object], str], object]:
    return lambda values, key: _number(values, key, low, high)


def _of(*allowed: str) -> Callable[[Mapping[str, object], str], object]:
    return lambda values, key: _choice(values, key, allowed)


def _name(values: Mapping[str, object], key: str) -> object:
    value = values.get(key)
    if not isinstance(value, str) or not value.isidentifier() or len(value) > 40:
        raise _refuse(f"{key} must be a name", value)
    return value


_HORIZON = _ranged(0.0, HORIZON_MAX_S * 1e3)
SETTINGS: dict[str, dict[str, Callable[[Mapping[str, object], str], object]]] = {
    "link": {
        "delay_ms": _ranged(0.0, 500.0),
        "jitter_ms": _ranged(0.0, 100.0),
        "loss": _ranged(0.0, 0.5),
    },
    "horizons": {
        "control_ms": _HORIZON,
        "render_ms": _HORIZON,
        "control_orientation_ms": _HORIZON,
        "render_orientation_ms": _HORIZON,
    },
    "limits": {
        "max_speed_rad_s": _ranged(0.01, 7.0),
        "max_tool_speed_m_s": _ranged(0.01, 1.5),
        "max_body_speed_m_s": _ranged(0.01, 1.5),
        "workspace_radius_m": _ranged(0.25, 0.48),
        "workspace_height_m": _ranged(0.02, 0.4),
    },
    "policy": {"policy": _name, "forecaster": _name},
    "forecast": {"on": lambda values, key: _flag(values, key, True)},
    "squeeze": {
        "bandwidth_mbps": _ranged(0.0, 1000.0),
        "compute_share": _ranged(0.05, 1.0),
    },
    "allocator": {"name": _name},
    "view": {
        "codec": _of("h264", "jpeg", "scene"),
        "width": _ranged(160, 1280),
        "height": _ranged(90, 720),
        "rate_hz": _ranged(1.0, 60.0),
        "bitrate_mbps": _ranged(0.1, 20.0),
        "shadow": lambda values, key: _flag(values, key, True),
        "barcode": lambda values, key: _flag(values, key, False),
    },
}


def _settings(message: Mapping[str, object]) -> Values:
    name = _choice(message, "name", tuple(SETTINGS))
    values = message.get("values")
    if not isinstance(values, dict) or not values:
        raise _refuse("values must name what to set", values)
    unknown = set(values) - set(SETTINGS[name])
    if unknown:
        raise _refuse(f"{name} has no such setting", sorted(map(str, unknown)))
    return {"name": name, "values": {key: SETTINGS[name][key](values, key) for key in values}}


def _ping(message: Mapping[str, object]) -> Values:
    return {"t_ms": _number(message, "t_ms", 0, _NUMBER_MAX)}


def _control(message: Mapping[str, object]) -> Values:
    to = 0 if message.get("to") is None else _whole(message, "to", 0, 2**32 - 1)
    return {"act": _choice(message, "act", CONTROL_ACTS), "to": to}


def _enable(message: Mapping[str, object]) -> Values:
    if not isinstance(message.get("held"), bool):
        raise _refuse("held must be true or false", message.get("held"))
    return {"seq": _whole(message, "seq", 1, 2**32 - 1), "held": message["held"]}


def _share(message: Mapping[str, object]) -> Values:
    return {"act": _choice(message, "act", SHARE_ACTS)}


_READERS: dict[str, Callable[[Mapping[str, object]], Values]] = {
    "input": _input,
    "ack": _ack,
    "mtp": _mtp,
    "command": _command,
    "settings": _settings,
    "ping": _ping,
    "control": _control,
    "share": _share,
    "enable": _enable,
}


def parse_message(text: str) -> tuple[str, Values]:
    """Read and check one text of the page: its kind and its values. MessageError when it cannot be trusted."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise _refuse("not JSON", text) from None
    if not isinstance(message, dict):
        raise _refuse("not an object", text)
    kind = message.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None or not isinstance(kind, str):
        raise _refuse("unknown type", kind)
    return kind, reader(message)


def _plain(value: object) -> object:
    """Make a value fit for JSON: what is not finite becomes null, arrays become lists."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def pack_text(kind: str, values: Mapping[str, object]) -> str:
    """One JSON text for the page; what is not finite becomes null."""
    return json.dumps({"type": kind, **{k: _plain(v) for k, v in values.items()}}, separators=(",", ":"))


def pack_frame(frame: Frame, *, barcode: bool = False) -> bytes:
    """One binary message for the page: header length, header, picture."""
    header = {
        "frame_id": frame.frame_id,
        "codec": frame.codec,
        "key": frame.is_key,
        "width": frame.width,
        "height": frame.height,
        "input_seq": frame.input_seq,
        "t_ready_ns": frame.t_ready_ns,
        "pose_t_ns": frame.pose_t_ns,
        "shown_pose": _plain(frame.shown_pose),
        "stages": _plain(frame.stages_ms),
        "barcode": barcode,
    }
    return pack_picture(header, frame.data)


def pack_picture(header: Mapping[str, object], data: bytes) -> bytes:
    """One binary message for the page of a header and an encoded picture."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((struct.pack("<I", len(text)), text, data))


def unpack_frame(message: bytes) -> tuple[Values, bytes]:
    """Header and picture of a binary message; MessageError when it is cut short."""
    if len(message) < 4:
        raise MessageError("picture message: too short", given=f"{len(message)} bytes")
    (length,) = struct.unpack_from("<I", message)
    if length > len(message) - 4:
        raise MessageError("picture message: the header is cut", given=f"{len(message)} bytes")
    try:
        header = json.loads(message[4 : 4 + length])
    except ValueError:
        raise MessageError("picture message: the header is not JSON") from None
    return header, message[4 + length :]
