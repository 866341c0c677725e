"""The layout of datagrams, the same for every message, every transport and every seal.

Little endian. Outside, readable by anyone: magic 2, version 1, form 1, from 1, to 1, tag 8. What the tag holds
and how the rest is closed depends on the form: `teletwin.link.plain`, `sealed` and `greeting`. Inside, the body:
kind 1, sender 1, destination 1, flags 1, start 4, sequence 4, send time 8 [ns, sender's clock], echo 8 (newest
send time heard from the destination), echo age 8 (how long ago it arrived), payload. `from` and `to` are the two
ends of one way; sender and destination differ from them where a message is forwarded. The first six bytes mean
the same in every version, so that versions can tell each other apart.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

from teletwin.errors import MessageError

VERSION = 7
ROLES = ("operator", "twin", "renderer", "arm")
MAX_DATAGRAM_BYTES = 1200
FLAG_FRAGMENT = 1
FLAG_RELIABLE = 2
TAG_BYTES = 8

_MAGIC = b"tW"
_OUTER = struct.Struct(f"<2sBBBB{TAG_BYTES}s")
_INNER = struct.Struct("<BBBBIIqqq")
SEAL_BYTES = 16
_ROLE_NUMBER = {role: number for number, role in enumerate(ROLES)}

OUTER_BYTES = _OUTER.size
MIN_BODY_BYTES = _INNER.size
MAX_PAYLOAD_BYTES = MAX_DATAGRAM_BYTES - OUTER_BYTES - _INNER.size - SEAL_BYTES


class Form(IntEnum):
    """How a datagram is closed."""

    PLAIN = 1
    """By a checksum, which finds damage only; within one machine."""
    SEALED = 2
    """Encrypted and authenticated under a key of two roles and one direction."""
    GREETING = 3
    """Half of the exchange that makes such keys."""


_FORMS = {int(form): form for form in Form}


class Kind(IntEnum):
    """What a datagram carries."""

    FORECAST = 1
    COMMAND = 2
    ARM_STATE = 3
    TWIN_STATUS = 4
    FRAME = 5
    FRAME_ACK = 6
    VIEW_SETTINGS = 7
    NOTE = 8
    STOP = 9
    IN_FORCE = 10
    PROBE = 64
    """Nothing but the stamps of the header: keeps the clocks known while nobody speaks."""
    CONFIRM = 65
    """Confirms one reliable message."""
    WISH = 66
    """Tells the loss of pieces, and which are lacking; see `teletwin.link.repair`."""


_KINDS = {int(kind): kind for kind in Kind}


class RefusedError(MessageError):
    """Bytes that are no datagram for this role; `reason` is the name of the counter."""

    def __init__(self, reason: str, what: str, *, given: object = None) -> None:
        super().__init__(what, given=given)
        self.reason = reason


class Outer(NamedTuple):
    """What anyone can read of a datagram; nothing of it is proven."""

    form: Form
    sender: str
    receiver: str
    tag: bytes


class Datagram(NamedTuple):
    """An opened datagram; times in ns."""

    kind: Kind
    sender: str
    destination: str
    flags: int
    seq: int
    t_send_ns: int
    echo_ns: int
    """Newest send time that the sender had heard from the destination, destination's clock; 0: none."""
    echo_age_ns: int
    payload: bytes
    start: int = 0
    """Number that the sender drew when it started."""


def claim(raw: bytes) -> tuple[int, str, str]:
    """Version, sender and receiver that bytes claim, of whatever version they are.

    Raises:
        RefusedError: They are no datagram of this protocol.
    """
    if not OUTER_BYTES <= len(raw) <= MAX_DATAGRAM_BYTES or raw[:2] != _MAGIC:
        raise RefusedError("invalid", "not a datagram of this protocol", given=f"{len(raw)} bytes")
    version, sender, receiver = raw[2], raw[4], raw[5]
    if sender >= len(ROLES) or receiver >= len(ROLES):
        raise RefusedError("invalid", "unknown role", given=(sender, receiver))
    return version, ROLES[sender], ROLES[receiver]


def unpack_outer(raw: bytes) -> Outer:
    """The outside of a datagram of this version.

    Raises:
        RefusedError: It is none.
    """
    version, sender, receiver = claim(raw)
    form = _FORMS.get(raw[3])
    if version != VERSION:
        raise RefusedError("other_version", "a datagram of another version", given=version)
    if form is None:
        raise RefusedError("invalid", "a datagram of an unknown form", given=raw[3])
    return Outer(form, sender, receiver, raw[6:OUTER_BYTES])


def pack_outer(form: Form, sender: str, receiver: str, tag: bytes) -> bytes:
    """Bytes of the outside; the tag has 8."""
    return _OUTER.pack(_MAGIC, VERSION, form, _ROLE_NUMBER[sender], _ROLE_NUMBER[receiver], tag)


def pack_body(datagram: Datagram) -> bytes:
    """The inside of a datagram, still to be closed.

    Raises:
        MessageError: The payload is too long or a field does not fit.
    """
    kind, sender, destination, flags, seq, t_send_ns, echo_ns, echo_age_ns, payload, start = datagram
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageError("a payload is too long", given=len(payload), allowed=f"<= {MAX_PAYLOAD_BYTES} bytes")
    try:
        header = _INNER.pack(
            *(kind, _ROLE_NUMBER[sender], _ROLE_NUMBER[destination], flags, start, seq, t_send_ns, echo_ns, echo_age_ns)
        )
    except (struct.error, KeyError) as error:
        raise MessageError("a datagram cannot be written", given=error) from None
    return header + payload


def unpack_body(body: bytes) -> Datagram:
    """Take apart what was closed.

    Raises:
        RefusedError: It was cut, or names what this version does not know.
    """
    if len(body) < _INNER.size:
        raise RefusedError("invalid", "a datagram was cut", given=len(body))
    kind, sender, destination, flags, start, seq, t_send_ns, echo_ns, echo_age_ns = _INNER.unpack_from(body)
    try:
        ends = _KINDS[kind], ROLES[sender], ROLES[destination]
    except (KeyError, IndexError):
        raise RefusedError("invalid", "unknown kind or role", given=(kind, sender, destination)) from None
    payload = body[_INNER.size :]
    # Made like this it takes half the time; this is done for every datagram.
    return tuple.__new__(Datagram, (*ends, flags, seq, t_send_ns, echo_ns, echo_age_ns, payload, start))
