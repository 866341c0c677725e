"""Arms with masses and drives behind the controller's servo law: a simulator's joints instead of the law's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError, RobotError
from teletwin.robot.ur3e import HOME_Q
from teletwin.sim.batched import BatchedWorld, build_batch

if TYPE_CHECKING:
    from teletwin_training.horizon.lag_loops import LoopArrays

WorldFactory = Callable[[int], BatchedWorld]
"""Makes so many arms."""

SIMULATED = ("mujoco", "isaac")
"""Arms that a simulator moves."""
_TICK_S = 0.002


def world_factory(arm: str, given: WorldFactory | None) -> WorldFactory:
    """What makes the arms.

    Raises:
        ConfigError: Isaac Sim's are asked for, and nobody has made them.
    """
    if given is not None:
        return given
    if arm == "isaac":
        raise ConfigError(
            "arms in Isaac Sim are trained with by Isaac Sim's own Python",
            mend="run <isaac-sim>/python.sh scripts/isaac_train.py with the options of training; see docs/isaac.md",
        )
    return lambda count: build_batch(arm, count)


class WorldDrives:
    """The `Drives` of a `BatchedWorld`: it follows the reference tick by tick, its measured joints are the arm's."""

    def __init__(self, world: BatchedWorld, arrays: LoopArrays) -> None:
        if world.q.shape != (arrays.count, len(HOME_Q)):
            raise ConfigError(
                "the simulated arms are not those of the environments",
                given=f"joints of shape {world.q.shape}",
                allowed=f"({arrays.count}, {len(HOME_Q)})",
            )
        self._world, self._reference = world, arrays.loop.arm
        self._measured = arrays.reals(*world.q.shape)

    @property
    def joints(self) -> Any:
        """Joints (n, 6) as simulated [rad], on the device."""
        return self._measured.device

    def place(self, rows: NDArray[np.intp]) -> None:
        """Put these arms at rest at home; the others go on."""
        self._world.reset(HOME_Q, rows)
        self._measured.write(self._world.q)

    def step(self) -> None:
        """Follow the reference of a tick.

        Raises:
            RobotError: The simulation has blown up.
        """
        self._world.step(self._reference.numpy(), _TICK_S)
        q = self._world.q
        if not np.isfinite(q).all():
            lost = np.flatnonzero(~np.isfinite(q).all(axis=1))
            raise RobotError("the simulation lost its arms: joints are not finite", given=f"arms {lost[:8].tolist()}")
        self._measured.write(q)
