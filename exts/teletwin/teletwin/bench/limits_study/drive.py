"""Many sessions at once: targets, motion policy, twin's limits, late commands, arm's limits, servo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.bench.limits_study.events import Events
from teletwin.bench.limits_study.hands import TICK_S, Targets
from teletwin.geometry import IDENTITY_POSE, Array
from teletwin.robot.frames import swap_base
from teletwin.robot.ur3e import HOME_Q, load_ur3e, tool_pose_in_ur_base
from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits
from teletwin.twin.limits import BatchLimiter
from teletwin.twin.limits.scene import WORKSPACE_BALL, WORKSPACE_FLOOR, Margins
from teletwin.twin.path import LEASH_RAD
from teletwin.twin.rmpflow.borders import keep_clear
from teletwin.twin.rmpflow.flow import RmpFlow
from teletwin.twin.rmpflow.policy import load_ur3e_rmpflow

SERVO_DELAY, SERVO_BLEND = 10, 1.0 / 6.0
"""A UR's servo law at its stiffest: ticks of pure delay, then a first order."""
NO_CLEARANCE = Margins(body_m=-10.0, obstacle_m=-10.0)
"""Margins that switch off what keeps bodies clear: what the study would find without it."""
_HOLD_AFTER, _CONTINUE = 50, 15
"""Ticks without a command until the arm holds, and for which the last one is continued."""
_LOOK = 5
"""Ticks between two looks at whether an approach has arrived."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """What an arm did, tick by tick."""

    joints: Array
    """(T, N, 6) [rad], behind the servo."""
    set_points: Array
    """(T, N, 6) [rad] that the controller was sent."""
    caps: Array
    """(T, N, 2): speed caps of bodies and tool in force at the arm [m/s]."""
    limited: Array
    """(N,) share of ticks in which the twin's limits had a say."""

    def of(self, rows: list[int]) -> Trace:
        """Some of the arms."""
        parts = {name: getattr(self, name)[:, rows] for name in ("joints", "set_points", "caps")}
        return Trace(**parts, limited=self.limited[rows])


