"""Framing of RTDE: two bytes of size, one of kind, then the payload; everything big-endian.

Source: Universal Robots, "Real-Time Data Exchange (RTDE) Guide", protocol version 2.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from teletwin.errors import MessageError

_HEADER = struct.Struct(">HB")
HEADER_SIZE = _HEADER.size
PROTOCOL_VERSION = 2
CONTROLLER_VERSION = (5, 21, 0, 0)
"""What the virtual controller says it is: 5.23 and later would ask for more registers."""
PACKET_MAX = 4096
"""No message of a client is longer; a larger size means that the stream is not RTDE."""


class Kind(IntEnum):
    """The messages in use."""

    TEXT = ord("M")
    DATA = ord("U")
    PROTOCOL = ord("V")
    CONTROLLER = ord("v")
    OUTPUTS = ord("O")
    INPUTS = ord("I")
    START = ord("S")
    PAUSE = ord("P")


def frame(kind: int, payload: bytes) -> bytes:
    """One message ready to send."""
    return _HEADER.pack(HEADER_SIZE + len(payload), kind) + payload


def split(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take every complete message off the front of buffer; return (kind, payload) pairs.

    Raises:
        MessageError: A size that no RTDE message has; the stream cannot be trusted any more.
    """
    messages: list[tuple[int, bytes]] = []
    start = 0
    while len(buffer) - start >= HEADER_SIZE:
        size, kind = _HEADER.unpack_from(buffer, start)
        if not HEADER_SIZE <= size <= PACKET_MAX:
            raise MessageError("not an RTDE message", given=f"size {size}", allowed=f"{HEADER_SIZE} to {PACKET_MAX}")
        if len(buffer) - start < size:
            break
        messages.append((kind, bytes(buffer[start + HEADER_SIZE : start + size])))
        start += size
    del buffer[:start]
    return messages
