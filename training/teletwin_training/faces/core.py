"""What an environment must be to be shown through a face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin_training.ppo.environment import VectorEnv


class FaceCore(VectorEnv, Protocol):
    """A `ppo.VectorEnv` in numpy whose episodes end by time alone, and that can be seeded.

    Where episodes ended, `info["final_observation"]` (N, n) holds their last observations. Bounds other than -inf and
    inf of observations, or -1 and 1 of actions, stand in `observation_bounds` and `action_bounds`, (low, high).
    """

    def seed(self, seed: int | Sequence[int]) -> None:
        """Let all draws begin anew; takes effect at the next `reset`."""
        ...


def figures(told: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """What the info of a step tells of each environment by itself: its arrays (N,)."""
    return {name: value for name, value in told.items() if np.ndim(value) == 1}
