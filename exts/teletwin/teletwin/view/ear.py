"""How much a page may say."""

from __future__ import annotations

from teletwin.safety import RateLimit

MESSAGE_UNITS_HZ = 2_000.0
"""What a page may say a second: a message is one unit, and another one for each KiB; a mouse says 1000."""
STOPS_HZ = 50.0
"""Beyond that a word that stops the arm is still heard so often."""
_DROPPED_MAX = 20_000
"""A connection that goes on after so many messages too much is closed."""


class Ear:
    """How much one connection says; a word that stops the arm is heard however much came before."""

    def __init__(self) -> None:
        self._limit = RateLimit(rate_hz=MESSAGE_UNITS_HZ, burst=MESSAGE_UNITS_HZ)
        self._stops = RateLimit(rate_hz=STOPS_HZ, burst=STOPS_HZ)
        self._dropped = self._told = 0

    def takes(self, text: str, now_ns: int) -> bool:
        """Whether to read a text that came at now_ns [ns]."""
        if self._limit.allows(now_ns, 1.0 + len(text) / 1024):
            return True
        if len(text) < 100 and '"stop"' in text and self._stops.allows(now_ns):
            return True
        self._dropped += 1
        return False

    @property
    def is_tired(self) -> bool:
        """Whether so much was dropped that the connection shall end."""
        return self._dropped > _DROPPED_MAX

    def take_dropped(self) -> int:
        """How many were dropped since the last call."""
        new, self._told = self._dropped - self._told, self._dropped
        return new
