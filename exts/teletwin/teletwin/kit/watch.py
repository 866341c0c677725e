"""Looks whether physics keeps up with the time that passes, and says so in words when it does not."""

from __future__ import annotations

from collections.abc import Callable

from teletwin.clock import NS_PER_S

SETTLE_NS = 3 * NS_PER_S
"""A scene that has just begun to play may load for this long [ns]."""
LEAST_SHARE = 0.8
DT_TOLERANCE = 0.01


class PhysicsWatch:
    """Told every step and every update; speaks once a session for each thing that is wrong."""

    def __init__(self, rate_hz: float, say: Callable[[str], None]) -> None:
        self._rate_hz, self._say = rate_hz, say
        self._playing_since_ns = 0
        self._said: set[str] = set()

    def started(self, now_ns: int) -> None:
        """The timeline plays from now on, or has stopped."""
        self._playing_since_ns = now_ns

    def stepped(self, dt_s: float) -> None:
        """A physics step of dt_s [s]."""
        if abs(dt_s * self._rate_hz - 1.0) > DT_TOLERANCE:
            text = f"physics steps are {1e3 * dt_s:.2f} ms long, not the {1e3 / self._rate_hz:.2f} ms asked for"
            self._once("length", f"{text}: the stage's physics scene has another rate")

    def ran(self, steps_per_s: float | None, now_ns: int) -> None:
        """So many steps were made in the last second, while the timeline plays."""
        if now_ns - self._playing_since_ns < SETTLE_NS:
            return
        rate_hz = steps_per_s or 0.0
        if rate_hz < LEAST_SHARE * self._rate_hz:
            text = f"the simulation is slower than time: {rate_hz:.0f} of {self._rate_hz:.0f} steps a second"
            self._once("slow", f"{text}; lower physics_rate_hz, the picture's size, or the viewport's")

    def _once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._say(text)
