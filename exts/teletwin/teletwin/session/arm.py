"""The arm's host: commands in, resampled and limited once more, set-points at the servo rate, state back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from teletwin.arm import Arm, MeasuredJoints
from teletwin.arm.resample import CommandResampler
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock, TickLength
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.link import Link, Received
from teletwin.messages import ArmState, InForce, JointCommand, Message, Note, Stop
from teletwin.robot.ur3e import JointLimits
from teletwin.safety import (
    HICCUP_MS,
    UNHEARD_MS,
    MotionLimits,
    SafetyState,
    Seen,
    SessionLimits,
    mode_of,
    next_state,
)
from teletwin.session.arm_commands import CommandIntake, CommandsCfg, Taken
from teletwin.session.log import clock_note
from teletwin.session.shadow_arm import ShadowArm
from teletwin.session.smoothness import smoothness_counts
from teletwin.session.trail import Audit, StateTrail, no_audit
from teletwin.smoothness import SetPointTrack
from teletwin.telemetry import TickStats
from teletwin.twin.limits import CommandLimiter

_STATE_NS = 8 * NS_PER_MS
_LATE_TICKS = 5.0
"""A tick that is later than this many periods moves the arm as a punctual one."""
_UNHEARD_NS = int(UNHEARD_MS * NS_PER_MS)
"""A controller whose last report is older is not heard of: the arm is held as when the twin is silent."""
_STANDS_RAD_S = 0.02
"""Joints that turn faster do not stand yet: nothing can start from where they are."""
_SERVOING = (SafetyState.ENGAGED, SafetyState.HOLD)
_ECHO_NS = 100 * NS_PER_MS
"""So long after a set-point its motion has been measured."""
_OFF_RAD = 0.03
"""Limits that shake a set-point by less leave the arm's lag to be seen [rad]."""
ARRIVED_RAD = 0.005
"""An approach ends when no joint is further than this from its command, or than _OFF_RAD when the twin's ends."""
_HICCUP_NS = int(HICCUP_MS * NS_PER_MS)
"""Longer between two ticks, and this host stood still: the controller has brought the arm to rest meanwhile."""
_LAG_NS = 60 * NS_PER_MS
"""So long after the last set-point of a stop the arm has come to rest behind its servo."""
EXIT_S = 0.4
"""Longest time for which the role brakes on its way out [s]."""


