"""The last word before the arm: joint range, speed, acceleration and workspace, at every tick."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np

from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import Array
from teletwin.robot import JointLimits, Robot, WorkspaceLimits, load_ur3e, swap_base_vector
from teletwin.robot.chain import SerialChain
from teletwin.safety import MotionLimits
from teletwin.warp_runtime import load_warp

_NO_CAP = 1e6
DT_MAX_S = 0.02
"""A longer tick counts as this one [s]; the arm then moves as far as in 20 ms."""


class LimitFlag(IntFlag):
    """Why a command differs from what was desired."""

    SPEED = 1
    """A joint was asked to move faster than allowed."""
    ACCELERATION = 2
    """A joint was asked to change its speed, or has to brake, faster than in one tick."""
    RANGE = 4
    """A joint was asked to leave, or to run into the end of, its range."""
    WORKSPACE = 8
    """The tool was asked to leave, or to run into the border of, its workspace."""
    INPUT = 16
    """Not a number, or a tick without duration."""
    HOLD = 32
    """The arm was told to come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedCommand:
    """What the arm may be told in this tick."""

    q: Array
    """Positions (n,) [rad] at the tick's end."""
    qd: Array
    """Speeds (n,) [rad/s] of the tick: this q minus the last, over dt."""
    flags: int
    """Bits of LimitFlag; 0 when the desired motion passes unchanged."""


class BatchLimiter:
    """Limits for `batch` equal arms in one kernel launch; arrays are warp's, shared with numpy or torch.

    Write `state.desired` [rad], `state.desired_v`, `state.has_velocity`, `state.hold`, `state.dt` [s] and
    `state.speed_scale`, call `tick`, read `state.q`, `state.v`, `state.flags`.
    """

    def __init__(
        self,
        *,
        batch: int = 1,
        robot: Robot | None = None,
        joints: JointLimits | None = None,
        workspace: WorkspaceLimits | None = None,
        device: str = "cpu",
    ) -> None:
        wp = load_warp()
        from teletwin.twin import limits_kernel, limits_model

        robot, joints, workspace = robot or load_ur3e(), joints or JointLimits(), workspace or WorkspaceLimits()
        if len(joints.lower) != robot.chain.joint_count:
            raise ConfigError("joint limits of another robot", given=len(joints.lower), allowed=robot.chain.joint_count)
        self.batch, self.joint_count, self.device = batch, robot.chain.joint_count, device
        self._model = _build_model(limits_model.LimiterModel(), robot, joints, workspace, device)
        self.state = _build_state(limits_model.LimiterState(), batch, robot.chain, device)
        self.border = self._model.border
        """Radius and least height of the workspace [m] (2,)."""
        self._launch: Any = wp.launch(
            limits_kernel.limit_tick, dim=batch, inputs=[self._model, self.state], device=device, record_cmd=True
        )

    def tick(self) -> None:
        """Advance every arm by its `state.dt`."""
        self._launch.launch()


class CommandLimiter:
    """The last stage before the arm; nothing switches it off.

    Per tick it follows the desired joints exactly where the limits permit. After a jump it approaches
    nearly time-optimally by the square-root law of braking in discrete time, relative to the moving target;
    a target at rest is not overshot (with uneven ticks by at most half of acceleration times tick squared).
    A command is accepted only if a full stop from it stays inside range and workspace (see `limits_kernel`),
    so neither is ever left: for any input, and any ticks up to 20 ms.

    A desired position outside the workspace is pulled back to the border, so the tool slides along it and
    leaves it as soon as the desired motion comes back in. Put down outside (a measured arm), the tool may
    only move inward. Input that is not finite brakes the arm, all joints in proportion, to rest.

    Args:
        robot: Kinematics and tool frame; the UR3e when None.
        joints: Range, speed and acceleration limits.
        workspace: Ball about the shoulder and table height, UR base frame.
        speed_scale: Session cap, a share 0 ... 1 of the speed limits.
    """

    def __init__(
        self,
        *,
        robot: Robot | None = None,
        joints: JointLimits | None = None,
        workspace: WorkspaceLimits | None = None,
        speed_scale: float = 1.0,
    ) -> None:
        self._joints, self._workspace = joints or JointLimits(), workspace or WorkspaceLimits()
        self._batch = BatchLimiter(robot=robot, joints=self._joints, workspace=self._workspace)
        self._border = self._batch.border.numpy()
        state = self._batch.state
        self._q, self._qd = state.q.numpy()[0], state.v.numpy()[0]
        self._desired, self._desired_v = state.desired.numpy()[0], state.desired_v.numpy()[0]
        self._target_before = state.target_before.numpy()[0]
        self._has_velocity, self._hold = state.has_velocity.numpy(), state.hold.numpy()
        self._dt, self._scale, self._flags = state.dt.numpy(), state.speed_scale.numpy(), state.flags.numpy()
        self.set_speed_scale(speed_scale)
        self.limited_count = 0
        """Ticks in which a limit changed the command."""

    @property
    def q(self) -> Array:
        """The last command (n,) [rad], a copy."""
        return self._q.copy()

    def set_speed_scale(self, scale: float) -> None:
        """Set the session's speed cap, 0 ... 1 of the speed limits; a faster arm brakes down to it.

        Raises:
            ConfigError: The scale is not within 0 ... 1.
        """
        if not 0.0 <= scale <= 1.0:
            raise ConfigError("the speed cap cannot be used", given=scale, allowed="0 ... 1")
        self._scale[0] = scale

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to a session's limits as far as they are tighter than the arm's, from the next tick on.

        A faster arm brakes down to the speed; a tool outside the workspace may only move inward.
        """
        self._batch.state.speed_cap.numpy()[0] = limits.max_speed_rad_s
        self._border[0] = min(limits.workspace_radius_m, self._workspace.radius_m)
        self._border[1] = max(limits.workspace_height_m, self._workspace.height_min_m)

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from measured positions (n,) [rad] and speeds (n,) [rad/s]; speeds are cut to the limits.

        Raises:
            RobotError: The measurement is not finite.
        """
        speeds = np.zeros_like(self._qd) if qd is None else np.asarray(qd, dtype=np.float64)
        if not (np.isfinite(q).all() and np.isfinite(speeds).all()):
            raise RobotError("the measured joints are not finite", given=f"q {q}, qd {qd}", mend="check the arm")
        self._q[:] = q
        self._qd[:] = np.clip(speeds, -self._joints.velocity, self._joints.velocity)
        self._target_before[:] = self._q

    def limit(self, q_desired: Array, dt_s: float, *, qd_desired: Array | None = None) -> LimitedCommand:
        """The command (q, qd) nearest to desired positions (n,) [rad] that a tick of dt_s [s] permits.

        qd_desired (n,) [rad/s] is the desired motion's speed; None: taken from the last two positions.
        """
        self._desired[:] = q_desired
        self._has_velocity[0] = qd_desired is not None
        if qd_desired is not None:
            self._desired_v[:] = qd_desired
        return self._tick(dt_s, hold=0)

    def hold(self, dt_s: float) -> LimitedCommand:
        """Brake to rest, and stay there."""
        return self._tick(dt_s, hold=1)

    def _tick(self, dt_s: float, *, hold: int) -> LimitedCommand:
        self._hold[0] = hold
        self._dt[0] = dt_s
        self._batch.tick()
        flags = int(self._flags[0])
        self.limited_count += flags != 0
        return LimitedCommand(q=self._q.copy(), qd=self._qd.copy(), flags=flags)


