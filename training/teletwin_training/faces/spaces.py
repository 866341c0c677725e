"""Spaces of an environment; importing this loads gymnasium."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box  # noqa: TID253

from teletwin_training.ppo.environment import VectorEnv


def observation_space(core: VectorEnv) -> Box:
    """Of one environment (n,): without bounds, unless the core has `observation_bounds`."""
    low, high = getattr(core, "observation_bounds", (-np.inf, np.inf))
    return Box(low, high, (core.observation_count,), np.float32)


def action_space(core: VectorEnv) -> Box:
    """Of one environment (m,): -1 ... 1, unless the core has `action_bounds`."""
    low, high = getattr(core, "action_bounds", (-1.0, 1.0))
    return Box(low, high, (core.action_count,), np.float32)
