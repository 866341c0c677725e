"""Writing: short overlapping strokes up and down, words, and the way back to the next line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.synthetic.strokes import lognormal_rise, sum_strokes


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteCfg:
    """Sigma-lognormal strokes of 4.5 mm that begin every 80 to 200 ms."""

    stroke_m: float = 0.0045
    stroke_spread: float = 0.5
    """Standard deviation of the logarithm of the length."""
    onset_s: tuple[float, float] = (0.08, 0.20)
    duration_s: tuple[float, float] = (0.35, 0.55)
    """Of a whole stroke, its tail included: neighbours overlap by more than half."""
    word_end_share: float = 0.12
    """Share of strokes after which the pen moves on, over pause_s [s] and gap_m [m]."""
    pause_s: tuple[float, float] = (0.15, 0.5)
    gap_m: float = 0.004
    width_m: float = 0.06
    height_m: float = 0.004
    turn_max_rad: float = 1.2
    """How far a stroke bends."""

    def __post_init__(self) -> None:
        if not 0.0 < self.stroke_m <= 0.2 or not 0.02 <= self.onset_s[0] <= self.onset_s[1]:
            raise ConfigError(
                "the strokes are out of range",
                given=f"{self.stroke_m} m every {self.onset_s} s",
                allowed="0 ... 0.2 m, 0.02 s or more",
            )


def draw_writing(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: WriteCfg | None = None
) -> Array:
    """Positions (hands, count, 3) [m] of hands that write on the xy plane, x to the right."""
    cfg = cfg or WriteCfg()
    strokes = int(count / rate_hz / np.mean(cfg.onset_s) * 1.3) + 8
    shape = (hands, strokes)
    ends = rng.uniform(size=shape) < cfg.word_end_share
    wait = rng.uniform(*cfg.onset_s, size=shape) + ends * rng.uniform(*cfg.pause_s, size=shape)
    duration = rng.uniform(*cfg.duration_s, size=shape)
    way, back = _ways(rng, ends, cfg)
    duration = np.where(back, 3.0 * duration, duration)
    wait = np.where(back, wait + 0.5 * duration, wait)
    start = np.cumsum(wait, axis=1) - wait[:, :1] * rng.uniform(1.0, 2.0, size=(hands, 1))
    turn = np.where(ends | back, 0.0, rng.uniform(-cfg.turn_max_rad, cfg.turn_max_rad, size=shape))
    return sum_strokes(
        np.maximum(start, 0.0), duration, way, count=count, rate_hz=rate_hz, profile=lognormal_rise, turn=turn
    )


def _ways(rng: np.random.Generator, ends: NDArray[np.bool_], cfg: WriteCfg) -> tuple[Array, NDArray[np.bool_]]:
    """Ways (hands, strokes, 3) [m] and where (hands, strokes) they lead back to the line's beginning."""
    hands, strokes = ends.shape
    length = cfg.stroke_m * np.exp(cfg.stroke_spread * rng.standard_normal((hands, strokes)))
    angle = 1.15 + 0.5 * rng.standard_normal((hands, strokes))
    sway = 0.0006 * rng.standard_normal((hands, strokes)) + 0.0006
    lift = 0.0008 * rng.standard_normal((hands, strokes))
    place, height = np.full((hands, 3), [-0.5 * cfg.width_m, 0.0, 0.0]), 0.0
    way, back = np.empty((hands, strokes, 3)), np.zeros((hands, strokes), dtype=bool)
    sign = np.where(rng.uniform(size=hands) < 0.5, 1.0, -1.0)
    for step in range(strokes):
        sign = np.where(np.abs(place[:, 1]) > cfg.height_m, -np.sign(place[:, 1]), -sign)
        here = length[:, step] * sign
        move = np.stack(
            [here * np.cos(angle[:, step]) + sway[:, step], here * np.sin(angle[:, step]), lift[:, step]], 1
        )
        move[:, 0] += ends[:, step] * cfg.gap_m
        move[:, 2] -= 0.3 * place[:, 2]
        back[:, step] = place[:, 0] > 0.5 * cfg.width_m
        home = np.stack([-0.5 * cfg.width_m - place[:, 0], height - place[:, 1], -place[:, 2]], axis=1)
        way[:, step] = np.where(back[:, step, None], home, move)
        place = place + way[:, step]
    return way, back
