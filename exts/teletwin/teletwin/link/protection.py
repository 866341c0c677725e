"""Protects messages of several pieces on a lossy path: as much parity as the loss asks for, and pieces sent again.

The receiver measures which share of the pieces is lost and tells the sender; it asks for pieces again where they would
still come before the next message. The sender's parity follows the loss, up at once and down slowly.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.link.clock_sync import ClockSync
from teletwin.link.fragments import Key, Reassembly
from teletwin.link.repair import Wish

_KEPT = 4
"""Messages whose pieces can be sent again."""
_FALL_S = 8.0
"""Time constant of a loss that is told no more [s]."""
_TELL_NS = 200 * NS_PER_MS
"""How often a receiver tells the loss."""
_SLACK_NS = 5 * NS_PER_MS
_PERIOD_WEIGHT = 0.1
_APART_NS = NS_PER_S


class Protection:
    """A sender's side towards one peer: the loss that it was told of, and the pieces that it sent last."""

    def __init__(self) -> None:
        self._loss, self._told_ns = 0.0, 0
        self._sent: OrderedDict[tuple[int, int], dict[int, bytes]] = OrderedDict()
        self.repeated_count = 0
        """Pieces that were sent again."""

    def loss(self, now_ns: int) -> float:
        """Share of pieces that is taken to be lost."""
        return self._loss * math.exp(-max(now_ns - self._told_ns, 0) / (_FALL_S * NS_PER_S))

    def keep(self, kind: int, seq: int, pieces: list[bytes]) -> None:
        """Remember the pieces of a message that is being sent."""
        self._sent[kind, seq] = dict(enumerate(pieces))
        while len(self._sent) > _KEPT:
            self._sent.popitem(last=False)

    def take(self, wish: Wish, now_ns: int) -> list[bytes]:
        """Learn the loss; the pieces to send again, each of them once at most."""
        self._loss, self._told_ns = max(wish.loss, self.loss(now_ns)), now_ns
        kept = self._sent.get((wish.kind, wish.seq), {})
        again = [kept.pop(number) for number in wish.pieces if number in kept]
        self.repeated_count += len(again)
        return again


class _Stream:
    """What a receiver knows of one sender's messages of several pieces."""

    def __init__(self) -> None:
        self.seq = -1
        self.newest_ns = self.told_ns = 0
        self.period_ns = 0.0

    def came(self, seq: int, t_ns: int) -> None:
        """A piece of message `seq` came: follow how far apart messages are."""
        if seq == self.seq:
            return
        apart_ns = t_ns - self.newest_ns
        if 0 < apart_ns < _APART_NS:
            self.period_ns += (_PERIOD_WEIGHT if self.period_ns else 1.0) * (apart_ns - self.period_ns)
        self.seq, self.newest_ns = seq, t_ns


class Repairs:
    """Both sides of one role: `loss` and `keep` where it sends, `came` and `wishes` where it receives."""

    def __init__(self, role: str) -> None:
        self._role = role
        self._protections: dict[str, Protection] = {}
        self._streams: dict[tuple[str, int], _Stream] = {}

    def towards(self, peer: str) -> Protection:
        """What protects messages to a peer."""
        return self._protections.setdefault(peer, Protection())

    def came(self, sender: str, kind: int, seq: int, t_ns: int) -> None:
        """A piece of a sender's message came at t_ns [ns]."""
        self._streams.setdefault((sender, kind), _Stream()).came(seq, t_ns)

    def wishes(
        self, reassembly: Reassembly, now_ns: int, *, sync: Callable[[str], ClockSync]
    ) -> list[tuple[str, Wish]]:
        """What to tell senders now: pieces that still come in time, and the loss, five times a second."""

        def may_ask(key: Key) -> bool:
            sender, destination, kind, _ = key
            return destination == self._role and 0 < sync(sender).round_trip_ns < self._period_ns(sender, kind)

        told = [
            (sender, Wish(kind, seq, self._loss(reassembly, sender), pieces))
            for (sender, _, kind, seq), pieces in reassembly.lacking(now_ns, may_ask)
        ]
        for (sender, _), stream in self._streams.items():
            meter = reassembly.meters.get((sender, self._role))
            if meter is not None and meter.is_worth_telling and now_ns - stream.told_ns >= _TELL_NS:
                stream.told_ns, meter.is_worth_telling = now_ns, False
                told.append((sender, Wish(0, 0, meter.share)))
        return told

    def _period_ns(self, sender: str, kind: int) -> float:
        """How long a piece may take that is asked for now."""
        stream = self._streams.get((sender, kind))
        return stream.period_ns - _SLACK_NS if stream is not None else 0.0

    def _loss(self, reassembly: Reassembly, sender: str) -> float:
        meter = reassembly.meters.get((sender, self._role))
        return meter.share if meter is not None else 0.0

    @property
    def repeated_count(self) -> int:
        """Pieces that were sent again."""
        return sum(protection.repeated_count for protection in self._protections.values())
