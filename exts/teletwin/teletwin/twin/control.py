"""The control function: packets from the operator to joint commands for the real arm.

Its tick is receive, target, RMPflow, smoothing, limits, send. Its shadows take the same packets through
paths of their own, so that all meet the same network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from teletwin.clock import NS_PER_MS, TickLength
from teletwin.geometry import Array
from teletwin.messages import ArmState, ForecastPacket, JointCommand, Mode
from teletwin.robot.ur3e import WorkspaceLimits
from teletwin.safety import (
    RESTART_AFTER_MS,
    SILENCE_MS,
    EnablingInput,
    MotionLimits,
    RestartInterlock,
    SafetyState,
    Seen,
    SessionLimits,
    Watchdog,
    mode_of,
    next_state,
)
from teletwin.twin.downstream import DownstreamEstimate
from teletwin.twin.path import MotionPath, PathOutput
from teletwin.twin.target import is_usable
from teletwin.twin.worth import ForecastWorth

_APART_NS = 1_500_000_000
"""A pose older than this moves nothing, however fresh its packet: the hand has stalled, or a clock is not known yet."""
_APART_RAD = 0.002
"""Commanded and measured joints at rest differ by more only if both stopped in different places, or by hand [rad]."""
_SETTLED_NS = 500_000_000
"""So long after the command came to rest, and the way to the arm on top, what is measured is an arm at rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlCfg:
    """Settings of the control function."""

    period_s: float
    """Time between two ticks [s]."""
    silence_s: float = 1e-3 * SILENCE_MS
    """Without a fresh packet for this long the arm is brought to rest [s]."""
    restart_after_ms: float = RESTART_AFTER_MS
    """After a longer silence motion needs a fresh act of the person [ms]."""
    needs_enabling: bool = False
    """Motion only while the enabling input is held."""
    policy_lag_s: float = 0.0
    """Lag of motion policy and smoothing behind a moving target [s]."""
    orientation_lag_s: float = 0.0
    """The same for orientation, on top [s]."""
    servo_lag_s: float = 0.038
    """First guess of the arm's lag behind its commands [s]; learned from then on."""
    limits: MotionLimits = field(default_factory=MotionLimits)
    """Limits of motion that the session is started with; none of them is ever widened beyond."""


