"""Many UR3e arms in MuJoCo: one model, a state for each arm."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q
from teletwin.sim.batched import Rows, check_count
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg


class MujocoBatch:
    """A `BatchedWorld` of `MujocoWorld`s, bare arms unless a scene is named; arm i moves as it would alone."""

    def __init__(self, count: int, cfg: MujocoWorldCfg | None = None) -> None:
        cfg = cfg or MujocoWorldCfg(scene="bare")
        first = MujocoWorld(cfg)
        others = (MujocoWorld(cfg, model=first.model) for _ in range(check_count(count) - 1))
        self.worlds = (first, *others)
        self._q, self._qd = np.zeros((count, 6)), np.zeros((count, 6))
        self.reset(HOME_Q)

    @property
    def count(self) -> int:
        """Number of arms."""
        return len(self.worlds)

    def reset(self, q: Array, rows: Rows | None = None) -> None:
        """Put arms at rest at q [rad], (6,) for all alike or (k, 6); rows (k,) names them."""
        chosen = range(self.count) if rows is None else np.asarray(rows).tolist()
        for row, pose in zip(chosen, np.broadcast_to(q, (len(chosen), 6)), strict=True):
            self.worlds[row].reset(pose)
        self._read()

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive every arm towards its row of q_target [rad] (N, 6) for dt_s [s]."""
        for world, target in zip(self.worlds, q_target, strict=True):
            world.step(target, dt_s)
        self._read()

    def _read(self) -> None:
        for row, world in enumerate(self.worlds):
            self._q[row], self._qd[row] = world.q, world.qd

    @property
    def q(self) -> Array:
        """Joint positions [rad] (N, 6), a view."""
        return self._q

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (N, 6), a view."""
        return self._qd
