"""The same horizons in every slot: the baseline of every table."""

from __future__ import annotations

from dataclasses import dataclass, fields

from teletwin.errors import ConfigError
from teletwin.horizon import HorizonSettings, LoopObservation
from teletwin.messages import HORIZON_MAX_S, Horizons


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCfg:
    """Absolute horizons [ms]; orientation takes the position's where it is None."""

    control_ms: float = 0.0
    render_ms: float = 0.0
    control_orientation_ms: float | None = None
    render_orientation_ms: float | None = None

    def __post_init__(self) -> None:
        most_ms = 1e3 * HORIZON_MAX_S
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is not None and not 0.0 <= value <= most_ms:
                raise ConfigError(f"horizon {entry.name} is out of range", given=value, allowed=f"0 ... {most_ms:g} ms")


class FixedPolicy:
    """Absolute horizons without late binding: the twin looks exactly this far ahead, whatever the delay is."""

    def __init__(self, cfg: FixedCfg | None = None) -> None:
        cfg = cfg or FixedCfg()
        control_turn = cfg.control_ms if cfg.control_orientation_ms is None else cfg.control_orientation_ms
        render_turn = cfg.render_ms if cfg.render_orientation_ms is None else cfg.render_orientation_ms
        self._horizons = Horizons(
            control_s=1e-3 * cfg.control_ms,
            render_s=1e-3 * cfg.render_ms,
            control_orientation_s=1e-3 * control_turn,
            render_orientation_s=1e-3 * render_turn,
            late_binding_control=False,
            late_binding_render=False,
        )

    def decide(self, observation: LoopObservation) -> Horizons:
        """Return the configured horizons, whatever is observed."""
        return self._horizons

    def reset(self) -> None:
        """Nothing is remembered."""


def from_settings(settings: HorizonSettings, paper_mode: bool) -> FixedPolicy:
    """Build from a session's settings; paper mode makes no difference here."""
    return FixedPolicy(
        FixedCfg(
            control_ms=settings.horizon_control_ms,
            render_ms=settings.horizon_render_ms,
            control_orientation_ms=settings.horizon_control_orientation_ms,
            render_orientation_ms=settings.horizon_render_orientation_ms,
        )
    )
