"""The twin host's control process: packets in, joint commands out, status back, copies to the renderer."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.link import Link, Received
from teletwin.messages import ArmState, ForecastPacket, InForce, JointCommand, Message, Note, Stop, TwinStatus
from teletwin.safety import MotionLimits, SafetyState, Watchdog
from teletwin.session.allocation.update_rate import UpdateRate
from teletwin.session.log import clock_note
from teletwin.session.trail import Audit, StateTrail, no_audit
from teletwin.telemetry import TickStats
from teletwin.twin.control import ControlFunction


class TwinLoop:
    """One tick: receive, control function, send. The renderer gets copies and is never waited for."""

    def __init__(
        self,
        *,
        clock: Clock,
        link: Link,
        control: ControlFunction,
        ticks: TickStats,
        forward: Callable[[Received], None] | None = None,
        counters: Callable[[], dict[str, int]] | None = None,
        in_force: Callable[[MotionLimits], InForce] | None = None,
        audit: Audit = no_audit,
        on_message: Callable[[str, Message, int, int], None] | None = None,
    ) -> None:
        self._clock, self._link, self._control, self.ticks = clock, link, control, ticks
        self._forward, self._counters, self._on_message = forward, counters, on_message
        self._uplink_age_ms = 0.0
        self._arm: ArmState | None = None
        self._arm_heard = Watchdog(int(1e9 * control.silence_s), tick_ns=int(1e9 * control.period_s))
        self._arm_counts: dict[str, int] = {}
        self._q_command: Array = np.zeros(6)
        self._status_ns = 0
        self._in_force, self._trail = in_force, StateTrail(audit)
        self._told_limits: MotionLimits | None = None
        self._told_ns = 0
        self._arm_in_force: InForce | None = None
        self._rate = UpdateRate()
        self._judged: dict[str, float] = {}
        self._judged_ns = 0

    @property
    def state(self) -> SafetyState:
        """What this host lets the arm do."""
        return self._control.state

    @property
    def is_approaching(self) -> bool:
        """Whether the arm is on its way to the hand, slowly."""
        return self._control.is_approaching

    def tick(self, now_ns: int, late_ns: int = 0) -> None:
        """Do one control tick, then what may wait."""
        self._control.pass_time(now_ns, arm_silence_ns=self._arm_heard.pass_time(now_ns))
        received = self._link.receive()
        times_ns = [self._take(item, now_ns) for item in received]
        command = self._control.step(now_ns, hears_arm=self._arm_heard.is_calm(now_ns))
        if command is not None:
            self._trail.note(self._control.state, act=command.act, why=self._control.interlock.outage)
            self._link.send("arm", command)
            self._q_command = command.q
        self.ticks.add(start_ns=now_ns, late_ns=late_ns, work_ns=self._clock.now_ns() - now_ns)
        self._after(received, times_ns, command, now_ns)

    def _take(self, item: Received, now_ns: int) -> int:
        """One message to the control function; return when what it describes holds, this clock [ns]."""
        message = item.message
        if isinstance(message, ForecastPacket):
            pose_t_ns = message.t_ns - self._link.offset_ns("operator")
            if self._control.accept(message, pose_t_ns=pose_t_ns, now_ns=now_ns):
                self._uplink_age_ms = (item.t_arrived_ns - pose_t_ns) / NS_PER_MS
            return pose_t_ns
        if isinstance(message, ArmState):
            t_ns = message.t_ns - self._link.offset_ns("arm")
            self._control.accept_state(message, t_ns=t_ns)
            self._arm_heard.hear(now_ns)
            self._arm = dataclasses.replace(message, t_ns=t_ns)
            return t_ns
        if isinstance(message, Stop) and item.peer == "operator":
            self._control.stop()
            self._link.send_reliable("arm", message)
        elif isinstance(message, InForce) and item.peer == "arm":
            self._control.enabling.is_needed |= message.needs_enabling
            if message != self._arm_in_force:
                self._told_limits = None  # told on at once
            self._arm_in_force = message
        elif isinstance(message, Note):
            self._heed(message, item.peer, now_ns)
        return item.t_sent_ns

    def _heed(self, note: Note, peer: str, now_ns: int) -> None:
        """What the arm has counted, the limits that the operator asks for, and how often it may be told."""
        if note.kind == "counts" and peer == "arm":
            self._arm_counts = {f"arm_{n}": v for n, v in note.values.items() if isinstance(v, int)}
        elif note.kind == "rates" and peer == "renderer":
            self._rate.ask(note.values, now_ns)
        elif note.kind == "limits" and peer == "operator":
            try:
                self._control.ask_limits(note.values)
            except ConfigError as error:  # counted there
                logging.getLogger(__name__).warning("limits of motion stay as they are: %s", error)

    def _after(self, received: list[Received], times_ns: list[int], command: JointCommand | None, now_ns: int) -> None:
        """Off the control path: copies to the renderer, status to the operator, the log."""
        if self._forward is not None:
            for item in received:
                self._forward(item)
        if self._on_message is not None:
            for item, t_ns in zip(received, times_ns, strict=True):
                self._on_message(f"twin/from_{item.peer}", item.message, item.t_arrived_ns, t_ns)
            if command is not None:
                self._on_message("twin", command, now_ns, now_ns)
        if self._arm is not None and now_ns - self._status_ns >= self._rate.period_ns(now_ns):
            self._status_ns = now_ns
            self._judge(now_ns)
            status = self._status(now_ns, self._arm)
            self._link.send("operator", status)
            if self._on_message is not None:
                self._on_message("twin/to_operator", status, now_ns, now_ns)
        self._tell_in_force(now_ns, self._control.limits.now)

    def _tell_in_force(self, now_ns: int, limits: MotionLimits) -> None:
        """What this host and the arm's keep: once a second, and at once when it changes."""
        if self._in_force is None or (self._told_limits == limits and now_ns - self._told_ns < NS_PER_S):
            return
        self._told_limits, self._told_ns = limits, now_ns
        self._link.send("operator", self._in_force(limits))
        if self._arm_in_force is not None:
            self._link.send("operator", self._arm_in_force)

    def _judge(self, now_ns: int) -> None:
        """Percentiles once a second: they cost more than a tick."""
        if now_ns - self._judged_ns >= NS_PER_S:
            self._judged_ns = now_ns
            self._judged = self.ticks.judge()
            if self._on_message is not None:
                self._on_message("twin", clock_note(self._link, ("operator", "arm")), now_ns, now_ns)

    def _link_counts(self) -> dict[str, int]:
        """What the link has counted, without its noughts: a status must fit one datagram."""
        counts = self._counters() if self._counters is not None else {}
        return {name: count for name, count in counts.items() if count}

    def _status(self, now_ns: int, arm: ArmState) -> TwinStatus:
        """What the operator is told."""
        control, ticks = self._control, self.ticks
        own = {
            "unusable": control.invalid_count,
            "held": control.held_count,
            "limited": control.limited_count,
            "refused_limits": control.limits.refused_count,
        }
        if self._rate.refused_count:
            own["refused_rates"] = self._rate.refused_count
        return TwinStatus(
            t_ns=now_ns,
            arm=arm,
            q_command=self._q_command,
            uplink_age_ms=self._uplink_age_ms,
            horizon_used_s=control.horizon_s,
            horizon_orientation_used_s=control.horizon_orientation_s,
            downstream_s=control.downstream.total_s,
            held_back_by=control.held_back_by,
            is_approaching=control.is_approaching,
            spent_act=control.interlock.spent_act,
            outage=control.interlock.outage,
            is_armed=control.interlock.is_armed,
            counters=own | self._arm_counts | self._link_counts(),
            tick_us=ticks.work_smoothed_us,
            overrun_count=ticks.overrun_count,
            tick_count=ticks.tick_count,
            **self._judged,
        )
