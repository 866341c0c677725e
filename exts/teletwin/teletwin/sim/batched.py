"""Many arms at once, stepped together: what training drives, whether embedded or in Isaac Sim."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array

Rows = NDArray[np.intp]
"""Numbers of arms (k,)."""

BATCHES = ("lag", "mujoco")
"""Embedded simulators by name; Isaac Sim's cloned arms are `teletwin.kit.cloned.ClonedArms`."""


class BatchedWorld(Protocol):
    """N arms of n joints, without a common state; row i of every array is arm i."""

    @property
    def count(self) -> int:
        """Number of arms N."""
        ...

    def reset(self, q: Array, rows: Rows | None = None) -> None:
        """Put arms at rest at q [rad], (n,) for all alike or (k, n); rows (k,) names them, all when not given."""
        ...

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive the joints towards q_target [rad] (N, n) for dt_s [s]."""
        ...

    @property
    def q(self) -> Array:
        """Joint positions [rad] (N, n), valid until the next step."""
        ...

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (N, n), valid until the next step."""
        ...


def build_batch(name: str, count: int) -> BatchedWorld:
    """An embedded batch of UR3e arms by name.

    Raises:
        ConfigError: The name is unknown, or there are no arms.
    """
    if name == "lag":
        from teletwin.sim.lagged_batch import LaggedBatch

        return LaggedBatch(count)
    if name == "mujoco":
        from teletwin.sim.mujoco_batch import MujocoBatch

        return MujocoBatch(count)
    raise ConfigError("unknown simulator", given=name, allowed=", ".join(BATCHES))


def check_count(count: int) -> int:
    """Return the number of arms.

    Raises:
        ConfigError: It is not 1 ... 65536.
    """
    if not 1 <= count <= 65536:
        raise ConfigError("the number of arms cannot be used", given=count, allowed="1 ... 65536")
    return count
