"""Maps the stamps of somebody else's clock to our own, from messages that only come one way."""

from __future__ import annotations

from collections import deque

from teletwin.clock import NS_PER_MS, NS_PER_S

_BUCKET_NS = 5 * NS_PER_S
"""The shortest way of the last one to two of these counts: longer than a stall, shorter than a drift."""
_ONE_WAY_MOST_NS = 60 * NS_PER_MS
"""A sender that measured the way itself is believed up to this."""
_LATE_NS, _LATE_FOR_NS, _LATE_COUNT = 150 * NS_PER_MS, NS_PER_S // 2, 5
"""Later than the shortest way by so much, for so long, so often in a row: the sender's clock stood still."""
_GRAINS_NS = (100 * NS_PER_MS, NS_PER_S // 60)
"""Steps of clocks that browsers coarsen against fingerprinting."""
_GRAIN_SLACK_NS = 20_000
_STAMPS = 8


class SenderClock:
    """The shortest way that a message took tells how far apart the clocks are; no message is sent for it.

    A stamp is never mapped to later than its receipt, nor to more than `oldest_ns` before it, whatever a sender says.
    A clock too coarse to tell one input from the next is not used: its messages count from their receipt.
    """

    def __init__(self, *, oldest_ns: int = NS_PER_S // 4) -> None:
        self._oldest_ns = oldest_ns
        self._least: list[int] = []
        """Least receipt minus stamp [ns] of this bucket and of the one before."""
        self._bucket_ns = 0
        self._late_since_ns = self._late_count = 0
        self._stamps: deque[int] = deque(maxlen=_STAMPS)

    def learn(self, t_sender_ns: int, received_ns: int, *, is_by_timer: bool = False) -> None:
        """Take a message of this stamp that was received now; every message helps.

        One that a timer sent (`is_by_timer`) shows the clock's steps; inputs may well come on steps of their own.
        """
        way_ns = received_ns - t_sender_ns
        if not self._least or self._has_stood_still(way_ns, received_ns):
            self._least, self._bucket_ns = [way_ns], received_ns
        elif received_ns - self._bucket_ns >= _BUCKET_NS:
            self._least, self._bucket_ns = [way_ns, self._least[0]], received_ns
        else:
            self._least[0] = min(self._least[0], way_ns)
        if is_by_timer and (not self._stamps or self._stamps[-1] != t_sender_ns):
            self._stamps.append(t_sender_ns)

    def at(self, t_sender_ns: int, received_ns: int, *, claimed_ns: int | None = None) -> int:
        """When it was by our clock [ns], in a message received at received_ns; `learn` must have been told of one.

        `claimed_ns` is what the sender thinks, from round trips of its own: a way of up to 60 ms is believed.
        """
        if not self._least or self.is_coarse:
            return received_ns
        latest_ns = t_sender_ns + min(self._least)
        t_ns = latest_ns if claimed_ns is None else min(max(claimed_ns, latest_ns - _ONE_WAY_MOST_NS), latest_ns)
        return min(max(t_ns, received_ns - self._oldest_ns), received_ns)

    @property
    def is_coarse(self) -> bool:
        """Whether a timer's stamps all lie on the steps of a coarsened clock."""
        if len(self._stamps) < _STAMPS:
            return False
        return any(all(_is_step(stamp, grain) for stamp in self._stamps) for grain in _GRAINS_NS)

    def _has_stood_still(self, way_ns: int, received_ns: int) -> bool:
        if way_ns - min(self._least) < _LATE_NS:
            self._late_count = 0
            return False
        if not self._late_count:
            self._late_since_ns = received_ns
        self._late_count += 1
        is_over = self._late_count >= _LATE_COUNT and received_ns - self._late_since_ns >= _LATE_FOR_NS
        self._late_count = 0 if is_over else self._late_count
        return is_over


def _is_step(stamp_ns: int, grain_ns: int) -> bool:
    past_ns = stamp_ns % grain_ns
    # A sixtieth of a second is no whole number of nanoseconds: the remainder grows with the stamp.
    slack_ns = _GRAIN_SLACK_NS + stamp_ns // grain_ns
    return min(past_ns, grain_ns - past_ns) <= min(slack_ns, grain_ns // 20)
