"""What a hand does with a tool, stroke after stroke: where it goes, how the wrist turns with it, how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCfg:
    """Sizes and times of work; each stroke draws its own."""

    way_m: float = 0.016
    """Median way of a stroke."""
    turn_rad: float = 0.2
    """Median turn of a stroke."""
    spread: float = 0.6
    """Standard deviation of the logarithm of both."""
    turn_share: float = 0.75
    """Share of the strokes with which the wrist turns."""
    duration_s: Range = (0.35, 0.9)
    wait_s: Range = (0.05, 0.7)
    apart_s: Range = (-0.12, 0.15)
    """By how much the wrist begins later than the hand."""
    extent_m: float = 0.05
    extent_rad: float = 0.7
    """Strokes turn back before they have gone this far from the middle."""
    lever_m: Range = (0.03, 0.09)
    """From the tool's tip to the hand."""

    def __post_init__(self) -> None:
        if not (0.0 < self.way_m <= 0.2 and 0.0 < self.turn_rad <= 1.0 and 0.0 < self.extent_rad <= 1.0):
            raise ConfigError(
                "the work is out of range",
                given=f"{self.way_m} m, {self.turn_rad} rad, up to {self.extent_rad} rad",
                allowed="0 ... 0.2 m, 0 ... 1 rad",
            )
        if not 0.1 <= self.duration_s[0] <= self.duration_s[1] or not 0.0 <= self.wait_s[0] <= self.wait_s[1]:
            raise ConfigError("the work's times are out of range", given=f"{self.duration_s} {self.wait_s}")


class WorkPlan:
    """Strokes of one hand, one after the other.

    Attributes:
        rows: Start and duration of the hand's stroke, the same of the wrist's [s], way [m] and turn [rad].
        t_s: When the next one begins.
        place: Where the hand is then [m].
        angle: Rotation vector of the wrist then [rad].
    """

    def __init__(self, rng: np.random.Generator, cfg: WorkCfg) -> None:
        self.rng, self.cfg = rng, cfg
        self.rows: list[tuple[float, float, float, float, Array, Array]] = []
        self.place, self.angle = np.zeros(3), np.zeros(3)
        self.t_s = float(rng.uniform(0.0, 0.6))
        self._axis = direction(rng)

    def wait(self, share: float = 1.0) -> None:
        """Rest; short rests are more frequent than long ones."""
        low, high = self.cfg.wait_s
        self.t_s += share * (low + (high - low) * float(self.rng.uniform()) ** 2)

    def stroke(self, way: Array, turn: Array, *, slowly: float = 1.0) -> None:
        """One movement of hand and wrist."""
        cfg, rng = self.cfg, self.rng
        lasts_s = slowly * float(rng.uniform(*cfg.duration_s))
        apart_s = float(rng.uniform(*cfg.apart_s))
        turns_s = lasts_s * float(rng.uniform(0.8, 1.2))
        self.rows.append((self.t_s, lasts_s, max(self.t_s + apart_s, 0.0), turns_s, way, turn))
        self.place, self.angle = self.place + way, self.angle + turn
        self.t_s += max(lasts_s, apart_s + turns_s) * float(rng.uniform(0.85, 1.0))

    def size(self, median: float) -> float:
        """A size about the median."""
        return median * float(np.exp(self.cfg.spread * self.rng.standard_normal()))

    def way(self, median_m: float) -> Array:
        """A way that does not lead further out than the extent."""
        return self.size(median_m) * towards_middle(self.rng, self.place / self.cfg.extent_m)

    def turn(self, median_rad: float) -> Array:
        """A turn, mostly about the hand's own axis."""
        out = towards_middle(self.rng, self.angle / self.cfg.extent_rad, along=self._axis)
        most = self.cfg.extent_rad + float(np.linalg.norm(self.angle))
        return min(self.size(median_rad), most) * out


def direction(rng: np.random.Generator) -> Array:
    """A unit vector (3,)."""
    random = rng.standard_normal(3)
    return random / np.linalg.norm(random)


def towards_middle(rng: np.random.Generator, out: Array, *, along: Array | None = None) -> Array:
    """A direction (3,), the more surely back to the middle the further out one is."""
    random = direction(rng)
    if along is not None:
        random = 0.5 * random + np.sign(rng.uniform(-1.0, 1.0)) * along
    whole = random - 1.5 * out
    return whole / max(float(np.linalg.norm(whole)), 1e-9)
