"""Many environments as one `VecEnv` of Stable-Baselines3; importing this loads it, and torch with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from teletwin_training.faces.core import FaceCore, figures
from teletwin_training.faces.spaces import action_space, observation_space


class StableBaselinesEnv(VecEnv):
    """A core; ended episodes tell their figures, `terminal_observation`, and that it was time alone that ended them."""

    def __init__(self, core: FaceCore) -> None:
        self.core = core
        self._actions = np.zeros((core.count, core.action_count))
        super().__init__(core.count, observation_space(core), action_space(core))

    def reset(self) -> NDArray[np.float32]:
        """Begin all episodes; after `seed` all draws start anew."""
        seed = self._seeds[0]
        if seed is not None:
            self.core.seed(seed)
        self._reset_seeds()
        self._reset_options()
        return self.core.reset()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions (N, m) of the coming step."""
        self._actions = actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """One step: observations, rewards, done, infos."""
        observations, rewards, done, _, told = self.core.step(self._actions)
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for row in np.flatnonzero(done):
            infos[row] = {name: value[row].item() for name, value in figures(told).items()}
            infos[row] |= {"terminal_observation": told["final_observation"][row], "TimeLimit.truncated": True}
        return observations, rewards, done, infos

    def close(self) -> None:
        """Nothing is held open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the core, for each environment the same."""
        value = None if attr_name == "render_mode" else getattr(self.core, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the core, for all."""
        setattr(self.core, attr_name, value)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call a method of the core once; what it returns, for each environment the same."""
        value = getattr(self.core, method_name)(*method_args, **method_kwargs)
        return [value for _ in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """None is."""
        return [False for _ in self._get_indices(indices)]