class ControlFunction:
    """Steps the control path and its shadows; holds when packets stop."""

    def __init__(self, cfg: ControlCfg, *, path: MotionPath, shadows: Sequence[MotionPath], joint_count: int) -> None:
        self._cfg, self._path, self._shadows = cfg, path, tuple(shadows)
        self.downstream = DownstreamEstimate(joint_count=joint_count, servo_lag_s=cfg.servo_lag_s)
        self.worth = ForecastWorth()
        self._workspace = WorkspaceLimits()
        self._measured: Array | None = None
        self._measured_ns = self._rest_ns = 0
        self._asked = Mode.OFF
        tick_ns = int(1e9 * cfg.period_s)
        self._operator = Watchdog(int(1e9 * cfg.silence_s), tick_ns=tick_ns)
        restart_after_ns = int(cfg.restart_after_ms * NS_PER_MS)
        self.interlock = RestartInterlock(restart_after_ns=restart_after_ns, started="the twin was started")
        self.enabling = EnablingInput(is_needed=cfg.needs_enabling, tick_ns=tick_ns)
        self._act = self._enable_seq = 0
        self._pose_t_ns = 0
        self._tick_length = TickLength(usual_s=cfg.period_s)
        self.invalid_count = 0
        self.held_count = 0
        self.limited_count = 0
        self.horizon_s = self.horizon_orientation_s = 0.0
        self.held_back_by = ""
        """What limits the arm's motion most in this tick; empty when nothing does."""
        self.is_approaching = False
        """The arm is on its way to the hand, slowly."""
        self.state = SafetyState.OFF
        self._fault = ""
        self.limits = SessionLimits(cfg.limits)
        self._obey(cfg.limits)

    @property
    def period_s(self) -> float:
        """Usual time from tick to tick [s]."""
        return self._cfg.period_s

    @property
    def silence_s(self) -> float:
        """Silence after which the arm is brought to rest [s]."""
        return self._cfg.silence_s

    def ask_limits(self, change: Mapping[str, object]) -> None:
        """Take other limits of motion by name, for the shadows too.

        Raises:
            ConfigError: They cannot be used, or would be raised while the arm is engaged.
        """
        self._obey(self.limits.ask(change, state=self.state))

    def _obey(self, limits: MotionLimits) -> None:
        for path in (self._path, *self._shadows):
            path.limit_to(limits)

    def accept(self, packet: ForecastPacket, *, pose_t_ns: int, now_ns: int) -> bool:
        """Take a packet (pose generated at pose_t_ns on this clock); refuse and count an unusable one."""
        if not is_usable(packet, self._workspace) or abs(now_ns - pose_t_ns) > _APART_NS:
            self.invalid_count += 1
            return False
        for path in (self._path, *self._shadows):
            path.accept(packet, pose_t_ns=pose_t_ns)
        self.worth.hand_was(pose_t_ns, packet.pose)
        self._asked, self._act, self._enable_seq = packet.mode, packet.act, packet.enable_seq
        self._operator.hear(now_ns)
        self.interlock.hear(packet.act)
        self.enabling.hear(packet.enable_seq, now_ns)
        return True

    def stop(self) -> None:
        """A person's Stop, which goes before every packet that was sent earlier."""
        self._asked = Mode.OFF
        self.interlock.spend("Stop was pressed")

    def pass_time(self, now_ns: int, *, arm_silence_ns: int = 0) -> None:
        """Notice outages; once a tick, before what has arrived meanwhile is read.

        Args:
            now_ns: Now [ns].
            arm_silence_ns: For how long the arm has said nothing [ns].
        """
        self.interlock.notice_silence(self._operator.pass_time(now_ns), "the operator")
        self.interlock.notice_silence(arm_silence_ns, "the arm")
        self.interlock.notice_silence(self.enabling.pass_time(now_ns), "the enabling input")

    def accept_state(self, state: ArmState, *, t_ns: int) -> None:
        """Take what the arm measured at t_ns on this clock."""
        if self._measured is None:
            self._path.reset(state.q)
            for shadow, q in zip(self._shadows, state.q_shadows, strict=True):
                shadow.reset(q)
        self._measured, self._measured_ns, self._fault = state.q, t_ns, state.fault
        if state.fault or (state.spent_act and state.spent_act == self._act):
            self.interlock.spend(state.fault or state.outage)
        if state.mode is Mode.ENGAGED:
            self.downstream.reported(
                t_ns, state.q, command_age_s=1e-3 * state.command_age_ms, follows=not state.is_catching_up
            )
            if not (state.is_catching_up or self.is_approaching):
                self.worth.moved_to(t_ns, lambda: self._path.tool_pose(state.q))

    def step(self, now_ns: int, *, hears_arm: bool = True) -> JointCommand | None:
        """One tick; None until the arm has reported where it is. The command rests while hears_arm is False."""
        if self._measured is None:
            return None
        dt_s = self._tick_length.since_last(now_ns)
        seen = Seen(
            asked=self._asked,
            knows_arm=self.interlock.is_armed,
            is_stopped=bool(self._fault),
            hears=hears_arm and self._operator.is_calm(now_ns),
            is_fresh=self.interlock.allows(self._act),
            is_enabled=self.enabling.is_held(now_ns),
        )
        before, self.state = self.state, next_state(self.state, seen)
        self._meet_the_arm(before, now_ns)
        self.held_count += before is SafetyState.ENGAGED is not self.state
        engaged = self.state is SafetyState.ENGAGED
        out = self._engaged(now_ns, dt_s) if engaged else self._path.hold(dt_s)
        shadows = self._step_shadows(now_ns, dt_s, engaged=engaged)
        hold_ns = now_ns + int(1e9 * self.downstream.link_s)
        self.downstream.commanded(hold_ns, out.q)
        self.limited_count += out.is_limited
        self.held_back_by, self.is_approaching = out.reason, out.is_approaching
        return JointCommand(
            t_ns=hold_ns,
            q=out.q,
            qd=out.qd,
            q_shadows=np.stack([shadow.q for shadow in shadows]),
            qd_shadows=np.stack([shadow.qd for shadow in shadows]),
            pose_t_ns=self._pose_t_ns,
            mode=mode_of(self.state),
            is_approaching=out.is_approaching,
            act=self._act,
            enable_seq=self._enable_seq,
        )

    def _meet_the_arm(self, before: SafetyState, now_ns: int) -> None:
        """At rest, take the measured joints for the commanded ones: always where nothing is sent to the arm, on hold
        only when something else has moved it.

        While the arm still comes to rest, and while the news of it is still under way, what was measured is behind.
        """
        assert self._measured is not None
        if before is SafetyState.ENGAGED or not self._path.is_at_rest:
            self._rest_ns = now_ns
        is_settled = self._measured_ns - self._rest_ns > _SETTLED_NS + int(1e9 * self.downstream.total_s)
        if not (is_settled or self.state is SafetyState.FAULT):
            return
        apart = float(np.abs(self._path.q - self._measured).max())
        if apart > (_APART_RAD if before is SafetyState.HOLD else 0.0):
            self._path.restart(self._measured)

    def _engaged(self, now_ns: int, dt_s: float) -> PathOutput:
        """Follow; on the first tick start from the measured joints."""
        lag_s = self.downstream.total_s + self._cfg.policy_lag_s
        out = self._path.follow(now_ns, dt_s, downstream_s=lag_s, orientation_extra_s=self._cfg.orientation_lag_s)
        if out.bound is not None:
            self._pose_t_ns = out.bound.pose_t_ns
            self.horizon_s, self.horizon_orientation_s = out.bound.horizon_s, out.bound.horizon_orientation_s
            self._path.learn_from(self.worth, out.bound, now_ns, self.downstream.total_s)
        return out

    def _step_shadows(self, now_ns: int, dt_s: float, *, engaged: bool) -> list[PathOutput]:
        """What the arm would be told otherwise."""
        if not engaged:
            return [shadow.hold(dt_s) for shadow in self._shadows]
        return [shadow.follow(now_ns, dt_s, downstream_s=0.0) for shadow in self._shadows]
