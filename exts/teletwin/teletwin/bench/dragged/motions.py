"""What a hand does that drags: its place in the plane of the view over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array

Motion = Callable[[Array], Array]
"""Times (n,) [s] since the press to places (n, 3) [m], the first at the origin."""

STOP_S = 0.7
"""A stroke of `strokes` and the rest after it take this long [s]."""


def circle(*, diameter_m: float, rate_rad_s: float) -> Motion:
    """An even circle."""
    radius_m = 0.5 * diameter_m

    def at(t_s: Array) -> Array:
        angle = rate_rad_s * np.asarray(t_s, dtype=np.float64)
        return radius_m * np.stack([np.sin(angle), 1.0 - np.cos(angle), np.zeros_like(angle)], axis=-1)

    return at


def strokes(*, length_m: float = 0.08, rest_s: float = 0.5) -> Motion:
    """There and back along a line, each stroke of least jerk, with rests between."""

    def at(t_s: Array) -> Array:
        period_s = STOP_S + rest_s
        t_s = np.asarray(t_s, dtype=np.float64)
        s = np.clip(t_s % period_s / STOP_S, 0.0, 1.0)
        way = s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
        back = np.floor(t_s / period_s) % 2 == 1
        x = length_m * np.where(back, 1.0 - way, way)
        return np.stack([x, 0.4 * x, np.zeros_like(x)], axis=-1)

    return at


def writing(poses: Array, t_s: Array) -> Motion:
    """Recorded handwriting (n, 7) at times (n,) [s], seen from in front of its sheet; over and over, there and back."""
    middle = poses[0, :3]
    sideways, upwards = poses[:, 1] - middle[1], poses[:, 2] - middle[2]
    length_s = float(t_s[-1] - t_s[0])

    def at(times: Array) -> Array:
        inside = np.abs((np.asarray(times, dtype=np.float64) + length_s) % (2.0 * length_s) - length_s)
        x, y = (np.interp(inside, t_s - t_s[0], channel) for channel in (sideways, upwards))
        return np.stack([x, y, np.zeros_like(x)], axis=-1)

    return at


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a browser tells of the pointer: gaps between events, and how long each waits to be handled."""

    name: str
    gap_ms: tuple[float, float]
    """Gaps between events, drawn evenly [ms]."""
    delay_ms: float = 0.0
    """Mean of the handling delay, exponential [ms]."""
    together: int = 1
    """So many events are handled as one."""
    stall_ms: tuple[float, float] = (0.0, 0.0)
    """The page does nothing for times drawn evenly [ms], one after the other: then it handles all that has come."""

    def draw(self, duration_s: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Times of events and of their handling (n,) [s]."""
        low, high = self.gap_ms
        gaps_ms = (
            rng.uniform(low, high, int(1e3 * duration_s / low) + 1)
            if high > low
            else np.full(int(1e3 * duration_s / low) + 1, low)
        )
        t_s = 1e-3 * np.cumsum(gaps_ms)
        handled_s = t_s + 1e-3 * rng.exponential(self.delay_ms, len(t_s)) if self.delay_ms else t_s.copy()
        last = np.minimum((np.arange(len(t_s)) // self.together + 1) * self.together, len(t_s)) - 1
        return t_s, np.maximum.accumulate(handled_s[last])

    def stalls(self, duration_s: float, rng: np.random.Generator) -> Array:
        """When each stall of the page ends (n,) [s]; none for a page that has none."""
        low, high = self.stall_ms
        return 1e-3 * np.cumsum(rng.uniform(low, high, int(1e3 * duration_s / low) + 2)) if low else np.zeros(0)


TIMINGS = (
    Timing(name="60 Hz", gap_ms=(1e3 / 60, 1e3 / 60)),
    Timing(name="125 Hz", gap_ms=(8.0, 8.0)),
    Timing(name="60 Hz, handled 6 ms late", gap_ms=(1e3 / 60, 1e3 / 60), delay_ms=6.0),
    Timing(name="irregular, 12-38 ms", gap_ms=(12.0, 38.0)),
    Timing(name="60 Hz, two at a time", gap_ms=(1e3 / 60, 1e3 / 60), together=2),
    Timing(name="60 Hz, page stalls for 40-120 ms", gap_ms=(1e3 / 60, 1e3 / 60), stall_ms=(40.0, 120.0)),
)
