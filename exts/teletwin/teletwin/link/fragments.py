"""Messages larger than a datagram: cut into pieces with parity, and put together again.

Pieces are dealt to groups of at most 128, interleaved so that a burst hits different groups. Each group has the same
count of parity pieces; so many lost pieces are rebuilt without asking again.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import MessageError
from teletwin.link import ONE_PIECE, Burst
from teletwin.link.codec import MAX_MESSAGE_BYTES
from teletwin.link.reed_solomon import PARITIES_MAX, PIECES_MAX, parity, rebuild
from teletwin.link.repair import ASKED_MAX, LossMeter, parity_count
from teletwin.link.wire import MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES

_PIECE_HEADER = struct.Struct("<HBI")
"""Number, parity pieces of a group, and size of the message."""
PIECE_BYTES = MAX_PAYLOAD_BYTES - _PIECE_HEADER.size
_HEAD_BYTES = MAX_DATAGRAM_BYTES - MAX_PAYLOAD_BYTES
_MAX_PARTIAL = 8
_MAX_FINISHED = 256
_MAX_AGE_NS = 1 * NS_PER_S
_OVERDUE = 3
"""After so many newer messages of its stream nothing more comes of one."""
_QUIET_NS, _QUIET_FIRST_NS = 4 * NS_PER_MS, 15 * NS_PER_MS
_QUIET_SPACINGS = 3
"""Without a piece for so many times as they were apart, 4 ms at least, those that are missing are lost, not late."""

Key = tuple[str, str, int, int]
"""Sender, destination, kind and sequence number of a message."""


def piece_count(size: int) -> int:
    """Pieces of a message of `size` bytes, parity left out."""
    return -(-size // PIECE_BYTES)


def _groups(count: int) -> int:
    return -(-count // PIECES_MAX)


def split(payload: bytes, *, loss: float = 0.0) -> list[bytes]:
    """Payloads of the pieces of a message, parity pieces last; as many as a path with this loss asks for."""
    size, count = len(payload), piece_count(len(payload))
    groups, parities = _groups(count), parity_count(-(-count // _groups(count)), loss)
    padded = np.zeros(count * PIECE_BYTES, dtype=np.uint8)
    padded[:size] = np.frombuffer(payload, np.uint8)
    rows = padded.reshape(count, PIECE_BYTES)
    pieces = [payload[k * PIECE_BYTES : (k + 1) * PIECE_BYTES] for k in range(count)]
    of_groups = [parity(rows[group::groups], parities) for group in range(groups)]
    pieces += [of_groups[group][number].tobytes() for number in range(parities) for group in range(groups)]
    return [_PIECE_HEADER.pack(index, parities, size) + piece for index, piece in enumerate(pieces)]


def wire_bytes(size: int, *, loss: float = 0.0) -> int:
    """Bytes of all datagrams of a message of `size` bytes, with headers, seals and parity."""
    if size <= MAX_PAYLOAD_BYTES:
        return size + _HEAD_BYTES
    count = piece_count(size)
    groups = _groups(count)
    spare = groups * parity_count(-(-count // groups), loss)
    return size + spare * PIECE_BYTES + (count + spare) * (_HEAD_BYTES + _PIECE_HEADER.size)


def payload_within(byte_count: float, *, loss: float = 0.0) -> int:
    """Size of the largest message whose datagrams take about byte_count bytes together."""
    if byte_count <= MAX_DATAGRAM_BYTES:
        return max(int(byte_count) - _HEAD_BYTES, 0)
    pieces = byte_count / MAX_DATAGRAM_BYTES
    count = pieces
    for _ in range(4):  # the parity of fewer pieces
        count = max(pieces - _groups(max(round(count), 1)) * parity_count(max(round(count), 1), loss), 1.0)
    return max(int(count * PIECE_BYTES), MAX_PAYLOAD_BYTES)


@dataclass(slots=True)
class _Partial:
    """What has come of a message; once it is whole, only the numbers of the pieces matter."""

    size: int
    parities: int
    t_ns: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    came: int = 0
    """Pieces that came by themselves."""
    newest_ns: int = 0
    later_bytes: int = 0
    later_count: int = 0
    is_whole: bool = False
    was_asked: bool = False

    @property
    def count(self) -> int:
        """Pieces without parity."""
        return piece_count(self.size)

    @property
    def total(self) -> int:
        """All pieces."""
        return self.count + self.parities * _groups(self.count)

    def check(self, size: int, parities: int) -> None:
        """Refuse a piece of another message."""
        if (self.size, self.parities) != (size, parities):
            raise MessageError("a piece belongs to a message of another length", given=size, allowed=self.size)

    def take(self, index: int, body: bytes, t_ns: int) -> None:
        """Keep a piece, and how it came."""
        if self.pieces and index not in self.pieces and not self.is_whole:
            self.later_bytes += len(body) + _HEAD_BYTES + _PIECE_HEADER.size
            self.later_count += 1
        self.came += index not in self.pieces and not self.was_asked
        self.newest_ns = max(self.newest_ns, t_ns)
        self.pieces[index] = b"" if self.is_whole else body

    def missing(self) -> list[list[int]]:
        """Numbers of the missing pieces by group, each group's only where its parity cannot give them back."""
        groups = _groups(self.count)
        lacking = []
        for group in range(groups):
            spare = sum(self.count + number * groups + group in self.pieces for number in range(self.parities))
            missing = [k for k in range(group, self.count, groups) if k not in self.pieces]
            lacking.append(missing[spare:] if len(missing) > spare else [])
        return lacking

    def is_quiet(self, now_ns: int) -> bool:
        """Whether nothing more comes by itself; a thin link lets pieces through one by one."""
        since_ns, apart_ns = now_ns - self.newest_ns, self.newest_ns - self.t_ns
        if not self.later_count:
            return since_ns > _QUIET_FIRST_NS
        return since_ns > max(_QUIET_NS, _QUIET_SPACINGS * apart_ns / self.later_count)

    def end(self) -> Burst:
        """How its pieces came; its bytes are passed on, and only the numbers of its pieces are kept."""
        self.is_whole = True
        self.pieces = dict.fromkeys(self.pieces, b"")
        spaced = self.later_count >= 2 and self.newest_ns > self.t_ns
        return Burst(self.later_bytes, (self.newest_ns - self.t_ns) / NS_PER_MS if spaced else 0.0)


