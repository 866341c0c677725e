"""The limits for one live arm and for thousands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError, RobotError
from teletwin.geometry import Array
from teletwin.robot import JointLimits, Robot, WorkspaceLimits, load_ur3e
from teletwin.robot.canonical import canonical
from teletwin.robot.obstacles import Obstacle
from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits
from teletwin.twin.limits.scene import WORKSPACE_BALL, WORKSPACE_FLOOR, Margins, Scene, build_scene
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.twin.rmpflow.launch import SplitLaunch, split_batch, usable_cores
from teletwin.warp_runtime import RecordedLaunch, load_warp, record

DT_MAX_S = 0.02
"""A longer tick counts as this one [s]; the arm then moves as far as in 20 ms."""
_NO_CAP = 1e6
_REASONS = ("", "input", "joint range", "joint speed", "speed", "acceleration")
_CHECK = 15
"""Reason _CHECK + k is check number k, counted from 1; `model` has them for the kernel."""


class LimitFlag(IntFlag):
    """Why a command differs from what was desired."""

    SPEED = 1
    """A joint or a body was asked to move faster than allowed."""
    ACCELERATION = 2
    """A joint was asked to change its speed or its acceleration faster than allowed."""
    RANGE = 4
    """A joint was asked to leave, or to run into the end of, its range."""
    CLEARANCE = 8
    """A body would have come too near to another, to the table or an obstacle, or the tool left its workspace."""
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
    """A LimitFlag; 0 when the desired motion passes unchanged."""
    reason: str = ""
    """What holds the arm back most, for example 'forearm to table'; empty when nothing does."""


class BatchLimiter:
    """Limits for `batch` equal arms; arrays are warp's, shared with numpy or torch.

    Write `state.desired` (batch, n) [rad], `state.desired_v`, `state.has_velocity`, `state.hold` and `state.dt` [s],
    call `tick`, read `state.command`, `state.command_v`, `state.flags`, `state.reason`. On the CPU a large batch is
    shared out to `threads` threads, by default one per core.
    """

    def __init__(
        self,
        *,
        batch: int = 1,
        robot: Robot | None = None,
        joints: JointLimits | None = None,
        workspace: WorkspaceLimits | None = None,
        obstacles: Sequence[Obstacle] = (),
        margins: Margins | None = None,
        device: str = "cpu",
        threads: int | None = None,
    ) -> None:
        load_warp()
        robot, joints, workspace = robot or load_ur3e(), joints or JointLimits(), workspace or WorkspaceLimits()
        if len(joints.lower) != robot.chain.joint_count:
            raise ConfigError("joint limits of another robot", given=len(joints.lower), allowed=robot.chain.joint_count)
        from teletwin.robot.warp_chain import chain_data
        from teletwin.twin.limits.model import limits_types

        self.batch, self.joint_count, self.device = batch, robot.chain.joint_count, device
        types, shape = limits_types(self.joint_count), canonical(robot.chain)
        self.scene = build_scene(robot, joints=joints, workspace=workspace, obstacles=obstacles, margins=margins)
        self._chain = chain_data(types, shape, device)
        self._limits = _limits_struct(types, self.scene, joints, shape.order, device)
        self.state = _state_struct(types, self.scene, batch, device)
        self.obstacle_size = self._limits.obstacle_size
        """Sizes (m, 3) of the obstacles [m]; the workspace's may be tightened."""
        wp, size = load_warp(), (batch, self.joint_count)
        self._chosen = SharedArray(np.zeros(batch, dtype=np.int32), warp_dtype=wp.int32, device=device)
        self._start = SharedArray(np.zeros(size), warp_dtype=wp.float64, device=device)
        self._start_v = SharedArray(np.zeros(size), warp_dtype=wp.float64, device=device)
        self._reset = self._record_reset()
        threads = (threads or usable_cores()) if device == "cpu" else 1
        parts = split_batch(batch, threads=threads)
        self._launch = SplitLaunch([self._record(first, count).launch for first, count in parts])

    def _record(self, first: int, count: int) -> RecordedLaunch:
        from teletwin.twin.limits.kernel import limit_kernel

        inputs = [first, self._chain, self._limits, self.state]
        return record(limit_kernel(self.joint_count), dim=count, inputs=inputs, device=self.device)

    def tick(self) -> None:
        """Advance every arm by its `state.dt`."""
        self._launch.launch()

    def reset(self, q: Array, qd: Array | float = 0.0, *, rows: NDArray[np.intp] | None = None) -> None:
        """Put arms where they were measured: q (..., n) [rad], qd (..., n) [rad/s]; rows: which, all when None."""
        chosen = slice(None) if rows is None else rows
        self._chosen.host[:] = 0
        self._chosen.host[chosen] = 1
        self._start.host[chosen] = q
        self._start_v.host[chosen] = qd
        for array in (self._chosen, self._start, self._start_v):
            array.push()
        self._reset.launch()

    def _record_reset(self) -> RecordedLaunch:
        from teletwin.twin.limits.kernel import reset_kernel

        arrays = [array.device for array in (self._start, self._start_v)]
        inputs = [self._chosen.device, self._chain, *arrays, self._limits, self.state]
        return record(reset_kernel(self.joint_count), dim=self.batch, inputs=inputs, device=self.device)

    def reason_of(self, number: int) -> str:
        """A reason of `state.reason` in words."""
        return self.scene.check_names[number - _CHECK - 1] if number > _CHECK else _REASONS[number]


