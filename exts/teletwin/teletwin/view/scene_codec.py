"""The twin as it stands, in some two hundred bytes: what a page draws by itself in place of a picture.

Little-endian: version, flags, held links and count of objects (4 bytes); horizon, look-ahead to the screen and age of
the measured arm (3 f32, seconds); joints of the twin (6 f32); then, where the flags say so, joints of the measured arm,
those of the arm without a forecast (6 f32 each) and the hand's target (7 f32); then of each object its position (3 f32)
and its quaternion (4 i16, of 32767).
"""

from __future__ import annotations

import struct

import numpy as np

from teletwin.errors import MessageError
from teletwin.geometry import Array
from teletwin.messages import Frame
from teletwin.view import SceneState

VERSION = 2
MAGIC = 0x31535454
"""First four bytes of a state's message to the page, "TTS1": longer than any picture's header can be."""
_HEAD = struct.Struct("<4B3f")
_MESSAGE = struct.Struct("<3Id")
_JOINTS, _POSE = 6, 7
_OBJECT = np.dtype([("position", "<f4", 3), ("quaternion", "<i2", 4)])
_UNIT = 32767
_MEASURED, _WITHOUT, _TARGET = 1, 2, 4
_NOTHING = np.zeros((0, 3))


def pack_scene(state: SceneState) -> bytes:
    """The state without its lines, which the page draws from what it saw."""
    optional = ((_MEASURED, state.q_ghost), (_WITHOUT, state.q_without), (_TARGET, state.target))
    flags = sum(flag for flag, value in optional if value is not None)
    held = sum(1 << link for link in state.held_links)
    head = _HEAD.pack(
        *(VERSION, flags, held, len(state.object_poses)), state.horizon_s, state.ahead_s, state.ghost_age_s
    )
    known = (value for _, value in optional if value is not None)
    numbers = np.concatenate([state.q, *known])
    return head + numbers.astype("<f4").tobytes() + _pack_objects(state.object_poses)


def unpack_scene(data: bytes) -> SceneState:
    """What `pack_scene` has packed, in single precision.

    Raises:
        MessageError: The bytes are of another version, cut, or hold what is not finite.
    """
    if len(data) < _HEAD.size:
        raise MessageError("a state was cut", given=len(data))
    version, flags, held, count, horizon_s, ahead_s, ghost_age_s = _HEAD.unpack_from(data)
    if version != VERSION:
        raise MessageError("a state of another version", given=version, allowed=VERSION)
    sizes = [_JOINTS, *_sizes(flags)]
    end = _HEAD.size + 4 * sum(sizes)
    if len(data) != end + _OBJECT.itemsize * count:
        raise MessageError("a state has a wrong length", given=len(data), allowed=end + _OBJECT.itemsize * count)
    numbers = np.frombuffer(data, "<f4", count=sum(sizes), offset=_HEAD.size).astype(np.float64)
    poses = _unpack_objects(data[end:])
    if not all(np.isfinite(each).all() for each in (numbers, poses, (horizon_s, ahead_s, ghost_age_s))):
        raise MessageError("a state holds values that cannot be")
    q, *known = np.split(numbers, np.cumsum(sizes)[:-1])
    ghost, without, target = _known(flags, known)
    return SceneState(
        q=q,
        q_ghost=ghost,
        q_without=without,
        object_poses=poses,
        target=target,
        forecast=None,
        trace=_NOTHING,
        ghost_trace=_NOTHING,
        held_links=tuple(link for link in range(7) if held >> link & 1),
        horizon_s=horizon_s,
        ahead_s=ahead_s,
        ghost_age_s=ghost_age_s,
    )


def pack_state(frame: Frame, *, t_ready_ns: int) -> bytes:
    """One binary message for the page: MAGIC, number, newest input (u32 each), time [ms] (f64), the state.

    The time is when the state was ready, `t_ready_ns` on the clock of the page's server.
    """
    return _MESSAGE.pack(MAGIC, frame.frame_id, frame.input_seq, 1e-6 * t_ready_ns) + frame.data


def unpack_state(message: bytes) -> tuple[int, int, float, bytes]:
    """Number, newest input, time ready [ms] and state of a message to the page; MessageError when it is none."""
    if len(message) < _MESSAGE.size or not is_state(message):
        raise MessageError("no message of a state", given=len(message))
    _, frame_id, input_seq, t_ready_ms = _MESSAGE.unpack_from(message)
    return frame_id, input_seq, t_ready_ms, message[_MESSAGE.size :]


def is_state(message: bytes) -> bool:
    """Whether a binary message to the page is a state, not a picture."""
    return message[:4] == MAGIC.to_bytes(4, "little")


def _pack_objects(poses: Array) -> bytes:
    objects = np.zeros(len(poses), _OBJECT)
    objects["position"] = poses[:, :3]
    objects["quaternion"] = np.rint(_UNIT * np.clip(poses[:, 3:], -1.0, 1.0))
    return objects.tobytes()


def _unpack_objects(data: bytes) -> Array:
    objects = np.frombuffer(data, _OBJECT)
    return np.hstack([objects["position"].astype(np.float64), objects["quaternion"] / _UNIT])


def _sizes(flags: int) -> list[int]:
    """How many numbers each optional part has that is there."""
    parts = ((_MEASURED, _JOINTS), (_WITHOUT, _JOINTS), (_TARGET, _POSE))
    return [size for flag, size in parts if flags & flag]


def _known(flags: int, parts: list[Array]) -> list[Array | None]:
    """The optional parts in their order; None for what is not there."""
    left = iter(parts)
    return [next(left) if flags & flag else None for flag in (_MEASURED, _WITHOUT, _TARGET)]