class Reassembly:
    """Collects pieces into messages; bounded to 8 unfinished messages, each for at most one second."""

    def __init__(self) -> None:
        self._partial: OrderedDict[Key, _Partial] = OrderedDict()
        self._finished: OrderedDict[Key, Burst] = OrderedDict()
        self._counting: OrderedDict[Key, _Partial] = OrderedDict()
        self.meters: dict[tuple[str, str], LossMeter] = {}
        """Share of pieces lost, by sender and destination."""
        self.rebuilt_count = 0
        self.incomplete_count = 0

    def add(self, key: Key, piece: bytes, t_ns: int) -> bytes | None:
        """Take one piece that arrived at t_ns [ns]; return the message once it is whole, and only once.

        Raises:
            MessageError: The piece does not fit its message.
        """
        if len(piece) < _PIECE_HEADER.size:
            raise MessageError("a piece was cut", given=len(piece))
        index, parities, size = _PIECE_HEADER.unpack_from(piece)
        body = piece[_PIECE_HEADER.size :]
        _check_piece(index, parities, size, len(body))
        self._drop_old(t_ns)
        if key in self._finished:
            if key in self._counting:
                self._counting[key].check(size, parities)
                self._counting[key].take(index, body, t_ns)
            return None
        partial = self._partial.setdefault(key, _Partial(size, parities, t_ns))
        partial.check(size, parities)
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
        for kept in (self._partial, self._finished, self._counting):
            for key in [key for key in kept if key[:2] == (sender, destination)]:
                del kept[key]

    def lacking(self, now_ns: int, may_ask: Callable[[Key], bool]) -> list[tuple[Key, tuple[int, ...]]]:
        """Messages of which nothing more comes by itself, each once, and the pieces that would make them whole."""
        found = []
        for key, partial in self._partial.items():
            if not partial.was_asked and partial.is_quiet(now_ns) and may_ask(key):
                partial.was_asked = True
                pieces = [number for group in partial.missing() for number in group]
                found.append((key, tuple(pieces[:ASKED_MAX])))
        return found

    def _finish(self, key: Key, partial: _Partial) -> bytes | None:
        count = partial.count
        if len(partial.pieces) < count or any(partial.missing()):
            return None
        payload = self._join(partial)
        self._finished[key] = partial.end()
        del self._partial[key]
        while len(self._finished) > _MAX_FINISHED:
            self._finished.popitem(last=False)
        self._counting[key] = partial
        while len(self._counting) > _OVERDUE:
            self._count(*self._counting.popitem(last=False))
        return payload

    def _join(self, partial: _Partial) -> bytes:
        """The message; missing pieces are rebuilt."""
        count, pieces = partial.count, dict(partial.pieces)  # what is rebuilt did not come
        groups = _groups(count)
        for group in range(groups):
            numbers = range(group, count, groups)
            known = {place: _padded(pieces[k]) for place, k in enumerate(numbers) if k in pieces}
            if len(known) == len(numbers):
                continue
            spare = {
                number: _padded(pieces[index])
                for number in range(partial.parities)
                if (index := count + number * groups + group) in pieces
            }
            for place, piece in rebuild(known, spare, len(numbers)).items():
                pieces[numbers[place]] = piece.tobytes()
                self.rebuilt_count += 1
        return b"".join(pieces[k] for k in range(count))[: partial.size]

    def _count(self, key: Key, partial: _Partial) -> None:
        """A message is over: learn from it how much is lost."""
        self.meters.setdefault(key[:2], LossMeter()).count(partial.total, partial.came)

    def _limit(self) -> None:
        while len(self._partial) > _MAX_PARTIAL:
            self._give_up()

    def _drop_old(self, t_ns: int) -> None:
        while self._partial and t_ns - next(iter(self._partial.values())).t_ns > _MAX_AGE_NS:
            self._give_up()

    def _give_up(self) -> None:
        key, partial = self._partial.popitem(last=False)
        self.incomplete_count += 1
        self._count(key, partial)


def _padded(piece: bytes) -> np.ndarray:
    return np.frombuffer(piece.ljust(PIECE_BYTES, b"\0"), np.uint8)


def _check_piece(index: int, parities: int, size: int, length: int) -> None:
    if not 0 < size <= MAX_MESSAGE_BYTES:
        raise MessageError("a message of pieces has a wrong length", given=size)
    if not 0 < parities <= PARITIES_MAX:
        raise MessageError("a message of pieces has a wrong parity", given=parities, allowed=f"1 ... {PARITIES_MAX}")
    count = piece_count(size)
    total = count + parities * _groups(count)
    if index >= total:
        raise MessageError("a piece has a wrong number", given=index, allowed=f"< {total}")
    if length != (size - index * PIECE_BYTES if index == count - 1 else PIECE_BYTES):
        raise MessageError("a piece has a wrong length", given=length)
