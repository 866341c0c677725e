"""RMPflow as the motion policy of one live arm; targets in the UR base frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from teletwin.assets import asset_path
from teletwin.geometry import IDENTITY_POSE, Array
from teletwin.robot.frames import swap_base
from teletwin.robot.model import Robot
from teletwin.robot.obstacles import Obstacle
from teletwin.robot.ur3e import HOME_Q, load_ur3e
from teletwin.safety import MotionLimits
from teletwin.twin import ToolTarget
from teletwin.twin.rmpflow.borders import keep_clear
from teletwin.twin.rmpflow.config import RmpFlowConfig
from teletwin.twin.rmpflow.config_file import load_rmpflow_config
from teletwin.twin.rmpflow.flow import RmpFlow

_POSITION_BOOST = 200.0
"""How much more position counts near its target; 20 in NVIDIA's file. There a wrist that turns fast has the joints'
limits to itself, and takes up to 30 % of the tool's position with it. Position goes first here."""


def load_ur3e_rmpflow() -> RmpFlowConfig:
    """The UR3e's RMPflow parameters: its file, with position before orientation."""
    config = load_rmpflow_config(asset_path("robots", "ur3e", "ur3e_rmpflow.yaml"))
    return replace(config, target=replace(config.target, proximity_metric_boost_scalar=_POSITION_BOOST))


class RmpFlowPolicy:
    """A `MotionPolicy` that rolls out its own joint state, independent of the arm's.

    Two policies share nothing. A target that is not finite changes nothing and is counted in refused_count.
    It keeps clear of what a `CommandLimiter` of the same robot and obstacles (in the UR base) enforces, so that this
    one is rarely needed; `keeps_clear=False` gives NVIDIA's policy alone.
    """

    def __init__(
        self,
        *,
        robot: Robot | None = None,
        config: RmpFlowConfig | None = None,
        posture: Array = HOME_Q,
        dtype: str = "float64",
        obstacles: Sequence[Obstacle] = (),
        keeps_clear: bool = True,
    ) -> None:
        robot, world = robot or load_ur3e(), swap_base(IDENTITY_POSE)
        self.flow = RmpFlow(
            robot,
            config or load_ur3e_rmpflow(),
            dtype=dtype,
            world_in_root=world,
            clear_of=keep_clear(robot, obstacles=obstacles) if keeps_clear else None,
        )
        self.flow.set_cspace_target(posture)
        flow = self.flow
        self._q, self._qd = flow.q.host[0], flow.qd.host[0]
        self._pose, self._flags = flow.target_pose.host[0, 0], flow.target_flags.host
        self._velocity, self._turning = flow.target_velocity.host[0, 0], flow.target_turning.host[0, 0]
        self._has_target = False
        self._q[:] = posture

    def warm_up(self) -> float:
        """Compile what is not in the cache; return the seconds that it took."""
        return self.flow.warm_up()

    @property
    def refused_count(self) -> int:
        """Steps that were not taken because the target was not finite."""
        return self.flow.refused_count

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from joint positions [rad] (n,) and velocities [rad/s] (n,), at rest without them."""
        self._q[:] = q
        self._qd[:] = 0.0 if qd is None else qd
        self.flow.rest()

    @property
    def held_by(self) -> str:
        """What the policy keeps the arm off in this step, in words; empty when nothing is in the way."""
        return self.flow.borders.held_by()

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to a session's workspace and joint speed, from the next step on."""
        self.flow.borders.limit_to(limits)

    def step(self, target: ToolTarget | None, dt_s: float) -> tuple[Array, Array]:
        """Advance by dt_s [s] (sub-stepped inside); return copies of (q, qd). None: only the posture pulls."""
        if target is not None:
            self._pose[:] = target.pose
            self._velocity[:] = target.velocity
            self._turning[:] = target.angular_velocity
        has_target = target is not None
        if has_target is not self._has_target:
            self._flags[:] = 3 if has_target else 0
            self._has_target = has_target
        self.flow.advance(dt_s)
        return self._q.astype(np.float64), self._qd.astype(np.float64)