class Drive:
    """`count` sessions with equal limits of the workspace; reusable, every run begins at home."""

    def __init__(self, count: int, *, margins: Margins | None = None, keeps_clear: bool = True) -> None:
        """margins: the limits' own when None; keeps_clear=False: NVIDIA's policy alone, which knows no border."""
        self.count = count
        world = swap_base(IDENTITY_POSE)
        robot = load_ur3e()
        clear_of = keep_clear(robot) if keeps_clear else None
        self._flow = RmpFlow(robot, load_ur3e_rmpflow(), batch=count, world_in_root=world, clear_of=clear_of)
        self._flow.set_cspace_target(HOME_Q)
        self._twin, self._arm = (BatchLimiter(batch=count, margins=margins) for _ in range(2))
        self._sizes = self._twin.obstacle_size.numpy()[[WORKSPACE_BALL, WORKSPACE_FLOOR]].copy()

    def run(self, events: Events, *, targets: Targets | None = None, desired: Array | None = None) -> Trace:
        """Drive by tool targets, or by joints (T, N, 6) that nothing has looked at."""
        ticks = len(events.holds)
        self._begin(ticks)
        joints, set_points = (np.empty((ticks, self.count, 6)) for _ in range(2))
        caps = np.empty((ticks, self.count, 2))
        limited = np.zeros(self.count)
        for k in range(ticks):
            self._obey(events, k)
            self._move_twin(events, k, targets, desired)
            limited += (self._twin.state.flags.numpy() & 31) != 0
            self._move_arm(events, k)
            set_points[k] = self._arm.state.command.numpy()
            joints[k] = self._servo()
            caps[k] = self._arm_caps
        return Trace(joints=joints, set_points=set_points, caps=caps, limited=limited / ticks)

    def _begin(self, ticks: int) -> None:
        n = self.count
        for limiter in (self._twin, self._arm):
            limiter.reset(np.tile(HOME_Q, (n, 1)))
            limiter.state.has_velocity.fill_(1)
            limiter.obstacle_size.numpy()[[WORKSPACE_BALL, WORKSPACE_FLOOR]] = self._sizes
        self._flow.q.host[:], self._flow.qd.host[:] = HOME_Q, 0.0
        self._flow.rest()
        self._flow.borders.limit_to(MotionLimits())
        self._flow.target_flags.write(3)
        self._ring = np.tile(HOME_Q, (SERVO_DELAY, n, 1))
        self._reference = np.tile(HOME_Q, (n, 1))
        self._commands = np.empty((2, ticks, n, 6))
        self._following = np.zeros(n, dtype=bool)
        self._approaches = np.zeros((2, n), dtype=bool)
        self._stopped_for = np.zeros(n, dtype=np.int64)
        self._arm_caps = np.full((n, 2), np.inf)

    def _obey(self, events: Events, k: int) -> None:
        """The session's limits of this tick, approaches included."""
        if k == events.tightened_at:
            self._flow.borders.limit_to(
                MotionLimits(workspace_radius_m=events.radius_m, workspace_height_m=events.height_m)
            )
            for limiter in (self._twin, self._arm):
                limiter.obstacle_size.numpy()[[WORKSPACE_BALL, WORKSPACE_FLOOR]] = [
                    [events.radius_m] * 3,
                    [events.height_m] * 3,
                ]
                limiter.state.clearance.fill_(-1e3)
        for limiter, approaches in zip((self._twin, self._arm), self._approaches, strict=True):
            most = np.where(approaches, REDUCED_SPEED_M_S, np.inf)
            caps = np.minimum(events.caps[k, :, 1:], most[:, None])  # the arm's, which come last, are those that count
            limiter.state.joint_speed_cap.numpy()[:] = events.caps[k, :, 0]
            limiter.state.body_speed_cap.numpy()[:], limiter.state.tool_speed_cap.numpy()[:] = caps.T
            self._arm_caps = caps

    def _move_twin(self, events: Events, k: int, targets: Targets | None, desired: Array | None) -> None:
        state, flow = self._twin.state, self._flow
        command, speed = state.command.numpy(), state.command_v.numpy()
        held = events.holds[k] | events.stops[k] | (self._stopped_for > 0)
        resumes = ~held & ~self._following
        if targets is not None:
            if resumes.any():
                flow.q.host[resumes], flow.qd.host[resumes] = command[resumes], speed[resumes]
                flow.rest(np.flatnonzero(resumes))
            flow.target_pose.host[:, 0] = targets.pose[k]
            flow.target_velocity.host[:, 0] = targets.velocity[k]
            flow.target_turning.host[:, 0] = targets.turning[k]
            flow.advance(TICK_S)
            state.desired.numpy()[:], state.desired_v.numpy()[:] = flow.q.host, flow.qd.host
        else:
            assert desired is not None
            state.desired.numpy()[:] = desired[k]
            state.has_velocity.fill_(0)
        self._following = ~held
        self._approaches[0] |= resumes
        if k % _LOOK == 0 and targets is not None and self._approaches[0].any():
            away = tool_pose_in_ur_base(command)[:, :3] - targets.pose[k, :, :3]
            self._approaches[0] &= ~(np.linalg.norm(away, axis=1) < 0.02)
        elif targets is None:
            self._approaches[0] &= np.abs(desired[k] - command).max(axis=1) > 0.05  # type: ignore[index]
        state.hold.numpy()[:] = held
        self._twin.tick()
        self._keep_near()
        self._keep_command(k)

    def _keep_command(self, k: int) -> None:
        self._commands[0, k] = self._twin.state.command.numpy()
        self._commands[1, k] = self._twin.state.command_v.numpy()

    def _keep_near(self) -> None:
        """Hold policies on their leash, where limits hold the joints back."""
        flow, command = self._flow, self._twin.state.command.numpy()
        ahead = flow.q.host - command
        most = np.abs(ahead).max(axis=1)
        far = (most > LEASH_RAD) & (self._twin.state.flags.numpy() != 0)
        if not far.any():
            return
        flow.rest(np.flatnonzero(far))
        flow.q.host[far] = command[far] + ahead[far] * (LEASH_RAD / most[far])[:, None]
        flow.qd.host[far] = self._twin.state.command_v.numpy()[far]

    def _move_arm(self, events: Events, k: int) -> None:
        state, rows = self._arm.state, np.arange(self.count)
        late = np.minimum(events.late[k], k)
        q, v = self._commands[:, k - late, rows]
        ahead = np.minimum(late, _CONTINUE)[:, None] * TICK_S
        wanted = q + v * ahead
        still = (late > _CONTINUE)[:, None]
        silent = late > _HOLD_AFTER
        stops = events.stops[k]
        ends = ~stops & (self._stopped_for > 0)
        self._stopped_for = np.where(stops, self._stopped_for + 1, 0)
        if ends.any():  # the arm is met where it stands, by both
            at = np.flatnonzero(ends)
            for limiter in (self._twin, self._arm):
                limiter.reset(self._reference[at], rows=at)
            self._keep_command(k)
            wanted[at] = self._reference[at]
        was_held = state.hold.numpy() != 0
        state.hold.numpy()[:] = silent | stops
        self._approaches[1] |= (was_held & ~silent & ~stops) | ends
        state.desired.numpy()[:] = wanted
        state.desired_v.numpy()[:] = np.where(still, 0.0, v)
        self._arm.tick()
        arrived = (state.flags.numpy() == 0) & (np.abs(state.command.numpy() - wanted).max(axis=1) < 0.005)
        self._approaches[1] &= ~arrived

    def _servo(self) -> Array:
        """One cycle of the controller's law; the joints (N, 6)."""
        delayed = self._ring[0].copy()
        self._ring[:-1] = self._ring[1:]
        self._ring[-1] = self._arm.state.command.numpy()
        self._reference = self._reference + SERVO_BLEND * (delayed - self._reference)
        return self._reference
