"""How a UR controller follows servoj set-points: a model fitted to reported delays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

GAIN_REFERENCE = 1200.0
"""The gain at which the delay was reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServoLawCfg:
    """The arguments of servoj and the controller's cycle.

    Reported: UR10e, servoj(t=0.002, lookahead_time=0.03, gain=1200), about 34 ms from set-point to motion
    (issue 86 of Universal_Robots_Client_Library), of which two cycles are the way through RTDE. So the law
    itself delays a ramp by lookahead_time: two thirds as a pure delay, one third as a first order of time
    constant tau = lookahead_time / 3 * sqrt(1200 / gain). The ratio of the two parts and the square root are
    assumptions: a smaller gain is known to be softer, but no figure for it is known to us.
    """

    lookahead_s: float = 0.03
    """lookahead_time, 0.03 ... 0.2 s."""
    gain: float = GAIN_REFERENCE
    """gain, 100 ... 2000: larger is stiffer."""
    cycle_s: float = 0.002

    def __post_init__(self) -> None:
        if not 0.03 <= self.lookahead_s <= 0.2:
            raise ConfigError("lookahead_s is outside what servoj takes", given=self.lookahead_s, allowed="0.03 to 0.2")
        if not 100.0 <= self.gain <= 2000.0:
            raise ConfigError("gain is outside what servoj takes", given=self.gain, allowed="100 to 2000")
        if not 0.0005 <= self.cycle_s <= 0.01:
            raise ConfigError("cycle_s cannot be used", given=self.cycle_s, allowed="0.0005 to 0.01")

    @property
    def time_constant_s(self) -> float:
        """Time constant tau of the first order part [s]."""
        return self.lookahead_s / 3.0 * float(np.sqrt(GAIN_REFERENCE / self.gain))

    @property
    def pure_delay_s(self) -> float:
        """Pure delay [s], a multiple of the cycle."""
        return round(self.lookahead_s * 2.0 / 3.0 / self.cycle_s) * self.cycle_s

    @property
    def ramp_delay_s(self) -> float:
        """How far a ramp lags behind its set-points [s], transport not included."""
        return self.pure_delay_s + self.time_constant_s


class ServoLaw:
    """Turns set-points into the joint reference that the drives follow, one controller cycle at a time."""

    def __init__(self, cfg: ServoLawCfg | None = None, *, joint_count: int = 6) -> None:
        self._reference = np.zeros(joint_count)
        self._ring = np.zeros((1, joint_count))
        self._next = 0
        self.configure(cfg or ServoLawCfg())

    def configure(self, cfg: ServoLawCfg) -> None:
        """Take other servoj arguments; the reference stays where it is."""
        self.cfg = cfg
        self._blend = cfg.cycle_s / (cfg.time_constant_s + cfg.cycle_s)  # a ramp lags by exactly tau
        delay_cycles = round(cfg.pure_delay_s / cfg.cycle_s)
        if len(self._ring) != delay_cycles:
            self._ring = np.tile(self._reference, (delay_cycles, 1))
            self._next = 0

    def reset(self, q: Array) -> None:
        """Forget all set-points; the reference rests at q [rad] (n,)."""
        self._reference[:] = q
        self._ring[:] = q
        self._next = 0

    def step(self, q_target: Array) -> Array:
        """Advance one cycle with set-point q_target [rad] (n,); return the joint reference (n,), a view."""
        delayed = self._ring[self._next]
        self._reference += self._blend * (delayed - self._reference)
        delayed[:] = q_target
        self._next = (self._next + 1) % len(self._ring)
        return self._reference
