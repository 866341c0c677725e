"""Looks whether simulated time keeps step with the time that passes, and says so in words when it does not."""

from __future__ import annotations

from collections.abc import Callable

from teletwin.clock import NS_PER_S

SETTLE_NS = 3 * NS_PER_S
"""A scene that has just begun to play may load for this long [ns]."""
LASTING_NS = NS_PER_S
"""A ratio that is wrong for less than this is a hiccup [ns]."""
RATIO_RANGE = (0.9, 1.1)
"""Simulated over wall time that nobody need be told of."""
DT_TOLERANCE = 0.01
_CURES = {
    "slow": "lower physics_rate_hz, update_rate_hz, the picture's size, or the viewport's",
    "fast": "something else sets Kit's run loop (/app/runLoops/main), or steps physics",
}


class PhysicsWatch:
    """Told every step and every update; speaks once a session for each thing that is wrong."""

    def __init__(self, rate_hz: float, say: Callable[[str], None]) -> None:
        self._rate_hz, self._say = rate_hz, say
        self._playing_since_ns = self._right_ns = 0
        self._said: set[str] = set()

    def started(self, now_ns: int) -> None:
        """The timeline plays from now on, or has stopped."""
        self._playing_since_ns = self._right_ns = now_ns

    def stepped(self, dt_s: float) -> None:
        """A physics step of dt_s [s]."""
        if abs(dt_s * self._rate_hz - 1.0) > DT_TOLERANCE:
            text = f"physics steps are {1e3 * dt_s:.2f} ms long, not the {1e3 / self._rate_hz:.2f} ms asked for"
            self._once("length", f"{text}: the stage's physics scene has another rate")

    def ran(self, ratio: float, now_ns: int) -> None:
        """Simulated time has lately run at `ratio` times wall time, while the timeline plays."""
        slowest, fastest = RATIO_RANGE
        if slowest <= ratio <= fastest or now_ns - self._playing_since_ns < SETTLE_NS:
            self._right_ns = now_ns
        elif now_ns - self._right_ns >= LASTING_NS:
            word = "slow" if ratio < slowest else "fast"
            self._once(word, f"simulated time runs at {ratio:.2f} times wall time, too {word}: {_CURES[word]}")

    def _once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._say(text)