class CommandLimiter:
    """The last stage before the arm; nothing switches it off.

    Per tick it follows the desired joints exactly where the limits permit. After a jump it closes in within
    acceleration and jerk, without overshoot. A command is accepted only with a whole way to rest behind it that
    keeps every limit (see `limits.kernel`); near a border the arm slides along it towards the desired motion and
    leaves it as soon as that comes back. Put down outside a limit, the arm may only get better.

    Args:
        robot: Kinematics, bodies and tool frame; the UR3e when None.
        joints: Range, speed, acceleration and jerk limits.
        workspace: Ball about the shoulder and least height of the tool, UR base frame.
        obstacles: What stands around the arm, UR base frame; the table's plane z = 0 is always there.
    """

    def __init__(
        self,
        *,
        robot: Robot | None = None,
        joints: JointLimits | None = None,
        workspace: WorkspaceLimits | None = None,
        obstacles: Sequence[Obstacle] = (),
        margins: Margins | None = None,
    ) -> None:
        self._joints, self._workspace = joints or JointLimits(), workspace or WorkspaceLimits()
        self._batch = BatchLimiter(
            robot=robot, joints=self._joints, workspace=self._workspace, obstacles=obstacles, margins=margins
        )
        state = self._batch.state
        self._q, self._qd = state.command.numpy()[0], state.command_v.numpy()[0]
        self._desired, self._desired_v = state.desired.numpy()[0], state.desired_v.numpy()[0]
        self._has_velocity, self._hold = state.has_velocity.numpy(), state.hold.numpy()
        self._dt, self._flags, self._reason = state.dt.numpy(), state.flags.numpy(), state.reason.numpy()
        self._size = self._batch.obstacle_size.numpy()
        self._caps = [cap.numpy() for cap in (state.joint_speed_cap, state.body_speed_cap, state.tool_speed_cap)]
        self._plan_at_s, self._plan_flat_s = state.plan_at_s.numpy(), state.plan_flat_s.numpy()
        self._plan_start = state.plan_v.numpy()[0], state.plan_a.numpy()[0]
        self._ramp_s = _ramp_s(self._joints)
        self._limits = MotionLimits()
        self._approaches = False
        self.limit_to(self._limits)
        self.limited_count = 0
        """Ticks in which a limit changed the command."""

    @property
    def q(self) -> Array:
        """The last command (n,) [rad], a copy."""
        return self._q.copy()

    @property
    def is_at_rest(self) -> bool:
        """Whether the last command stands still, for good while nothing is asked."""
        is_over = bool(self._plan_at_s[0] >= 2.0 * self._ramp_s + self._plan_flat_s[0])
        return not self._qd.any() and (is_over or not any(each.any() for each in self._plan_start))

    @property
    def smallest_clearance_m(self) -> float:
        """Bound of the smallest clearance beyond its margin [m]; exact where something is near."""
        return float(self._batch.state.clearance.numpy()[0].min())

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to a session's limits as far as they are tighter than the arm's, from the next tick on.

        A faster arm brakes down to the speed; a tool outside the workspace may only move inward.
        """
        self._limits = limits
        self._size[WORKSPACE_BALL] = min(limits.workspace_radius_m, self._workspace.radius_m)
        self._size[WORKSPACE_FLOOR] = max(limits.workspace_height_m, self._workspace.height_min_m)
        self._batch.state.clearance.fill_(-1e3)  # what was known of it counted to the former workspace
        self._apply_caps()

    def set_approach(self, approaches: bool) -> None:
        """While the arm is on its way to the commands no body is faster than in reduced mode."""
        if approaches != self._approaches:
            self._approaches = approaches
            self._apply_caps()

    def _apply_caps(self) -> None:
        limits, most = self._limits, REDUCED_SPEED_M_S if self._approaches else _NO_CAP
        caps = (limits.max_speed_rad_s, min(limits.max_body_speed_m_s, most), min(limits.max_tool_speed_m_s, most))
        for array, cap in zip(self._caps, caps, strict=True):
            array[0] = cap

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from measured positions (n,) [rad] and speeds (n,) [rad/s]; speeds are cut to the limits.

        Raises:
            RobotError: The measurement is not finite.
        """
        speeds = np.zeros_like(self._qd) if qd is None else np.asarray(qd, dtype=np.float64)
        if not (np.isfinite(q).all() and np.isfinite(speeds).all()):
            raise RobotError("the measured joints are not finite", given=f"q {q}, qd {qd}", mend="check the arm")
        self._batch.reset(q, speeds)

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
        flags, reason = int(self._flags[0]), int(self._reason[0])
        self.limited_count += flags != 0
        words = self._batch.reason_of(reason) if reason else ""
        return LimitedCommand(q=self._q.copy(), qd=self._qd.copy(), flags=flags, reason=words)


