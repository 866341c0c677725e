"""Isaac Sim's Lula RmpFlow with its UR3e configuration as a `MotionPolicy` (5.1 and, deprecated, 6.0).

What it does differently from ours, and how that is met here:
it integrates *into* the arrays it is given and hands those very arrays back, so it gets copies and gives copies;
its `reset` drops base pose, posture and target, so it is not called, and the joint state is kept here;
positions are in units of the stage, quaternions wxyz, both in the stage's frame.
It takes no velocity of the target: it follows a moving one as the stock policy does, with its lag.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.errors import MissingPartError
from teletwin.geometry import Array
from teletwin.kit.motion.placement import Placement, check_joints, is_finite
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import MotionLimits
from teletwin.twin import ToolTarget

_NONE = np.empty(0)


class LulaPolicy:
    """One Lula RmpFlow that rolls out a joint state of its own; two policies share nothing.

    A target that is not finite changes nothing and is counted in refused_count.
    """

    def __init__(self, *, ur_base: Array | None = None, posture: Array = HOME_Q) -> None:
        self._placement = Placement(ur_base)
        self.flow: Any = _load_flow()
        """Isaac's own object, for obstacles: `flow.add_obstacle(...)`, then `flow.update_world()`."""
        check_joints(list(self.flow.get_active_joints()), source="Isaac's Lula configuration")
        self._units_per_m = 1.0 / _metres_per_unit()
        base = self._placement.base_link
        self.flow.set_robot_base_pose(base[:3] * self._units_per_m, base[3:].copy())
        self.flow.set_cspace_target(np.array(posture, dtype=np.float64))
        self._q = np.array(posture, dtype=np.float64)
        self._qd = np.zeros_like(self._q)
        self.refused_count = 0

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from joint positions [rad] (6,) and velocities [rad/s] (6,), at rest without them."""
        self._q[:] = q
        self._qd[:] = 0.0 if qd is None else qd

    @property
    def held_by(self) -> str:
        """Isaac's policy does not say; what the limits hold is said by them."""
        return ""

    def limit_to(self, limits: MotionLimits) -> None:
        """Isaac's policy knows nothing of a session's limits, which come after it."""

    def step(self, target: ToolTarget | None, dt_s: float) -> tuple[Array, Array]:
        """Advance by dt_s [s]; return copies of (q, qd)."""
        if not is_finite(target):
            self.refused_count += 1
        elif dt_s > 0.0:
            self._aim(target)
            moved = self.flow.compute_joint_targets(self._q.copy(), self._qd.copy(), _NONE, _NONE, dt_s)
            self._q[:], self._qd[:] = moved
        return self._q.copy(), self._qd.copy()

    def _aim(self, target: ToolTarget | None) -> None:
        """Tell the target in the stage's frame and units; None lets the arm go to its posture."""
        if target is None:
            self.flow.set_end_effector_target(None, None)
            return
        pose = self._placement.in_stage(target.pose)
        self.flow.set_end_effector_target(pose[:3] * self._units_per_m, pose[3:])


def _load_flow() -> Any:
    try:
        from isaacsim.robot_motion.motion_generation import RmpFlow
        from isaacsim.robot_motion.motion_generation.interface_config_loader import (
            load_supported_motion_policy_config,
        )
    except ImportError as error:
        raise MissingPartError(
            "Isaac's Lula RmpFlow is not there",
            given=error,
            mend="enable the extension isaacsim.robot_motion.motion_generation, or take motion policy 'rmpflow'",
        ) from error
    settings = load_supported_motion_policy_config("UR3e", "RMPflow")
    if not settings:
        raise MissingPartError(
            "this Isaac Sim has no RMPflow configuration for the UR3e", mend="take motion policy 'rmpflow'"
        )
    # False: each step integrates from the state handed to it, which is the one kept here.
    return RmpFlow(**{**settings, "ignore_robot_state_updates": False})


def _metres_per_unit() -> float:
    from isaacsim.core.experimental.utils import stage

    return float(stage.get_stage_units())
