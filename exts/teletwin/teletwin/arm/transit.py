"""How long commands take to the arm on average: the shift at which they are played out."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.clock import NS_PER_S

_GAP_S = 0.02
"""A single command weighs in the mean transit as if the last had come this long before, however long it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitCfg:
    """How the mean follows; see ResamplerCfg."""

    time_constant_s: float
    late_max_s: float
    early_max_s: float


class MeanTransit:
    """Follows the mean transit, but lets no command wait longer than early_max_s or come later than late_max_s."""

    def __init__(self, cfg: TransitCfg) -> None:
        self._tau_s = cfg.time_constant_s
        self._late_ns, self._early_ns = cfg.late_max_s * NS_PER_S, cfg.early_max_s * NS_PER_S
        self.mean_ns: float | None = None
        """Mean transit [ns]; None before the first command."""

    def update(self, transit_ns: int, *, elapsed_ns: int) -> float:
        """Take the transit of a command that arrived elapsed_ns after the one before; return the mean [ns]."""
        if self.mean_ns is None:
            self.mean_ns = float(transit_ns)
            return self.mean_ns
        elapsed_s = min(max(elapsed_ns / NS_PER_S, 0.0005), _GAP_S)
        share = min(elapsed_s / self._tau_s, 1.0)
        mean_ns = self.mean_ns + share * (transit_ns - self.mean_ns)
        self.mean_ns = min(max(mean_ns, transit_ns - self._late_ns), transit_ns + self._early_ns)
        return self.mean_ns
