"""Reaching from place to place, as one works on an object: a fast main stroke, small corrections, a rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.synthetic.strokes import minimum_jerk, sum_strokes

CORRECTIONS_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachCfg:
    """Minimum-jerk strokes through via points, with 0 to 2 corrective submovements (Flash and Henis 1991)."""

    amplitude_median_m: float = 0.020
    amplitude_spread: float = 0.65
    """Standard deviation of the logarithm of the amplitude."""
    duration_s: tuple[float, float] = (0.85, 0.3)
    """Duration of a reach of the median amplitude, and what a factor e in amplitude adds [s]."""
    duration_spread: float = 0.15
    dwell_s: tuple[float, float] = (0.1, 0.7)
    """Short rests are more frequent than long ones."""
    miss_spread: float = 0.12
    """How far the main stroke misses, as a share of the amplitude."""
    extent_m: float = 0.05
    """Targets return when they have gone this far from the middle."""

    def __post_init__(self) -> None:
        if not 0.0 < self.amplitude_median_m <= 0.5 or not 0.0 < self.extent_m <= 1.0:
            raise ConfigError(
                "the reach is out of range",
                given=f"amplitude {self.amplitude_median_m} m, extent {self.extent_m} m",
                allowed="0 ... 0.5 m, 0 ... 1 m",
            )
        if not 0.0 <= self.dwell_s[0] <= self.dwell_s[1] or not 0.1 <= self.duration_s[0] <= 10.0:
            raise ConfigError("the reach's times are out of range", given=f"{self.dwell_s} {self.duration_s}")


def draw_reaches(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: ReachCfg | None = None
) -> Array:
    """Positions (hands, count, 3) [m] of hands that reach from target to target."""
    cfg = cfg or ReachCfg()
    reaches = int(count / rate_hz / (0.4 * cfg.duration_s[0] + cfg.dwell_s[0])) + 2
    size = cfg.amplitude_median_m * np.exp(cfg.amplitude_spread * rng.standard_normal((hands, reaches)))
    ways = _ways(rng, size, cfg)
    factor = np.exp(cfg.duration_spread * rng.standard_normal((hands, reaches)))
    main_s = factor * np.maximum(
        cfg.duration_s[0] + cfg.duration_s[1] * np.log(size / cfg.amplitude_median_m), 0.4 * cfg.duration_s[0]
    )
    start, duration, way = _with_corrections(rng, main_s, ways, cfg)
    return sum_strokes(start, duration, way, count=count, rate_hz=rate_hz, profile=minimum_jerk)


def _ways(rng: np.random.Generator, size: Array, cfg: ReachCfg) -> Array:
    """Ways (hands, reaches, 3) from target to target; they turn back before they leave the extent."""
    random = rng.standard_normal((*size.shape, 3))
    place = np.zeros((len(size), 3))
    ways = np.empty_like(random)
    for step in range(size.shape[1]):
        direction = (
            random[:, step] / np.linalg.norm(random[:, step], axis=1, keepdims=True) - 1.5 * place / cfg.extent_m
        )
        ways[:, step] = size[:, step, None] * direction / np.linalg.norm(direction, axis=1, keepdims=True)
        place = place + ways[:, step]
    return ways


def _with_corrections(
    rng: np.random.Generator, main_s: Array, ways: Array, cfg: ReachCfg
) -> tuple[Array, Array, Array]:
    """Starts, durations (hands, strokes) [s] and ways (hands, strokes, 3) [m] of main and corrective strokes.

    Each correction begins while the stroke before it slows down and takes away most of what that one missed;
    the last one takes away the rest.
    """
    hands, reaches = main_s.shape
    number = rng.integers(0, CORRECTIONS_MAX + 1, size=(hands, reaches))
    rest = ways * cfg.miss_spread * rng.standard_normal((hands, reaches, 1))
    rest += 0.5 * cfg.miss_spread * np.linalg.norm(ways, axis=2, keepdims=True) * rng.standard_normal(ways.shape)
    rest *= number[..., None] > 0
    strokes, offsets, durations = [ways - rest], [np.zeros_like(main_s)], [main_s]
    for turn in range(1, CORRECTIONS_MAX + 1):
        made = number >= turn
        share = np.where(number == turn, 1.0, rng.uniform(0.6, 0.9, size=(hands, reaches)))
        strokes.append(rest * (share * made)[..., None])
        rest = rest - strokes[-1]
        offsets.append(offsets[-1] + durations[-1] * rng.uniform(0.65, 0.95, size=(hands, reaches)) * made)
        durations.append(np.where(made, rng.uniform(0.2, 0.4, size=(hands, reaches)), durations[-1]))
    end = np.max([offset + duration for offset, duration in zip(offsets, durations, strict=True)], axis=0)
    dwell = cfg.dwell_s[0] + (cfg.dwell_s[1] - cfg.dwell_s[0]) * rng.uniform(size=(hands, reaches)) ** 2
    begin = np.cumsum(end + dwell, axis=1) - end - dwell * rng.uniform(size=(hands, 1))
    begin = np.maximum(begin, 0.0)
    start = np.concatenate([begin + offset for offset in offsets], axis=1)
    return start, np.concatenate(durations, axis=1), np.concatenate(strokes, axis=1)