def _ramp_s(joints: JointLimits) -> float:
    """First and last part of a stop [s]: long enough for the acceleration to turn from one limit to the other."""
    return float(np.max(2.0 * joints.acceleration / joints.jerk))


def _limits_struct(types: Any, scene: Scene, joints: JointLimits, order: NDArray[np.int32], device: str) -> Any:
    wp = load_warp()
    limits = types.Limits()
    for name, values in (
        ("lower", joints.lower),
        ("upper", joints.upper),
        ("speed", joints.velocity),
        ("acceleration", joints.acceleration),
        ("jerk", joints.jerk),
    ):
        setattr(limits, name, wp.array(np.asarray(values, dtype=np.float64)[order], dtype=wp.float64, device=device))
    limits.ramp_s = _ramp_s(joints)
    kinds = {"capsule_a": types.vec3, "capsule_b": types.vec3}
    kinds |= {"obstacle_center": types.vec3, "obstacle_axes": types.mat33, "obstacle_size": types.vec3}
    for name in scene.__dataclass_fields__:
        values = getattr(scene, name)
        if name != "check_names":
            kind = kinds.get(name, wp.int32 if values.dtype == np.int32 else wp.float64)
            setattr(limits, name, wp.array(values, dtype=kind, device=device))
    return limits


def _state_struct(types: Any, scene: Scene, batch: int, device: str) -> Any:
    """Allocate the kernel's State; joints at 0 until reset."""
    wp = load_warp()
    state, n = types.State(), types.count
    joint_arrays = "desired desired_v command command_v q v a target target_v target_a given_v plan_q plan_v plan_a"
    for name in joint_arrays.split():
        setattr(state, name, wp.zeros((batch, n), dtype=wp.float64, device=device))
    for name in ("has_velocity", "hold", "flags", "reason", "refused"):
        setattr(state, name, wp.zeros(batch, dtype=wp.int32, device=device))
    for name in ("plan_flat_s", "speed_ratio"):
        setattr(state, name, wp.zeros(batch, dtype=wp.float64, device=device))
    for name, value in (
        ("dt", 0.002),
        ("dt_before", 0.0),
        ("plan_at_s", 1.0),
        ("joint_speed_cap", _NO_CAP),
        ("body_speed_cap", _NO_CAP),
        ("tool_speed_cap", _NO_CAP),
    ):
        setattr(state, name, wp.full(batch, wp.float64(value), dtype=wp.float64, device=device))
    for name in ("capsule_a", "capsule_b"):
        setattr(state, name, wp.zeros((batch, len(scene.capsule_joint)), dtype=types.vec3, device=device))
    checks = len(scene.check_kind)
    for name in ("clearance", "last"):
        setattr(state, name, wp.zeros((batch, checks), dtype=wp.float64, device=device))
    state.is_needed = wp.zeros((batch, checks), dtype=wp.int32, device=device)
    return state
