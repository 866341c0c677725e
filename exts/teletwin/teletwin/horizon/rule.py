"""Look ahead by the measured delay: late bound at the twin, or averaged at the sender as in the paper."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.horizon import HorizonSettings, LoopObservation
from teletwin.messages import HORIZON_MAX_S, Horizons

STOCK_POSITION_LAG_S = 0.1125
"""Lag of RMPflow without feed-forward behind a slow target [s]: accel_norm_eps * d_gain / p_gain of its target law."""
STOCK_ORIENTATION_LAG_S = 0.2
"""The same for orientation [s]: d_gain / p_gain of the axis targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCfg:
    """How the measured delay becomes horizons."""

    late_binding: bool = True
    """The twin adds the packet's exact age and its estimate of the way downstream."""
    position_lag_s: float = 0.0
    """Lag of the twin's motion policy that no measured delay contains [s]; 0 with feed-forward."""
    orientation_lag_s: float = 0.0
    """The same for orientation [s]."""
    averaging_s: float = 1.0
    """Time constant of the average delay [s]; chasing every jitter is worse than any good constant."""
    first_control_s: float = 0.15
    """Delay assumed until the first measurement [s]."""
    first_render_s: float = 0.1
    """The same for the display [s]."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, float) and not 0.0 <= value <= 10.0:
                raise ConfigError(f"{entry.name} of the rule is out of range", given=value, allowed="0 ... 10 s")


class AveragedDelay:
    """Exponential average against time of a delay that is not always known."""

    def __init__(self, *, first_s: float, averaging_s: float) -> None:
        self._first_s, self._averaging_s = first_s, averaging_s
        self.reset()

    def reset(self) -> None:
        """Go back to the first guess."""
        self.value_s = self._first_s
        self._seen_ns: int | None = None

    def update(self, t_ns: int, delay_s: float) -> float:
        """Take a measurement [s]; a negative or non-finite one is unknown and changes nothing."""
        if delay_s < 0.0 or not math.isfinite(delay_s):
            return self.value_s
        if self._seen_ns is None:
            self.value_s = delay_s
        else:
            elapsed_s = max(t_ns - self._seen_ns, 0) / NS_PER_S
            share = 1.0 - math.exp(-elapsed_s / self._averaging_s) if self._averaging_s > 0.0 else 1.0
            self.value_s += share * (delay_s - self.value_s)
        self._seen_ns = t_ns
        return self.value_s


class RulePolicy:
    """Horizon = delay. Late bound, the lags alone are sent; else the averaged T_control and T_render with them."""

    def __init__(self, cfg: RuleCfg | None = None) -> None:
        self._cfg = cfg = cfg or RuleCfg()
        self._control = AveragedDelay(first_s=cfg.first_control_s, averaging_s=cfg.averaging_s)
        self._render = AveragedDelay(first_s=cfg.first_render_s, averaging_s=cfg.averaging_s)
        self._late = self._horizons(0.0, 0.0)

    def decide(self, observation: LoopObservation) -> Horizons:
        """Return this slot's horizons [s]; T_control unknown, the Age of Loop stands in for it."""
        if self._cfg.late_binding:
            return self._late
        control_s = observation.control_delay_s if observation.control_delay_s >= 0.0 else observation.aol_s
        return self._horizons(
            self._control.update(observation.t_ns, control_s),
            self._render.update(observation.t_ns, observation.display_delay_s),
        )

    def reset(self) -> None:
        """Forget the measured delays."""
        self._control.reset()
        self._render.reset()

    def _horizons(self, control_s: float, render_s: float) -> Horizons:
        cfg = self._cfg
        return Horizons(
            control_s=_clipped(control_s + cfg.position_lag_s),
            render_s=_clipped(render_s + cfg.position_lag_s),
            control_orientation_s=_clipped(control_s + cfg.orientation_lag_s),
            render_orientation_s=_clipped(render_s + cfg.orientation_lag_s),
            late_binding_control=cfg.late_binding,
            late_binding_render=cfg.late_binding,
        )


def _clipped(horizon_s: float) -> float:
    return min(max(horizon_s, 0.0), HORIZON_MAX_S)


def from_settings(settings: HorizonSettings, paper_mode: bool) -> RulePolicy:
    """Build from a session's settings; paper mode means the stock motion policy, whose lags are added."""
    if not paper_mode:
        return RulePolicy()
    return RulePolicy(
        RuleCfg(late_binding=False, position_lag_s=STOCK_POSITION_LAG_S, orientation_lag_s=STOCK_ORIENTATION_LAG_S)
    )
