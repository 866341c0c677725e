"""Tracing curves briskly: slow where they bend, by the two-thirds power law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.synthetic.curves import draw_curves, phase_at_effort
from teletwin.hand.synthetic.noise import drifting, shaped_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceCfg:
    """Speed = gain * curvature^(-1/3); the gain wanders a little."""

    gain: float = 0.13
    """[m^(2/3) / s]; gives a median speed near 35 mm/s on curves of this size."""
    gain_spread: float = 0.2
    time_constant_s: float = 2.0
    cut_hz: float = 1.0
    extent_m: tuple[float, float] = (0.03, 0.05)
    wiggle: float = 1.0
    curvature_floor_1_m: float = 3.0

    def __post_init__(self) -> None:
        if not 0.0 < self.gain <= 1.0 or not 0.0 <= self.gain_spread <= 2.0 or self.curvature_floor_1_m <= 0.0:
            raise ConfigError(
                "the speed of the trace is out of range",
                given=f"gain {self.gain}, spread {self.gain_spread}, floor {self.curvature_floor_1_m}",
                allowed="0 ... 1, 0 ... 2, above 0",
            )


def draw_traces(
    rng: np.random.Generator, *, hands: int, count: int, rate_hz: float, cfg: TraceCfg | None = None
) -> Array:
    """Positions (hands, count, 3) [m] of hands that trace closed curves."""
    cfg = cfg or TraceCfg()
    curves = draw_curves(rng, hands, extent_m=cfg.extent_m, wiggle=cfg.wiggle)
    wander = drifting(time_constant_s=cfg.time_constant_s, cut_hz=cfg.cut_hz)
    mood = shaped_noise(rng, (hands, count), rate_hz=rate_hz, density=wander)
    gain = cfg.gain * np.exp(cfg.gain_spread * mood)
    effort = rng.uniform(0.0, 1.0, size=(hands, 1)) + np.cumsum(gain, axis=1) / rate_hz
    return curves.at(phase_at_effort(curves, effort, curvature_floor_1_m=cfg.curvature_floor_1_m))
