"""Silence, judged by the receiver's clock alone."""

from __future__ import annotations


class Watchdog:
    """Barks when nothing was heard for limit_ns [ns]; before the first word it barks too.

    Args:
        limit_ns: Silence that is borne [ns].
        tick_ns: How often it is asked [ns]: time that passes for it while the clock stands still, as one does that
            was set back.
    """

    def __init__(self, limit_ns: int, *, tick_ns: int = 0) -> None:
        self.limit_ns, self._tick_ns = limit_ns, tick_ns
        self._heard_ns: int | None = None
        self._asked_ns, self._stood_ns = -1, 0

    def hear(self, now_ns: int) -> None:
        """A sign of life at now_ns."""
        self._heard_ns, self._stood_ns = now_ns, 0

    def is_calm(self, now_ns: int) -> bool:
        """Whether the last sign of life is recent; to be asked once a tick."""
        if now_ns <= self._asked_ns:
            self._stood_ns += self._tick_ns
        self._asked_ns = now_ns
        return self._heard_ns is not None and now_ns - self._heard_ns + self._stood_ns <= self.limit_ns
