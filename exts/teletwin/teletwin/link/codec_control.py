"""Stop and InForce as bytes: who may move the arm, and within which limits."""

from __future__ import annotations

import dataclasses
import struct
import typing

from teletwin.errors import MessageError
from teletwin.link.codec_json import dump_json, load_json
from teletwin.messages import InForce, Stop

_STOP = struct.Struct("<I")
_MAX_TEXT = 120


def encode_stop(stop: Stop) -> bytes:
    """Payload of a stop, 4 bytes."""
    return _STOP.pack(stop.act)


def decode_stop(payload: bytes) -> Stop:
    """The stop in a payload."""
    if len(payload) != _STOP.size:
        raise MessageError("a stop has a wrong length", given=len(payload), allowed=_STOP.size)
    return Stop(act=_STOP.unpack(payload)[0])


def encode_in_force(told: InForce) -> bytes:
    """Payload of what is in force: JSON."""
    return dump_json(dataclasses.asdict(told))


def decode_in_force(payload: bytes) -> InForce:
    """What is in force, of a payload whose fields are all there and of their types."""
    fields = load_json(payload)
    hints = typing.get_type_hints(InForce)
    if fields.keys() != hints.keys():
        raise MessageError("what is in force lacks a field or has another", given=sorted(fields)[:12])
    return InForce(**{name: _checked(name, hints[name], value) for name, value in fields.items()})


def _checked(name: str, kind: type, value: object) -> typing.Any:
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind or (isinstance(value, str) and len(value) > _MAX_TEXT):
        raise MessageError(f"{name} of what is in force is of another kind", given=repr(value)[:80])
    return value
