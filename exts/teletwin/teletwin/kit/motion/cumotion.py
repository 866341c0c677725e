# isaac: 6.0
"""Isaac Sim 6.0's cuMotion RmpFlowController with our XRDF and RMPflow file as a `MotionPolicy`.

What it does differently from ours, and how that is met here:
`forward` ignores the state it is given and always goes on from its own, so a start from elsewhere is a `reset`,
which begins at rest; it returns one live object, so its arrays are copied at once; attractors stay once set, so
losing the target is a `reset` too; time is absolute, so it is summed up here; its Euler step is semi-implicit,
so its trajectories differ from Lula's and ours by a fraction of a substep; its numbers are float32.
It takes no velocity of the target: it follows a moving one as the stock policy does, with its lag.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.assets import asset_path
from teletwin.errors import MissingPartError, RobotError
from teletwin.geometry import Array
from teletwin.kit.motion.placement import Placement, check_joints, is_finite
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, TOOL_FRAME
from teletwin.safety import MotionLimits
from teletwin.twin import ToolTarget

_SUBSTEP_S = 0.00334
"""The substep of the UR3e's Lula configuration; the controller's default is 1/120 s."""


class CumotionPolicy:
    """One RmpFlowController that rolls out its own joint state; two policies share nothing.

    A target that is not finite changes nothing and is counted in refused_count.
    """

    def __init__(self, *, ur_base: Array | None = None, posture: Array = HOME_Q) -> None:
        self._placement = Placement(ur_base)
        self._posture = np.array(posture, dtype=np.float64)
        self._joints, self._tools = list(JOINT_NAMES), [TOOL_FRAME]
        self.world, self.controller = _load_controller(self._joints, self._tools)
        self._place_base()
        self._t_s = 0.0
        self._q = self._posture.copy()
        self._qd = np.zeros_like(self._q)
        self._has_target = False
        self._must_reset = True
        self.refused_count = 0

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from joint positions [rad] (6,); cuMotion begins at rest, so velocities qd are not carried on."""
        self._q[:] = q
        self._qd[:] = 0.0
        self._must_reset = True

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
            self._advance(target, dt_s)
        return self._q.copy(), self._qd.copy()

    def _advance(self, target: ToolTarget | None, dt_s: float) -> None:
        """One controller step, with a reset before it where its memory would be wrong."""
        posture = None
        if self._must_reset or (target is None and self._has_target):
            self._restart()
            posture = self._posture
        self._has_target = target is not None
        self._t_s += dt_s
        desired = self.controller.forward(self._state(None), self._state(posture, target), self._t_s)
        if desired is None:
            raise RobotError("cuMotion's controller gives no joints", mend="its log names the reason")
        order = [desired.joints.position_names.index(name) for name in self._joints]
        self._q[:] = desired.joints.positions.numpy()[order]
        self._qd[:] = desired.joints.velocities.numpy()[order]

    def _restart(self) -> None:
        if not self.controller.reset(self._state(self._q), None, self._t_s):
            raise RobotError("cuMotion's controller cannot start", given=self._q, mend="its log names the reason")
        self._must_reset = False

    def _place_base(self) -> None:
        """Tell where base_link stands in the stage."""
        base = self._placement.base_link
        self.world.update_world_to_robot_root_transforms((_array(base[None, :3]), _array(base[None, 3:])))

    def _state(self, q: Array | None, target: ToolTarget | None = None) -> Any:
        """Joints, the tool's pose, both or neither, as cuMotion wants them told."""
        from isaacsim.robot_motion.experimental.motion_generation import JointState, RobotState, SpatialState

        joints = site = None
        if q is not None:
            joints = JointState.from_name(self._joints, positions=(self._joints, _array(q)))
        if target is not None:
            pose = self._placement.in_stage(target.pose)
            site = SpatialState.from_name(
                self._tools,
                positions=(self._tools, _array(pose[None, :3])),
                orientations=(self._tools, _array(pose[None, 3:])),
            )
        return RobotState(joints=joints, sites=site)


def _array(values: Array) -> Any:
    import warp as wp

    return wp.array(np.ascontiguousarray(values, dtype=np.float32), dtype=wp.float32, device="cpu")


def _load_controller(joints: list[str], tools: list[str]) -> tuple[Any, Any]:
    """World interface and controller for our UR3e."""
    try:
        from isaacsim.robot_motion.cumotion import CumotionWorldInterface, RmpFlowController, load_cumotion_robot
    except ImportError as error:
        raise MissingPartError(
            "cuMotion is not there",
            given=error,
            allowed="Isaac Sim 6.0",
            mend="enable the extension isaacsim.robot_motion.cumotion, or take motion policy 'rmpflow' or 'lula'",
        ) from error
    urdf = asset_path("robots", "ur3e", "ur3e.urdf")
    robot = load_cumotion_robot(urdf.parent, urdf_filename=urdf.name, xrdf_filename="ur3e.xrdf")
    check_joints(list(robot.controlled_joint_names), source="cuMotion's robot")
    world = CumotionWorldInterface(device="cpu")
    controller = RmpFlowController(
        robot,
        world,
        joints,
        tools,
        rmp_flow_configuration_filename=asset_path("robots", "ur3e", "ur3e_rmp_flow.yaml"),
        tool_frame=TOOL_FRAME,
        maximum_substep_size=_SUBSTEP_S,
    )
    return world, controller
