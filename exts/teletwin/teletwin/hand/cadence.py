"""How often a device speaks, and with that whether silence means that the hand rests.

A screen reports when something changed. Between two reports of a moving hand pass 8 ms or 38, and some are handled
late. A fixed threshold below that makes false stops, a long one lets the forecast run on after a real stop.
"""

from __future__ import annotations

from collections import deque

from teletwin.clock import NS_PER_MS

REST_EARLIEST_NS, REST_LATEST_NS = 25 * NS_PER_MS, 50 * NS_PER_MS
"""Whoever has not moved for the first may rest, for the second does rest; with a slot, within 60 ms [ns]."""
SILENCE_LATEST_NS = 150 * NS_PER_MS
"""The second, of a device that goes on reporting while the hand rests: its silence is only a gap [ns]."""
_LONGER = 1.25
"""How much longer than the longest of the last gaps silence must be."""
_GAPS, _GAPS_LEAST = 16, 4
_GUARD_MOST_NS = 25 * NS_PER_MS
_STALLED_NS = 40 * NS_PER_MS
"""A page says something with every display frame, at 30 Hz too."""
_STALLS_NS = 1000 * NS_PER_MS
"""A page that stalled will do so again within this time."""


class Cadence:
    """Gaps between a device's motions, and how late they are heard of; all times own clock [ns]."""

    def __init__(self) -> None:
        self.latest_ns = REST_LATEST_NS
        """Whoever has not moved for so long rests [ns]."""
        self._gaps: deque[int] = deque(maxlen=_GAPS)
        self._late: deque[int] = deque(maxlen=_GAPS)
        self._fresh: list[int] = []
        self._moved_ns = self._quiet_ns = self._told_ns = 0
        self._stalled_ns = -_STALLS_NS
        self._says_quiet = self._is_told = False

    def moved(self, t_ns: int) -> None:
        """The hand was elsewhere at t_ns."""
        gap_ns = t_ns - self._moved_ns
        if 0 < gap_ns < self.latest_ns:
            self._gaps.append(gap_ns)
        self._moved_ns = t_ns
        self._is_told = True
        self._fresh.append(t_ns)

    def quiet(self, t_ns: int) -> None:
        """The device says that the hand has not moved until t_ns."""
        self._says_quiet = self._is_told = True
        self._quiet_ns = max(self._quiet_ns, t_ns)

    def another(self) -> None:
        """Another device takes over, of which nothing is known."""
        self._gaps.clear()
        self._late.clear()
        self._says_quiet = False

    def rests_at(self, now_ns: int, *, is_free: bool = False) -> int | None:
        """The instant until which the hand is known to rest where it was; None while it may be on its way.

        With is_free it moves nothing and rests at once. The instant lies before now by as much as inputs come late: a
        motion that is on its way shall not contradict it.
        """
        self._late += [now_ns - t_ns for t_ns in self._fresh]
        self._fresh.clear()
        if self._is_told:
            self._stalled_ns = now_ns if self._is_stalled(now_ns) else self._stalled_ns
            self._told_ns, self._is_told = now_ns, False
        if self._is_stalled(now_ns) and not is_free:
            return None
        late_ns = max(self._late, default=0)
        guard_ns = min(late_ns, _GUARD_MOST_NS)
        heard_ns = now_ns - (min(late_ns, SILENCE_LATEST_NS) if self._says_quiet else guard_ns)
        known_ns = min(self._quiet_ns, now_ns) - guard_ns if self._says_quiet else heard_ns
        still_ns = known_ns - self._moved_ns
        latest_ns = SILENCE_LATEST_NS if now_ns - self._stalled_ns < _STALLS_NS else self.latest_ns
        may_move = still_ns < self._patience_ns() and now_ns - self._moved_ns < latest_ns
        if may_move and not is_free:
            return None
        return heard_ns

    def _is_stalled(self, now_ns: int) -> bool:
        """Whether a device that tells of rest tells nothing: what its hand has done meanwhile is on its way."""
        return self._says_quiet and _STALLED_NS < now_ns - self._told_ns < SILENCE_LATEST_NS

    def _patience_ns(self) -> int:
        if len(self._gaps) < _GAPS_LEAST:
            return self.latest_ns
        return min(max(int(_LONGER * max(self._gaps)), REST_EARLIEST_NS), self.latest_ns)
