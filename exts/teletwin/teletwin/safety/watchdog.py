"""Silence, judged by the receiver's clock alone."""

from __future__ import annotations


class Watchdog:
    """Barks when nothing was heard for limit_ns [ns]; before the first word it barks too."""

    def __init__(self, limit_ns: int) -> None:
        self.limit_ns = limit_ns
        self._heard_ns: int | None = None

    def hear(self, now_ns: int) -> None:
        """A sign of life at now_ns."""
        self._heard_ns = now_ns

    def is_calm(self, now_ns: int) -> bool:
        """Whether the last sign of life is recent."""
        return self._heard_ns is not None and now_ns - self._heard_ns <= self.limit_ns

    def silent_ns(self, now_ns: int) -> int:
        """How long nothing was heard [ns]; 0 before the first word."""
        return 0 if self._heard_ns is None else now_ns - self._heard_ns