def _build_model(model: Any, robot: Robot, joints: JointLimits, workspace: WorkspaceLimits, device: str) -> Any:
    """Fill the kernel's LimiterModel: the path to the tool in the UR base frame, and the limits."""
    wp = load_warp()
    chain = robot.chain
    tool = chain.frame(robot.tool_frame)
    path = list(chain.ancestors(tool.joint))
    translations, rotations = chain.translations[path].copy(), chain.rotations[path].copy()
    # The limits are given in the UR base: turn the chain's root once instead of every point.
    translations[0] = swap_base_vector(translations[0])
    rotations[0] = swap_base_vector(np.eye(3)) @ rotations[0]
    model.path = wp.array(path, dtype=wp.int32, device=device)
    model.prismatic = wp.array([int(chain.prismatic[j]) for j in path], dtype=wp.int32, device=device)
    model.translation = wp.array(translations, dtype=wp.vec3d, device=device)
    model.rotation = wp.array(rotations, dtype=wp.mat33d, device=device)
    model.axis = wp.array(chain.axes[path], dtype=wp.vec3d, device=device)
    model.reach = wp.array(_reach(chain, path, tool.translation, joints), dtype=wp.float64, device=device)
    model.tool = wp.vec3d(*tool.translation)
    for name, values in (
        ("lower", joints.lower),
        ("upper", joints.upper),
        ("speed", joints.velocity),
        ("acceleration", joints.acceleration),
    ):
        setattr(model, name, wp.array(np.asarray(values, dtype=np.float64), dtype=wp.float64, device=device))
    model.center = wp.vec3d(*workspace.shoulder)
    model.border = wp.array([workspace.radius_m, workspace.height_min_m], dtype=wp.float64, device=device)
    return model


def _reach(chain: SerialChain, path: list[int], tool: Array, joints: JointLimits) -> Array:
    """Largest distance [m] of the tool from each joint of the path; bounds first and second derivatives."""
    reach = np.zeros(len(path))
    beyond = float(np.linalg.norm(tool))
    for k in reversed(range(len(path))):
        j = path[k]
        # Sliding moves the tool by 1 m/m, and turns of joints before it swing that motion by 1 m/rad.
        reach[k] = max(1.0, beyond) if chain.prismatic[j] else beyond
        slide = max(abs(joints.lower[j]), abs(joints.upper[j])) if chain.prismatic[j] else 0.0
        beyond += float(np.linalg.norm(chain.translations[j])) + slide
    return reach


def _build_state(state: Any, batch: int, chain: SerialChain, device: str) -> Any:
    """Allocate the kernel's LimiterState; joints at 0 until written."""
    wp = load_warp()
    joint_count = chain.joint_count
    for name in ("q", "v", "desired", "desired_v", "target", "target_before", "candidate", "trial", "gradient"):
        setattr(state, name, wp.zeros((batch, joint_count), dtype=wp.float64, device=device))
    for name in ("has_velocity", "hold", "flags"):
        setattr(state, name, wp.zeros(batch, dtype=wp.int32, device=device))
    state.dt = wp.full(batch, wp.float64(0.002), dtype=wp.float64, device=device)
    state.speed_scale = wp.ones(batch, dtype=wp.float64, device=device)
    state.speed_cap = wp.full(batch, wp.float64(_NO_CAP), dtype=wp.float64, device=device)
    for name in ("joint_origin", "joint_axis"):
        setattr(state, name, wp.zeros((batch, joint_count), dtype=wp.vec3d, device=device))
    return state
