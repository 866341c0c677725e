"""One environment as a `gymnasium.Env`; importing this loads gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium  # noqa: TID253
import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin_training.faces.core import FaceCore, figures
from teletwin_training.faces.spaces import action_space, observation_space

Observation = NDArray[np.float32]


class GymnasiumEnv(gymnasium.Env[NDArray[Any], NDArray[Any]]):
    """A core of one; every end is a truncation, and the core begins anew by itself then."""

    def __init__(self, core: FaceCore) -> None:
        if core.count != 1:
            raise ConfigError("a gymnasium.Env is one environment", given=core.count, mend="take GymnasiumVectorEnv")
        self.core = core
        self.observation_space, self.action_space = observation_space(core), action_space(core)
        self.metadata = {"render_modes": []}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; with a seed all draws start anew, without one they go on. There are no options."""
        super().reset(seed=seed)
        if seed is not None:
            self.core.seed(seed)
        return self.core.reset()[0], {}

    def step(self, action: NDArray[Any]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step: observation, reward, terminated (never), truncated, what the core tells in info."""
        observations, reward, done, _, info = self.core.step(np.asarray(action)[None])
        seen = info["final_observation"] if done[0] else observations
        told = {name: value[0].item() for name, value in figures(info).items()}
        return seen[0], float(reward[0]), False, bool(done[0]), told
