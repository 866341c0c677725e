"""The rendering function: the same packets to what the operator is shown, with a world of its own.

It shares no state with the control function: its own path, its own arm in its own simulated world with
things that can be pushed, and its own shadows for the pictures that would have been shown otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin.messages import ForecastPacket, Mode
from teletwin.robot.ur3e import WorkspaceLimits
from teletwin.safety import MotionLimits
from teletwin.sim import World
from teletwin.twin.path import MotionPath, PathOutput
from teletwin.twin.target import is_usable
from teletwin.twin.worth import ForecastWorth


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderingCfg:
    """Settings of the rendering function."""

    tick_s: float = 0.004
    """Step of path and physics [s]."""
    silence_s: float = 0.3
    """Without a packet for this long the shown arm rests [s]; longer than the control function's: nothing breaks."""
    policy_lag_s: float = 0.0
    """Lag of motion policy, smoothing and the simulated servo [s]."""
    orientation_lag_s: float = 0.0
    """The same for orientation, on top [s]."""
    catch_up_s: float = 0.25
    """Steps are made up for at most this long a pause [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the next picture shows."""

    q: Array
    object_poses: Array
    target: Array | None
    forecast: Array | None
    """Positions (k, 3) of the newest curve."""
    pose_t_ns: int
    input_seq: int
    horizon_s: float
    tool: Array
    """Pose (7,) of the shown tool, UR base frame."""
    shadow_tools: Array
    """Poses (k, 7) that pictures of SHADOWS would show."""
    held_back_by: str = ""
    """What holds the shown arm back, for example 'forearm to table'; empty when nothing does."""


class RenderingFunction:
    """Advances the shown world to the present whenever a picture is due."""

    def __init__(
        self,
        cfg: RenderingCfg,
        *,
        path: MotionPath,
        shadows: Sequence[MotionPath],
        world: World,
        tool_pose: Callable[[Array], Array],
        home: Array,
    ) -> None:
        self._cfg, self._path, self._shadows, self._world = cfg, path, tuple(shadows), world
        self._tool_pose, self._home = tool_pose, home
        self._workspace = WorkspaceLimits()
        self.worth = ForecastWorth()
        self.tick_s = cfg.tick_s
        """Step of path and physics [s]; may change between two advances."""
        self.reset()

    def reset(self) -> None:
        """Arm at home, every object at its place."""
        self._world.reset(self._home)
        for path in (self._path, *self._shadows):
            path.reset(self._home)
        self._shadows_q = [self._home.copy() for _ in self._shadows]
        self._packet: ForecastPacket | None = None
        self._heard_ns = self._t_ns = 0
        self._horizon_s = 0.0
        self._pose_t_ns = self._input_seq = 0
        self._held_back_by = ""
        self._target: Array | None = None

    def limit_to(self, limits: MotionLimits) -> None:
        """Show an arm that keeps to the session's limits."""
        for path in (self._path, *self._shadows):
            path.limit_to(limits)

    def start_at(self, q: Array) -> None:
        """Take the real arm's joints [rad] (n,) for home, so that both start alike."""
        self._home = q.copy()
        self.reset()

    def accept(self, packet: ForecastPacket, *, pose_t_ns: int, now_ns: int) -> bool:
        """Take a packet (pose generated at pose_t_ns on this clock); refuse an unusable one."""
        if not is_usable(packet, self._workspace):
            return False
        for path in (self._path, *self._shadows):
            path.accept(packet, pose_t_ns=pose_t_ns)
        self.worth.hand_was(pose_t_ns, packet.pose)
        self._packet, self._heard_ns = packet, now_ns
        return True

    def advance(self, now_ns: int, *, downstream_s: float) -> int:
        """Step path and physics to now_ns; what is shown will be on the screen downstream_s [s] later.

        Returns:
            How many steps that took.
        """
        tick_ns, steps = int(1e9 * self.tick_s), 0
        if now_ns - self._t_ns > 1e9 * self._cfg.catch_up_s:
            self._t_ns = now_ns - tick_ns
        while self._t_ns + tick_ns <= now_ns:
            self._t_ns += tick_ns
            self._tick(self._t_ns, downstream_s)
            steps += 1
        return steps

    def shown(self) -> Shown:
        """The world as it stands."""
        return self.noted()()

    def noted(self) -> Callable[[], Shown]:
        """The world as it stands now, its poses worked out when it is looked at: most are not."""
        packet, q, shadows_q = self._packet, self._world.q.copy(), tuple(self._shadows_q)
        known = {
            "object_poses": self._world.object_poses,
            "target": self._target,
            "forecast": packet.curve[:, :3] if packet is not None and packet.horizons.looks_ahead else None,
            "pose_t_ns": self._pose_t_ns,
            "input_seq": self._input_seq,
            "horizon_s": self._horizon_s,
            "held_back_by": self._held_back_by,
        }

        def look() -> Shown:
            shadow_tools = np.stack([self._tool_pose(each) for each in shadows_q])
            return Shown(q=q, tool=self._tool_pose(q), shadow_tools=shadow_tools, **known)

        return look

    def _tick(self, t_ns: int, downstream_s: float) -> None:
        """One step that ends at t_ns."""
        dt_s, packet = self.tick_s, self._packet
        fresh = packet is not None and t_ns - self._heard_ns <= 1e9 * self._cfg.silence_s
        if packet is None or not fresh or packet.mode is not Mode.ENGAGED:
            out = self._path.hold(dt_s)
            self._shadows_q = [shadow.hold(dt_s).q for shadow in self._shadows]
        else:
            way_s = downstream_s + self._cfg.policy_lag_s
            out = self._path.follow(t_ns, dt_s, downstream_s=way_s, orientation_extra_s=self._cfg.orientation_lag_s)
            self._shadows_q = [shadow.follow(t_ns, dt_s, downstream_s=0.0).q for shadow in self._shadows]
            self._judge_forecasts(t_ns, downstream_s, out)
        self._held_back_by = out.reason
        if out.bound is not None:
            self._pose_t_ns, self._input_seq = out.bound.pose_t_ns, out.bound.input_seq
            self._horizon_s, self._target = out.bound.horizon_s, out.bound.target.pose
        self._world.step(out.q, dt_s)

    def _judge_forecasts(self, t_ns: int, downstream_s: float, out: PathOutput) -> None:
        """Learn from what will be on the screen downstream_s [s] after t_ns."""
        if out.bound is None or out.is_approaching:
            return
        self._path.learn_from(self.worth, out.bound, t_ns, downstream_s)
        self.worth.moved_to(t_ns + int(1e9 * downstream_s), lambda: self._tool_pose(out.q))
