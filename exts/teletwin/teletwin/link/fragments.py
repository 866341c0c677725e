"""Messages larger than a datagram: cut into pieces with XOR parity, and put together again.

Pieces are dealt to groups of at most 16, interleaved so that a burst hits different groups; each group
has one parity piece, so one lost piece of each group is rebuilt without asking again.
"""

from __future__ import annotations

import math
import struct
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import MessageError
from teletwin.link import ONE_PIECE, Burst
from teletwin.link.codec import MAX_MESSAGE_BYTES
from teletwin.link.wire import MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES

_PIECE_HEADER = struct.Struct("<HI")
PIECE_BYTES = MAX_PAYLOAD_BYTES - _PIECE_HEADER.size
_HEAD_BYTES = MAX_DATAGRAM_BYTES - MAX_PAYLOAD_BYTES
_GROUP_PIECES = 16
_MAX_PARTIAL = 8
_MAX_FINISHED = 256
_MAX_AGE_NS = 1 * NS_PER_S

Key = tuple[str, str, int, int]
"""Sender, destination, kind and sequence number of a message."""


def _layout(size: int) -> tuple[int, int]:
    """Count of pieces and of parity groups of a message of `size` bytes."""
    count = -(-size // PIECE_BYTES)
    return count, -(-count // _GROUP_PIECES)


def split(payload: bytes) -> list[bytes]:
    """Payloads of the pieces of a message, parity pieces last."""
    size = len(payload)
    count, groups = _layout(size)
    padded = np.zeros(count * PIECE_BYTES, dtype=np.uint8)
    padded[:size] = np.frombuffer(payload, np.uint8)
    rows = padded.reshape(count, PIECE_BYTES)
    pieces = [payload[k * PIECE_BYTES : (k + 1) * PIECE_BYTES] for k in range(count)]
    pieces += [np.bitwise_xor.reduce(rows[group::groups]).tobytes() for group in range(groups)]
    return [_PIECE_HEADER.pack(index, size) + piece for index, piece in enumerate(pieces)]


def wire_bytes(size: int) -> int:
    """Bytes of all datagrams of a message of `size` bytes, with headers, seals and parity."""
    if size <= MAX_PAYLOAD_BYTES:
        return size + _HEAD_BYTES
    count, groups = _layout(size)
    return size + groups * PIECE_BYTES + (count + groups) * (_HEAD_BYTES + _PIECE_HEADER.size)


def payload_within(byte_count: float) -> int:
    """Size of the largest message whose datagrams take about byte_count bytes together."""
    if byte_count <= MAX_DATAGRAM_BYTES:
        return max(int(byte_count) - _HEAD_BYTES, 0)
    pieces = byte_count / MAX_DATAGRAM_BYTES
    groups = math.ceil(pieces / (_GROUP_PIECES + 1))
    return max(int((pieces - groups) * PIECE_BYTES), MAX_PAYLOAD_BYTES)


@dataclass(slots=True)
class _Partial:
    size: int
    t_ns: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    newest_ns: int = 0
    later_bytes: int = 0
    later_count: int = 0

    def take(self, index: int, body: bytes, t_ns: int) -> None:
        """Keep a piece, and how it came."""
        if self.pieces and index not in self.pieces:
            self.later_bytes += len(body) + _HEAD_BYTES + _PIECE_HEADER.size
            self.later_count += 1
        self.newest_ns = max(self.newest_ns, t_ns)
        self.pieces[index] = body

    def burst(self) -> Burst:
        """How the pieces came so far."""
        spaced = self.later_count >= 2 and self.newest_ns > self.t_ns
        return Burst(self.later_bytes, (self.newest_ns - self.t_ns) / NS_PER_MS if spaced else 0.0)


class Reassembly:
    """Collects pieces into messages; bounded to 8 unfinished messages, each for at most one second."""

    def __init__(self) -> None:
        self._partial: OrderedDict[Key, _Partial] = OrderedDict()
        self._finished: OrderedDict[Key, Burst] = OrderedDict()
        self.rebuilt_count = 0
        self.incomplete_count = 0

    def add(self, key: Key, piece: bytes, t_ns: int) -> bytes | None:
        """Take one piece that arrived at t_ns [ns]; return the message once it is whole, and only once.

        Raises:
            MessageError: The piece does not fit its message.
        """
        if len(piece) < _PIECE_HEADER.size:
            raise MessageError("a piece was cut", given=len(piece))
        index, size = _PIECE_HEADER.unpack_from(piece)
        body = piece[_PIECE_HEADER.size :]
        _check_piece(index, size, len(body))
        self._drop_old(t_ns)
        if key in self._finished:
            return None
        partial = self._partial.setdefault(key, _Partial(size, t_ns))
        if partial.size != size:
            raise MessageError("a piece belongs to a message of another length", given=size, allowed=partial.size)
        partial.take(index, body, t_ns)
        self._limit()
        return self._finish(key, partial)

    def is_finished(self, key: Key) -> bool:
        """Whether this message was whole before, as far back as the newest 256 messages."""
        return key in self._finished

    def burst(self, key: Key) -> Burst:
        """How the pieces of a message came that was whole before; the parity that was not waited for left out."""
        return self._finished.get(key, ONE_PIECE)

    def forget(self, sender: str, destination: str) -> None:
        """Drop what came of a sender that has started again."""
        for kept in (self._partial, self._finished):
            for key in [key for key in kept if key[:2] == (sender, destination)]:
                del kept[key]

    def _finish(self, key: Key, partial: _Partial) -> bytes | None:
        missing = _missing(partial)
        if missing is None:
            return None
        for index in missing:
            partial.pieces[index] = _rebuild(partial, index)
            self.rebuilt_count += 1
        del self._partial[key]
        self._finished[key] = partial.burst()
        while len(self._finished) > _MAX_FINISHED:
            self._finished.popitem(last=False)
        count, _ = _layout(partial.size)
        return b"".join(partial.pieces[k] for k in range(count))[: partial.size]

    def _limit(self) -> None:
        while len(self._partial) > _MAX_PARTIAL:
            self._give_up()

    def _drop_old(self, t_ns: int) -> None:
        while self._partial and t_ns - next(iter(self._partial.values())).t_ns > _MAX_AGE_NS:
            self._give_up()

    def _give_up(self) -> None:
        self._partial.popitem(last=False)
        self.incomplete_count += 1


def _check_piece(index: int, size: int, length: int) -> None:
    if not 0 < size <= MAX_MESSAGE_BYTES:
        raise MessageError("a message of pieces has a wrong length", given=size)
    count, groups = _layout(size)
    if index >= count + groups:
        raise MessageError("a piece has a wrong number", given=index, allowed=f"< {count + groups}")
    if length != (size - index * PIECE_BYTES if index == count - 1 else PIECE_BYTES):
        raise MessageError("a piece has a wrong length", given=length)


def _missing(partial: _Partial) -> list[int] | None:
    """Pieces to rebuild; None while some group lacks more than its parity can give back."""
    count, groups = _layout(partial.size)
    if len(partial.pieces) < count:
        return None
    missing = [k for k in range(count) if k not in partial.pieces]
    hit = [k % groups for k in missing]
    if len(set(hit)) < len(hit) or any(count + group not in partial.pieces for group in hit):
        return None
    return missing


def _rebuild(partial: _Partial, index: int) -> bytes:
    count, groups = _layout(partial.size)
    group = index % groups
    members = [k for k in range(group, count, groups) if k != index]
    total = int.from_bytes(partial.pieces[count + group], "little")
    for k in members:
        total ^= int.from_bytes(partial.pieces[k], "little")
    return total.to_bytes(PIECE_BYTES, "little")
