"""Arms that follow their targets with a first order lag: the cheapest batch, in numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q, JointLimits
from teletwin.sim.batched import Rows, check_count


@dataclass(frozen=True, kw_only=True, eq=False)
class LaggedBatchCfg:
    """How an arm answers."""

    lag_s: float = 0.01
    """Time constant between target and joints [s]."""
    velocity: Array = field(default_factory=lambda: JointLimits().velocity)
    """Largest joint speeds (n,) [rad/s]."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.lag_s <= 1.0:
            raise ConfigError("lag_s cannot be used", given=self.lag_s, allowed="0 to 1 s")
        if not np.all(self.velocity > 0.0):
            raise ConfigError("a joint cannot move", given=self.velocity, allowed="velocity > 0")


class LaggedBatch:
    """A `BatchedWorld` without physics; the answer to a target that holds does not depend on the step."""

    def __init__(self, count: int, cfg: LaggedBatchCfg | None = None) -> None:
        self._cfg = cfg or LaggedBatchCfg()
        shape = (check_count(count), len(self._cfg.velocity))
        self._q, self._qd = np.zeros(shape), np.zeros(shape)
        if shape[1] == len(HOME_Q):
            self.reset(HOME_Q)

    @property
    def count(self) -> int:
        """Number of arms."""
        return len(self._q)

    def reset(self, q: Array, rows: Rows | None = None) -> None:
        """Put arms at rest at q [rad], (n,) for all alike or (k, n); rows (k,) names them."""
        chosen = slice(None) if rows is None else rows
        self._q[chosen] = q
        self._qd[chosen] = 0.0

    def step(self, q_target: Array, dt_s: float) -> None:
        """Follow q_target [rad] (N, n) for dt_s [s]."""
        if dt_s <= 0.0:
            return
        lag_s = self._cfg.lag_s
        share = -math.expm1(-dt_s / lag_s) if lag_s > 0.0 else 1.0
        reach = self._cfg.velocity * dt_s
        moved = np.clip(share * (q_target - self._q), -reach, reach)
        self._q += moved
        np.divide(moved, dt_s, out=self._qd)

    @property
    def q(self) -> Array:
        """Joint positions [rad] (N, n), a view."""
        return self._q

    @property
    def qd(self) -> Array:
        """Mean joint velocities of the newest step [rad/s] (N, n), a view."""
        return self._qd
