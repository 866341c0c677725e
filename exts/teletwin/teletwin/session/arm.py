"""The arm's host: commands in, resampled and limited once more, set-points at the servo rate, state back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from teletwin.arm import Arm, MeasuredJoints
from teletwin.arm.resample import CommandResampler
from teletwin.arm.simulated import SimulatedArm
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock, TickLength
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.link import Link, Received
from teletwin.messages import ArmState, JointCommand, Message, Mode, Note
from teletwin.robot.ur3e import JointLimits
from teletwin.safety import MotionLimits, SafetyState, Seen, SessionLimits, Watchdog, mode_of, next_state
from teletwin.session.log import clock_note
from teletwin.session.smoothness import smoothness_counts
from teletwin.smoothness import SetPointTrack
from teletwin.telemetry import TickStats
from teletwin.twin.limits import CommandLimiter

_STATE_NS = 8 * NS_PER_MS
_LATE_TICKS = 5.0
"""A tick that is later than this many periods moves the arm as a punctual one."""
_UNHEARD_NS = 100 * NS_PER_MS
"""A controller whose last report is older is not heard of: the arm is held as when the twin is silent."""
_STANDS_RAD_S = 0.02
"""Joints that turn faster do not stand yet: nothing can start from where they are."""
_SERVOING = (SafetyState.ENGAGED, SafetyState.HOLD)
_ECHO_NS = 100 * NS_PER_MS
"""So long after a set-point its motion has been measured."""
_OFF_RAD = 0.03
"""Limits that shake a set-point by less leave the arm's lag to be seen [rad]."""
_APART_NS = 2 * NS_PER_S
"""A command for a time this far off is refused: one of the far future would make all later ones look old."""


@dataclass(slots=True, kw_only=True)
class ShadowArm:
    """The no-prediction shadow's own arm: the same resampling, limits and servo law, in this process."""

    arm: SimulatedArm
    resampler: CommandResampler
    limiter: CommandLimiter


