"""Many environments as one `gymnasium.vector.VectorEnv`; importing this loads gymnasium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv  # noqa: TID253
from gymnasium.vector.utils import batch_space  # noqa: TID253
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin_training.faces.core import FaceCore, figures
from teletwin_training.faces.spaces import action_space, observation_space

Observations = NDArray[np.float32]
Flags = NDArray[np.bool_]


class GymnasiumVectorEnv(VectorEnv[Observations, NDArray[np.float32], NDArray[Any]]):
    """A core; an environment that ends is begun anew in the same step, its last observation in `final_obs`."""

    def __init__(self, core: FaceCore) -> None:
        self.core, self.num_envs = core, core.count
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        self.single_observation_space, self.single_action_space = observation_space(core), action_space(core)
        self.observation_space = batch_space(self.single_observation_space, core.count)
        self.action_space = batch_space(self.single_action_space, core.count)

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin all episodes; with a seed all draws start anew, without one they go on.

        What a list of seeds means is the core's to say.

        Raises:
            ConfigError: Only some shall be reset: they begin anew by themselves.
        """
        if options and "reset_mask" in options:
            raise ConfigError("environments begin anew by themselves", given="options with a reset_mask")
        if seed is not None:
            super().reset(seed=seed if isinstance(seed, int) else seed[0])
            self.core.seed(seed)
        return self.core.reset(), {}

    def step(self, actions: NDArray[np.float32]) -> tuple[Observations, NDArray[Any], Flags, Flags, dict[str, Any]]:
        """One step: observations, rewards, terminations (none), truncations, infos."""
        observations, rewards, done, _, told = self.core.step(actions)
        infos = _masked(figures(told), np.ones_like(done))
        if done.any():
            last = np.full(self.num_envs, None, dtype=object)
            for row in np.flatnonzero(done):
                last[row] = told["final_observation"][row]
            infos |= {"final_obs": last, "_final_obs": done.copy()}
            infos |= {"final_info": _masked(figures(told), done), "_final_info": done.copy()}
        return observations, rewards, np.zeros_like(done), done, infos


def _masked(told: dict[str, NDArray[Any]], rows: Flags) -> dict[str, Any]:
    """Figures as gymnasium's infos have them: beside each, for which environments it stands."""
    infos: dict[str, Any] = {}
    for name, value in told.items():
        infos |= {name: np.where(rows, value, 0).astype(value.dtype), f"_{name}": rows.copy()}
    return infos
