"""Which numbers of a stream were seen: replays and overtaken messages are told from fresh ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

WINDOW = 1024
_HALF = 1 << 31
_MASK = (1 << 32) - 1
_MAX_COUNTED_GAP = 10_000
_REMEMBERED = (1 << WINDOW) - 1


class Verdict(Enum):
    """What a sequence number says about a message."""

    FRESH = "fresh"
    LATE = "late"
    """Never seen, but something newer was."""
    REPLAYED = "replayed"
    """Seen before, or so old that it may have been."""


class Volume(NamedTuple):
    """All that a role has sent, stamps and answers included."""

    datagrams: int = 0
    byte_count: int = 0


@dataclass(slots=True)
class StreamCounts:
    """Totals of one stream (sender, destination, kind)."""

    received: int = 0
    missing: int = 0
    """Numbers skipped so far and not seen since."""
    late: int = 0
    replayed: int = 0
    stale: int = 0


class SequenceWindow:
    """Remembers the newest 1024 numbers of one stream; numbers wrap at 2**32 (RFC 1982 order)."""

    def __init__(self) -> None:
        self.counts = StreamCounts()
        self._newest = -1
        self._seen = 0

    def restart(self) -> None:
        """Forget the numbers, not the counts: the sender has started again."""
        self._newest, self._seen = -1, 0

    def judge(self, seq: int) -> Verdict:
        """Take note of seq and say what it is."""
        if self._newest < 0:
            self._newest, self._seen = seq, 1
            return self._count(Verdict.FRESH)
        ahead = (seq - self._newest) & _MASK
        if ahead == 1:  # what comes in order comes often
            self._newest, self._seen = seq, (self._seen << 1 | 1) & _REMEMBERED
            self.counts.received += 1
            return Verdict.FRESH
        if 0 < ahead < _HALF:
            self._seen = ((self._seen << ahead) | 1) & _REMEMBERED if ahead < WINDOW else 1
            self._newest = seq
            self.counts.missing += ahead - 1 if ahead < _MAX_COUNTED_GAP else 0
            return self._count(Verdict.FRESH)
        behind = (self._newest - seq) & _MASK
        if behind >= WINDOW or self._seen >> behind & 1:
            return self._count(Verdict.REPLAYED)
        self._seen |= 1 << behind
        self.counts.missing -= self.counts.missing > 0
        return self._count(Verdict.LATE)

    def _count(self, verdict: Verdict) -> Verdict:
        self.counts.received += verdict is Verdict.FRESH
        self.counts.late += verdict is Verdict.LATE
        self.counts.replayed += verdict is Verdict.REPLAYED
        return verdict
