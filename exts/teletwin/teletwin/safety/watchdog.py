"""Silence, judged by the receiver's clock alone."""

from __future__ import annotations

NEVER_NS = 1 << 62
"""The silence of somebody who was never heard [ns]."""


class Watchdog:
    """Measures for how long nothing was heard, and barks when that is longer than limit_ns [ns].

    Args:
        limit_ns: Silence that is borne [ns].
        tick_ns: How often `pass_time` is called [ns]: time that passes for it while the clock stands still, as one
            does that was set back.
    """

    def __init__(self, limit_ns: int, *, tick_ns: int = 0) -> None:
        self.limit_ns, self._tick_ns = limit_ns, tick_ns
        self._heard_ns: int | None = None
        self._passed_ns, self._stood_ns = -1, 0

    def hear(self, now_ns: int) -> None:
        """A sign of life at now_ns."""
        self._heard_ns, self._stood_ns = now_ns, 0

    def pass_time(self, now_ns: int) -> int:
        """The silence so far [ns]; to be called once a tick, before what has arrived meanwhile is read.

        Who stood still himself has heard nothing for so long either.
        """
        if now_ns <= self._passed_ns:
            self._stood_ns += self._tick_ns
        self._passed_ns = now_ns
        return self.silence_ns(now_ns)

    def silence_ns(self, now_ns: int) -> int:
        """Time since the last sign of life [ns]; NEVER_NS before the first."""
        return NEVER_NS if self._heard_ns is None else now_ns - self._heard_ns + self._stood_ns

    def is_calm(self, now_ns: int) -> bool:
        """Whether the last sign of life is recent."""
        return self.silence_ns(now_ns) <= self.limit_ns
