"""The environment that our own allocators learn in, from a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from teletwin_training.allocation.environment import AllocationEnv, AllocationEnvCfg
from teletwin_training.allocation.scenarios import scenario


def make_allocation(
    scenarios: Sequence[str] = ("default",),
    *,
    compat: str = "official",
    changes: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AllocationEnv:
    """Cells of some scenarios side by side: actions in [-1, 1], compressed observations.

    Args:
        scenarios: By name, see `scenarios.SCENARIOS`; each gets an equal part of the cells.
        compat: See `scenarios.scenario`.
        changes: Fields of `Scenario` that are changed in all of them: scheduler, admission, traffic...
        settings: Fields of `AllocationEnvCfg`: envs, seed, observation, base...

    Raises:
        ConfigError: There is no such scenario or setting.
    """
    chosen = [scenario(name, compat=compat, **(changes or {})) for name in scenarios]
    return AllocationEnv(chosen, AllocationEnvCfg(**settings))
