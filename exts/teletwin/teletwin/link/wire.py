"""One datagram: header, payload and seal; the same for every message and every transport.

Layout, little endian: magic 2, version 1, kind 1, sender 1, destination 1, flags 1, spare 1, session 8,
start 4, heard start 4, sequence 4, send time 8 [ns, sender's clock], echo 8 (newest send time heard from
the destination), echo age 8 (how long ago it arrived), payload length 2, payload, seal. The seal is a
CRC-32 of all before it, or with a key the first 12 bytes of its HMAC-SHA256. For the starts see
`teletwin.link.starts`.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

from teletwin.errors import ConfigError, MessageError

VERSION = 5
ROLES = ("operator", "twin", "renderer", "arm")
MAX_DATAGRAM_BYTES = 1200
FLAG_FRAGMENT = 1
FLAG_RELIABLE = 2

_MAGIC = b"tW"
_HEADER = struct.Struct("<2sBBBBBxQIIIqqqH")
_CRC = struct.Struct("<I")
_HMAC_BYTES = 12
_ROLE_NUMBER = {role: number for number, role in enumerate(ROLES)}
_MIN_KEY_BYTES = 16

MAX_PAYLOAD_BYTES = MAX_DATAGRAM_BYTES - _HEADER.size - _HMAC_BYTES


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


_KINDS = {int(kind): kind for kind in Kind}


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
    heard_start: int = 0
    """The same number of the destination, as far as the sender has heard it; 0: not yet."""


class Seal:
    """Closes and opens the datagrams of one session.

    Args:
        session_id: 64-bit number that all roles of a session share.
        key: With a key (16 bytes or more) the seal proves who wrote; without, it only finds damage.
    """

    def __init__(self, *, session_id: int, key: bytes | None = None) -> None:
        if not 0 <= session_id < 1 << 64:
            raise ConfigError("the session id does not fit", given=session_id, allowed="0 ... 2**64 - 1")
        if key is not None and len(key) < _MIN_KEY_BYTES:
            raise ConfigError("the key is too short", given=f"{len(key)} bytes", allowed=f">= {_MIN_KEY_BYTES} bytes")
        self._session_id = session_id
        self._key = key
        self._tail = _CRC.size if key is None else _HMAC_BYTES

    def close(self, datagram: Datagram) -> bytes:
        """Bytes of the datagram, at most MAX_DATAGRAM_BYTES.

        Raises:
            MessageError: The payload is too long or a field does not fit.
        """
        kind, sender, destination, flags, seq, t_send_ns, echo_ns, echo_age_ns, payload, start, heard_start = datagram
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise MessageError("a payload is too long", given=len(payload), allowed=f"<= {MAX_PAYLOAD_BYTES} bytes")
        try:
            header = _HEADER.pack(
                *(_MAGIC, VERSION, kind, _ROLE_NUMBER[sender], _ROLE_NUMBER[destination], flags, self._session_id),
                *(start, heard_start, seq, t_send_ns, echo_ns, echo_age_ns, len(payload)),
            )
        except (struct.error, KeyError) as error:
            raise MessageError("a datagram cannot be written", given=error) from None
        body = header + payload
        return body + self._sign(body)

    def open(self, raw: bytes) -> Datagram:
        """Check the seal and take the datagram apart.

        Raises:
            MessageError: These bytes are damaged, foreign, or of another version.
            OtherSessionError: A sound datagram of another session.
        """
        size = len(raw)
        if not _HEADER.size + self._tail <= size <= MAX_DATAGRAM_BYTES:
            raise MessageError("a datagram has a wrong length", given=size)
        (magic, version, kind, sender, destination, flags, session, start, heard, seq, t_send, echo, age, length) = (
            _HEADER.unpack_from(raw)
        )
        if magic != _MAGIC or version != VERSION:
            raise MessageError("not a datagram of this version", given=f"{magic!r} {version}", allowed=VERSION)
        if length != size - _HEADER.size - self._tail:
            raise MessageError("a datagram was cut", given=size)
        if not hmac.compare_digest(self._sign(raw[: -self._tail]), raw[-self._tail :]):
            raise MessageError("a datagram is damaged or not authentic")
        if session != self._session_id:
            raise OtherSessionError("a datagram of another session")
        if kind not in _KINDS or sender >= len(ROLES) or destination >= len(ROLES):
            raise MessageError("unknown kind or role", given=(kind, sender, destination))
        payload = raw[_HEADER.size : size - self._tail]
        return Datagram(
            *(_KINDS[kind], ROLES[sender], ROLES[destination], flags, seq, t_send, echo, age, payload, start, heard)
        )

    def _sign(self, body: bytes) -> bytes:
        if self._key is None:
            return _CRC.pack(zlib.crc32(body))
        return hmac.digest(self._key, body, "sha256")[:_HMAC_BYTES]


class OtherSessionError(MessageError):
    """A sound datagram that belongs to another session."""