class ArmLoop:
    """One servo tick: receive, resample, limit, set-point. Shadow, state and log come after it."""

    def __init__(
        self,
        *,
        clock: Clock,
        link: Link,
        arm: Arm,
        resampler: CommandResampler,
        limiter: CommandLimiter,
        shadow: ShadowArm,
        ticks: TickStats,
        silence_s: float,
        period_s: float = 0.002,
        limits: MotionLimits | None = None,
        on_message: Callable[[str, Message, int, int], None] | None = None,
    ) -> None:
        self._clock, self._link, self._arm = clock, link, arm
        self._resampler, self._limiter, self._shadow, self.ticks = resampler, limiter, shadow, ticks
        self._twin_heard = Watchdog(int(1e9 * silence_s), tick_ns=int(1e9 * period_s))
        self._tick_length = TickLength(usual_s=period_s, most_s=_LATE_TICKS * period_s)
        self.limits = SessionLimits(limits or MotionLimits())
        self._obey(self.limits.now)
        self._on_message = on_message
        self._command: JointCommand | None = None
        self._last_ns = self._state_ns = 0
        self._judged: dict[str, float] = {}
        self._judged_ns = 0
        joints = JointLimits()
        self._most_rad = float(joints.upper.max())
        self.set_points = SetPointTrack(acceleration=joints.acceleration, speed=joints.velocity)
        self._sent: Array | None = None
        self._fresh: list[tuple[int, int, JointCommand, bool]] = []
        self._age_ms = 0.0
        self._servoing = False
        self._off_ns = -_ECHO_NS
        self._measured: MeasuredJoints | None = None
        self._hears_arm = True
        self.state = SafetyState.OFF
        self.held_count = self.limited_count = self.invalid_count = 0
        self.on_note: Callable[[Note], None] | None = None

    def tick(self, now_ns: int, late_ns: int = 0) -> None:
        """Do one servo tick, then what may wait."""
        dt_s = self._tick_length.since_last(now_ns)
        self._last_ns = now_ns
        received = self._link.receive()
        for item in received:
            self._take(item, now_ns)
        measured = self._measured or self._meet()
        self._decide(measured, now_ns)
        self._move(measured, now_ns, dt_s)
        self.ticks.add(start_ns=now_ns, late_ns=late_ns, work_ns=self._clock.now_ns() - now_ns)
        self._measured = self._arm.state()  # for the next tick: the set-point need not wait for it
        self._hears_arm = self._measured.t_ns > now_ns - _UNHEARD_NS
        self._after(received, self._measured, now_ns, dt_s)

    def _take(self, item: Received, now_ns: int) -> None:
        """One command; its hold time moves to this clock."""
        command = item.message
        if isinstance(command, Note):
            self._heed(command)
        if not isinstance(command, JointCommand):
            return
        hold_ns = command.t_ns - self._link.offset_ns("twin")
        if not self._is_usable(command) or abs(hold_ns - now_ns) > _APART_NS:
            self.invalid_count += 1
            return
        # What a twin on hold commands is where it stands itself, not where the arm came to rest.
        begins = command.mode is Mode.ENGAGED and self._command is not None and self._command.mode is not Mode.ENGAGED
        self._command = command
        self._twin_heard.hear(now_ns)
        self._age_ms = (item.t_arrived_ns - item.t_sent_ns) / NS_PER_MS
        if begins:
            self._resampler.forget()
        self._resampler.push(hold_ns, command.q, command.qd, now_ns=item.t_arrived_ns)
        self._fresh.append((hold_ns, item.t_arrived_ns, command, begins))

    def _heed(self, note: Note) -> None:
        """Other limits of motion, as far as this host allows; the rest is the host's."""
        if note.kind == "limits":
            try:
                self._obey(self.limits.ask(note.values, state=self.state))
            except ConfigError as error:  # counted there
                logging.getLogger(__name__).warning("limits of motion stay as they are: %s", error)
        elif self.on_note is not None:
            self.on_note(note)

    def _obey(self, limits: MotionLimits) -> None:
        for limiter in (self._limiter, self._shadow.limiter):
            limiter.limit_to(limits)

    def _meet(self) -> MeasuredJoints:
        """Where the arm is found; the shadow's arm starts there too."""
        measured = self._arm.state()
        self._shadow.arm.reset(measured.q)
        self._shadow.limiter.reset(measured.q)
        return measured

    def _is_usable(self, command: JointCommand) -> bool:
        """Joints within reach; the codec has refused what is not finite, and the limiter has the last word."""
        # Plain floats: a third of numpy's time on twelve numbers.
        joints = command.q.tolist() + command.q_shadow.tolist()
        return max(map(abs, joints)) <= self._most_rad

    def _decide(self, measured: MeasuredJoints, now_ns: int) -> None:
        """Walk the safety table on what this host knows."""
        command, before = self._command, self.state
        asked = Mode.OFF if command is None else command.mode
        hears = self._twin_heard.is_calm(now_ns) and self._hears_arm
        stands = self._servoing or not (self._arm.busy or max(map(abs, measured.qd.tolist())) > _STANDS_RAD_S)
        self.state = next_state(before, Seen(asked, stands, bool(measured.fault), hears))
        self.held_count += before is SafetyState.ENGAGED is not self.state and not hears

    def _move(self, measured: MeasuredJoints, now_ns: int, dt_s: float) -> None:
        """Send the set-point of this tick; start and restart from the measured joints."""
        self._sent = None
        if self.state not in _SERVOING:
            self._rest(measured)
            return
        if not self._hears_arm:  # nothing is sent blindly, and what follows starts from where it is found then
            self._servoing = False
            return
        if not self._servoing:
            self._limiter.reset(measured.q)
            self._resampler.reset(measured.q)
            self._shadow.resampler.reset(self._shadow.arm.state().q)
            self._servoing = True
        if self.state is SafetyState.ENGAGED:
            wanted = self._resampler.sample(now_ns)
            out = self._limiter.limit(wanted.q, dt_s, qd_desired=wanted.qd)
            self.limited_count += bool(out.flags)
            is_off = bool(out.flags) and max(map(abs, (out.q - wanted.q).tolist())) > _OFF_RAD
            is_off = is_off or self._resampler.is_blending(now_ns)
        else:
            out, is_off = self._limiter.hold(dt_s), True
            self._resampler.rest_at(out.q)
        self._off_ns = now_ns if is_off else self._off_ns
        self._sent = out.q if self.state is SafetyState.ENGAGED else None
        self._arm.servo(out.q)

    def _rest(self, measured: MeasuredJoints) -> None:
        """Stop sending; the next start is from what is measured then."""
        if self._servoing:
            self._servoing = False
            if not measured.fault:
                self._arm.stop()
        self._limiter.reset(measured.q)

    def _after(self, received: list[Received], measured: MeasuredJoints, now_ns: int, dt_s: float) -> None:
        """Off the control path: the shadow's arm, state to the twin, the log."""
        if self._sent is None:
            self.set_points.pause()
        else:
            self.set_points.add(self._sent, dt_s)
        self._step_shadow(now_ns, dt_s)
        if now_ns - self._state_ns >= _STATE_NS:
            self._state_ns = now_ns
            if now_ns - self._judged_ns >= NS_PER_S:
                self._judged_ns, self._judged = now_ns, self.ticks.judge()
                self._tell("twin", Note(kind="counts", values=self._counts()), now_ns)
                self._log(clock_note(self._link, ("twin",)), now_ns)
            self._tell("twin", self._state(measured), now_ns)
        if self._on_message is not None:
            for item in received:
                self._on_message(f"arm/from_{item.peer}", item.message, item.t_arrived_ns, item.t_sent_ns)

    def _tell(self, peer: str, message: Message, now_ns: int) -> None:
        self._link.send(peer, message)
        self._log(message, now_ns)

    def _log(self, message: Message, now_ns: int) -> None:
        if self._on_message is not None:
            self._on_message("arm", message, now_ns, now_ns)

    def _step_shadow(self, now_ns: int, dt_s: float) -> None:
        """Advance the no-prediction shadow."""
        shadow = self._shadow
        for hold_ns, arrived_ns, command, begins in self._fresh:
            if begins:
                shadow.resampler.forget()
            shadow.resampler.push(hold_ns, command.q_shadow, command.qd_shadow, now_ns=arrived_ns)
        self._fresh.clear()
        if self.state is SafetyState.ENGAGED:
            wanted = shadow.resampler.sample(now_ns)
            shadow.arm.servo(shadow.limiter.limit(wanted.q, dt_s, qd_desired=wanted.qd).q)
        elif self._servoing:
            rest_q = shadow.limiter.hold(dt_s).q
            shadow.resampler.rest_at(rest_q)
            shadow.arm.servo(rest_q)
        shadow.arm.advance(now_ns)

    def _counts(self) -> dict[str, object]:
        """What this host refused or missed; only what happened."""
        own = {
            "invalid_commands": self.invalid_count,
            "old_commands": self._resampler.stale_count,
            "refused_set_points": self._arm.refused_count,
            "refused_limits": self.limits.refused_count,
        }
        counts = self._link.counters() | own | smoothness_counts(self.set_points)
        return {name: count for name, count in counts.items() if count}

    def _state(self, measured: MeasuredJoints) -> ArmState:
        """What the twin and the operator are told."""
        command, ticks = self._command, self.ticks
        return ArmState(
            t_ns=measured.t_ns,
            q=measured.q,
            qd=measured.qd,
            q_shadow=self._shadow.arm.state().q,
            pose_t_ns=command.pose_t_ns if command is not None else 0,
            mode=mode_of(self.state),
            fault=measured.fault,
            command_age_ms=self._age_ms if command is not None else -1.0,
            held_count=self.held_count,
            limited_count=self.limited_count,
            is_catching_up=self._last_ns - self._off_ns < _ECHO_NS,
            overrun_count=ticks.overrun_count,
            tick_count=ticks.tick_count,
            tick_us=ticks.work_smoothed_us,
            **self._judged,
        )