class ArmLoop:
    """One servo tick: receive, resample, limit, set-point. Shadows, state and log come after it."""

    def __init__(
        self,
        *,
        clock: Clock,
        link: Link,
        arm: Arm,
        resampler: CommandResampler,
        limiter: CommandLimiter,
        shadows: Sequence[ShadowArm],
        ticks: TickStats,
        commands: CommandsCfg,
        period_s: float = 0.002,
        limits: MotionLimits | None = None,
        in_force: Callable[[MotionLimits], InForce] | None = None,
        audit: Audit = no_audit,
        on_message: Callable[[str, Message, int, int], None] | None = None,
    ) -> None:
        self._clock, self._link, self._arm = clock, link, arm
        self._resampler, self._limiter, self._shadows, self.ticks = resampler, limiter, tuple(shadows), ticks
        self._period_ns = int(1e9 * period_s)
        self.commands = CommandIntake(commands, offset_ns=lambda: link.offset_ns("twin"), tick_ns=self._period_ns)
        self._in_force, self._trail = in_force, StateTrail(audit)
        self._told_limits: MotionLimits | None = None
        self._tick_length = TickLength(usual_s=period_s, most_s=_LATE_TICKS * period_s)
        self.limits = SessionLimits(limits or MotionLimits())
        self._obey(self.limits.now)
        self._on_message = on_message
        self._last_ns = self._state_ns = 0
        self._judged: dict[str, float] = {}
        self._judged_ns = 0
        joints = JointLimits()
        self.set_points = SetPointTrack(acceleration=joints.acceleration, speed=joints.velocity)
        self._sent: Array | None = None
        self._fresh: list[Taken] = []
        self._servoing = False
        self._rests_since_ns: int | None = None
        self._off_ns = -_ECHO_NS
        self._measured: MeasuredJoints | None = None
        self._hears_arm = True
        self.state = SafetyState.OFF
        self.held_count = self.limited_count = self.hiccup_count = 0
        self.held_by = self.approach_reason = ""
        """Why the last give-up and the last approach were, in words."""
        self.held_back_by = ""
        """What limits the set-points most in this tick; empty when nothing does."""
        self._approaches = self._approaches_with_twin = False
        self.on_note: Callable[[Note], None] | None = None

    def tick(self, now_ns: int, late_ns: int = 0) -> None:
        """Do one servo tick, then what may wait."""
        due_ns = now_ns - late_ns % self._period_ns  # set-points are even, however late a tick within its period
        dt_s = self._tick_length.since_last(due_ns)
        self._notice_hiccup(now_ns)
        self._last_ns = now_ns
        self.commands.pass_time(now_ns)
        received = self._link.receive()
        for item in received:
            self._take(item, now_ns)
        measured = self._measured or self._meet()
        self._decide(measured, now_ns)
        self._move(measured, due_ns, dt_s)
        self.ticks.add(start_ns=now_ns, late_ns=late_ns, work_ns=self._clock.now_ns() - now_ns)
        self._measured = self._arm.state()  # for the next tick: the set-point need not wait for it
        self._hears_arm = self._measured.t_ns > now_ns - _UNHEARD_NS
        self._after(received, self._measured, now_ns, due_ns, dt_s)

    @property
    def is_approaching(self) -> bool:
        """Whether the arm goes over, slowly, to commands that have not led it to where it is."""
        return self._approaches

    def bring_to_rest(self) -> None:
        """Brake within the limits and stop servoing, EXIT_S at most: the role's last act, whatever ends it."""
        clock, end_ns = self._clock, self._clock.now_ns() + int(EXIT_S * NS_PER_S)
        while self._servoing and clock.now_ns() < end_ns:
            clock.sleep_until(clock.now_ns() + self._period_ns)
            self._rest(self._arm.state(), clock.now_ns(), self._period_ns / NS_PER_S)

    def _notice_hiccup(self, now_ns: int) -> None:
        """A tick that comes late by more than a gap that the controller bridges: nothing is followed for now."""
        if self._servoing and now_ns - self._last_ns > _HICCUP_NS:
            self._give_up("this host stood still")

    def _give_up(self, reason: str) -> None:
        """Send nothing until the arm stands; then start from where it is measured."""
        self._servoing, self._rests_since_ns = False, None
        self.hiccup_count += 1
        self.held_by = reason

    def _begin_approach(self, reason: str) -> None:
        """The arm goes over, slowly, to commands that have not led it to where it is."""
        self.approach_reason = reason
        self._set_approach(True)

    def _set_approach(self, approaches: bool) -> None:
        self._approaches, self._approaches_with_twin = approaches, False
        self._limiter.set_approach(approaches)

    def _look_for_arrival(self, off_rad: float) -> None:
        """End the approach at the commands; not before that of the twin, and with it when the twin approaches too."""
        command = self.commands.newest
        if command is None or command.is_approaching:
            self._approaches_with_twin = True
        elif off_rad < (_OFF_RAD if self._approaches_with_twin else ARRIVED_RAD):
            self._set_approach(False)

    def _take(self, item: Received, now_ns: int) -> None:
        """A Stop, a note, or a command to follow."""
        message = item.message
        if isinstance(message, Stop):
            self.commands.stop(message)
        elif isinstance(message, Note):
            self._heed(message)
        elif isinstance(message, JointCommand):
            taken = self.commands.take(item, now_ns, is_servoing=self._servoing)
            if taken is not None:
                self._push(taken)

    def _push(self, taken: Taken) -> None:
        """Resample a command; the shadows' comes after the tick."""
        command = taken.command
        if command.is_approaching and not self._approaches:
            self._set_approach(True)
        if taken.begins:
            self._resampler.forget()
        self._resampler.push(taken.hold_ns, command.q, command.qd, now_ns=taken.arrived_ns)
        self._fresh.append(taken)

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
        for each in (self._limiter, *self._shadows):
            each.limit_to(limits)

    def _meet(self) -> MeasuredJoints:
        """Where the arm is found; the shadows' arms start there too."""
        measured = self._arm.state()
        for shadow in self._shadows:
            shadow.meet(measured.q)
        return measured

    def _decide(self, measured: MeasuredJoints, now_ns: int) -> None:
        """Walk the safety table on what this host knows."""
        commands, before = self.commands, self.state
        interlock, hears = commands.interlock, commands.hears_twin(now_ns) and self._hears_arm
        follows = self._servoing and before in _SERVOING
        knows_arm = follows or (not self._servoing and self._stands(measured))
        if measured.fault:
            interlock.spend(measured.fault)
        seen = Seen(
            asked=commands.asked,
            knows_arm=knows_arm and interlock.is_armed,
            is_stopped=bool(measured.fault),
            hears=hears,
            is_fresh=interlock.allows(commands.act),
            is_enabled=commands.enabling.is_held(now_ns),
        )
        self.state = next_state(before, seen)
        self._trail.note(self.state, act=commands.act, why=interlock.outage)
        self.held_count += before is SafetyState.ENGAGED is not self.state and not hears
        if before is SafetyState.HOLD and self.state is SafetyState.ENGAGED:
            self._begin_approach("follows again after a hold")

    def _stands(self, measured: MeasuredJoints) -> bool:
        """Whether the arm is at rest and takes set-points."""
        return not self._arm.busy and max(map(abs, measured.qd.tolist())) <= _STANDS_RAD_S

    def _move(self, measured: MeasuredJoints, now_ns: int, dt_s: float) -> None:
        """Send the set-point of this tick; start and restart from the measured joints."""
        self._sent = None
        if self.state not in _SERVOING:
            self._rest(measured, now_ns, dt_s)
            return
        if not self._hears_arm:  # nothing is sent blindly, and what follows starts from where it is found then
            if self._servoing:
                self._give_up("the controller's reports stayed away")
            return
        if self._servoing and self._arm.busy:
            self._give_up("the controller missed set-points")
        if not self._servoing:
            if not self._stands(measured):
                return
            self._limiter.reset(measured.q)
            self._resampler.reset(measured.q)
            for shadow in self._shadows:
                shadow.engage()
            self._servoing = True
            self._begin_approach(self.held_by or "engaged")
            self.held_by = ""
        if self.state is SafetyState.ENGAGED:
            wanted = self._resampler.sample(now_ns)
            out = self._limiter.limit(wanted.q, dt_s, qd_desired=wanted.qd)
            self.limited_count += bool(out.flags)
            off_rad = max(map(abs, (out.q - wanted.q).tolist())) if out.flags else 0.0
            is_off = off_rad > _OFF_RAD or self._resampler.is_blending(now_ns)
            if self._approaches and not is_off and not wanted.held:
                self._look_for_arrival(off_rad)
        else:
            out, is_off = self._limiter.hold(dt_s), True
            self._resampler.rest_at(out.q)
        self.held_back_by = out.reason
        self._off_ns = now_ns if is_off else self._off_ns
        self._sent = out.q if self.state is SafetyState.ENGAGED else None
        self._arm.servo(out.q)

    def _rest(self, measured: MeasuredJoints, now_ns: int, dt_s: float) -> None:
        """Brake within the limits, then stop sending; the next start is from what is measured then."""
        if self._servoing and (measured.fault or not self._hears_arm or self._arm.busy):
            self._servoing, self._rests_since_ns = False, None  # the controller has stopped, or nothing reaches it
        if self._servoing:
            self._brake(now_ns, dt_s)
        else:
            self._limiter.reset(measured.q)

    def _brake(self, now_ns: int, dt_s: float) -> None:
        """Set-points of the stop, and for the servo's lag after it; servoing ends at rest."""
        out = self._limiter.hold(dt_s)
        self._arm.servo(out.q)
        self._off_ns = now_ns
        if not self._limiter.is_at_rest:
            self._rests_since_ns = None
        elif self._rests_since_ns is None:
            self._rests_since_ns = now_ns
        elif now_ns - self._rests_since_ns > _LAG_NS:
            self._servoing, self._rests_since_ns = False, None
            self._arm.stop()

    def _after(self, received: list[Received], measured: MeasuredJoints, now_ns: int, due_ns: int, dt_s: float) -> None:
        """Off the control path: the shadows' arms, state to the twin, the log."""
        if self._sent is None:
            self.set_points.pause()
        else:
            self.set_points.add(self._sent, dt_s)
        self._step_shadows(due_ns, dt_s)
        if now_ns - self._state_ns >= _STATE_NS:
            self._state_ns = now_ns
            if now_ns - self._judged_ns >= NS_PER_S:
                self._judged_ns, self._judged = now_ns, self.ticks.judge()
                self._told_limits = None
                self._tell("twin", Note(kind="counts", values=self._counts()), now_ns)
                self._log(clock_note(self._link, ("twin",)), now_ns)
            self._tell("twin", self._state(measured), now_ns)
            self._tell_in_force(now_ns)
        if self._on_message is not None:
            for item in received:
                self._on_message(f"arm/from_{item.peer}", item.message, item.t_arrived_ns, item.t_sent_ns)

    def _tell_in_force(self, now_ns: int) -> None:
        """What this host keeps: once a second, and at once when it changes."""
        if self._in_force is not None and self._told_limits != self.limits.now:
            self._told_limits = self.limits.now
            self._tell("twin", self._in_force(self.limits.now), now_ns)

    def _tell(self, peer: str, message: Message, now_ns: int) -> None:
        self._link.send(peer, message)
        self._log(message, now_ns)

    def _log(self, message: Message, now_ns: int) -> None:
        if self._on_message is not None:
            self._on_message("arm", message, now_ns, now_ns)

    def _step_shadows(self, now_ns: int, dt_s: float) -> None:
        """Advance the arms beside the real one."""
        for number, shadow in enumerate(self._shadows):
            for taken in self._fresh:
                shadow.push(taken, taken.command.q_shadows[number], taken.command.qd_shadows[number])
            if self.state is SafetyState.ENGAGED:
                shadow.follow(now_ns, dt_s)
            elif self._servoing:
                shadow.brake(dt_s)
            shadow.arm.advance(now_ns)
        self._fresh.clear()

    def _counts(self) -> dict[str, object]:
        """What this host refused or missed; only what happened."""
        own = {
            "invalid_commands": self.commands.invalid_count,
            "old_commands": self._resampler.stale_count,
            "aged_commands": self.commands.aged_count,
            "refused_set_points": self._arm.refused_count,
            "refused_limits": self.limits.refused_count,
        }
        counts = self._link.counters() | own | smoothness_counts(self.set_points)
        return {name: count for name, count in counts.items() if count}

    def _state(self, measured: MeasuredJoints) -> ArmState:
        """What the twin and the operator are told."""
        commands, ticks = self.commands, self.ticks
        command = commands.newest
        return ArmState(
            t_ns=measured.t_ns,
            q=measured.q,
            qd=measured.qd,
            q_shadows=np.stack([shadow.q for shadow in self._shadows]),
            pose_t_ns=command.pose_t_ns if command is not None else 0,
            mode=mode_of(self.state),
            fault=measured.fault,
            command_age_ms=commands.age_ms if command is not None else -1.0,
            held_count=self.held_count,
            limited_count=self.limited_count,
            hiccup_count=self.hiccup_count,
            stall_count=commands.stall_count,
            held_back_by=self.held_back_by if self.state is SafetyState.ENGAGED else "",
            spent_act=commands.interlock.spent_act,
            outage=commands.interlock.outage,
            is_armed=commands.interlock.is_armed,
            stopped_act=commands.stopped_act,
            is_enabled=commands.enabling.is_held(self._last_ns),
            is_catching_up=self._last_ns - self._off_ns < _ECHO_NS,
            overrun_count=ticks.overrun_count,
            tick_count=ticks.tick_count,
            tick_us=ticks.work_smoothed_us,
            **self._judged,
        )
