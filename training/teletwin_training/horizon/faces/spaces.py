"""Spaces of the environment; importing this loads gymnasium."""

from __future__ import annotations

import numpy as np
from gymnasium.spaces import Box  # noqa: TID253

from teletwin_training.ppo.environment import VectorEnv


def observation_space(core: VectorEnv) -> Box:
    """Of one environment (n,): not normalised, without bounds."""
    return Box(-np.inf, np.inf, (core.observation_count,), np.float32)


def action_space(core: VectorEnv) -> Box:
    """Of one environment (m,)."""
    return Box(-1.0, 1.0, (core.action_count,), np.float32)
