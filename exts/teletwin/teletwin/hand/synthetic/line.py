"""Tracing a line slowly: a smooth way, a speed that wanders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.synthetic.curves import draw_curves, phase_at_length
from teletwin.hand.synthetic.noise import drifting, shaped_noise

_MOOD_MAX = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCfg:
    """A log-normal speed, an Ornstein-Uhlenbeck process in the logarithm: median 16 mm/s, 26 mm/s rms."""

    speed_median_m_s: float = 0.016
    speed_spread: float = 0.82
    """Of the logarithm of speed; a bound on the fastest moments brings rms / median to about 1.6."""
    time_constant_s: float = 1.0
    cut_hz: float = 0.7
    """The hand changes its speed no faster than about this."""
    extent_m: tuple[float, float] = (0.07, 0.09)
    wiggle: float = 0.3

    def __post_init__(self) -> None:
        if not 0.0 < self.speed_median_m_s <= 1.0 or not 0.0 <= self.speed_spread <= 2.0:
            raise ConfigError(
                "the speed of the line is out of range",
                given=f"{self.speed_median_m_s} m/s, spread {self.speed_spread}",
                allowed="0 ... 1 m/s, 0 ... 2",
            )


def draw_lines(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: LineCfg | None = None
) -> Array:
    """Positions (hands, count, 3) [m] of hands that trace smooth closed lines."""
    cfg = cfg or LineCfg()
    curves = draw_curves(rng, hands, extent_m=cfg.extent_m, wiggle=cfg.wiggle)
    wander = drifting(time_constant_s=cfg.time_constant_s, cut_hz=cfg.cut_hz)
    mood = shaped_noise(rng, (hands, count), rate_hz=rate_hz, density=wander)
    mood = _MOOD_MAX * np.tanh(mood / _MOOD_MAX)  # no hand that traces shoots off
    speed = cfg.speed_median_m_s * np.exp(cfg.speed_spread * mood)
    start = rng.uniform(0.0, 1.0, size=(hands, 1))
    return curves.at(phase_at_length(curves, start + np.cumsum(speed, axis=1) / rate_hz))
