"""The rule: each class gets link and compute in proportion to the time it needs to clear what waits and what comes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from teletwin.allocation import AllocationSettings
from teletwin.allocation.features import ages, backlogs, loads, worst_links
from teletwin.allocation.shares import EVEN_SHARE, LEAST_SHARE, divided, fill
from teletwin.errors import ConfigError
from teletwin.geometry import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogCfg:
    """How needs are weighed; all weights are plain factors."""

    worst_weight: float = 0.5
    """What waits for the link: 0 takes the sum over devices, 1 the time until the last one is empty."""
    load_ticks: float = 1.0
    """Ticks of new work that are counted as waiting already."""
    priority: float = 1.0
    """Factor on what requests need; above 1 favours them."""
    compute_priority: float = 1.0
    """A further factor on what requests need of the compute."""
    request_age_weight: float = 0.0
    """Requests need this much more for every deadline that the oldest one is old."""
    update_age_weight: float = 0.0
    """The same for updates."""
    least_share: float = LEAST_SHARE
    """No class gets less of anything."""
    usual_weight: float = 0.0
    """How far shares stay at the usual ones, 0 to 1: where one split is nearly always right, needs only move it."""
    usual_link_share: float = EVEN_SHARE
    usual_compute_share: float = EVEN_SHARE

    def __post_init__(self) -> None:
        for entry in fields(self):
            value, most = getattr(self, entry.name), _MOST.get(entry.name, 1e3)
            if not 0.0 <= value <= most:
                raise ConfigError(f"{entry.name} of the rule is out of range", given=value, allowed=f"0 ... {most:g}")


_MOST = {
    "worst_weight": 1.0,
    "least_share": 0.5,
    "usual_weight": 1.0,
    "usual_link_share": 1.0,
    "usual_compute_share": 1.0,
}


@np.errstate(over="ignore", invalid="ignore")
def backlog_shares(seen: Array, cfg: BacklogCfg) -> Array:
    """Shares (..., 2) for features (..., 16); NaN where a feature that counts is not finite.

    Where nothing is needed they follow the loads, and are even without any.
    """
    waiting, load = backlogs(seen), loads(seen)
    needed = waiting + cfg.load_ticks * load
    if cfg.worst_weight:
        needed[..., 0, :] += cfg.worst_weight * (worst_links(seen) - waiting[..., 0, :])
    if cfg.request_age_weight or cfg.update_age_weight:
        needed *= 1.0 + (ages(seen) * (cfg.request_age_weight, cfg.update_age_weight))[..., None, :]
    needed[..., 0] *= cfg.priority
    if cfg.compute_priority != 1.0:
        needed[..., 1, 0] *= cfg.compute_priority
    shares = divided(needed, otherwise=divided(load, least=cfg.least_share), least=cfg.least_share)
    if cfg.usual_weight:
        shares += cfg.usual_weight * ((cfg.usual_link_share, cfg.usual_compute_share) - shares)
    return shares


class BacklogAllocator:
    """Follows `backlog_shares`, tick by tick."""

    def __init__(self, cfg: BacklogCfg | None = None) -> None:
        self._cfg = cfg or BacklogCfg()
        self.fallback_count = 0

    def allocate(self, seen: Array) -> Array:
        """Return shares (..., 2) for features (..., 16)."""
        shares = backlog_shares(seen, self._cfg)
        self.fallback_count += fill(shares, EVEN_SHARE)
        return shares

    def reset(self) -> None:
        """Nothing is remembered."""


def from_settings(settings: AllocationSettings) -> BacklogAllocator:
    """Build with the rule's own defaults."""
    return BacklogAllocator()
