"""The operator's side of the loop: hand, queue, forecast, horizons, packet; pictures and status come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, Forecaster
from teletwin.geometry import Array
from teletwin.hand import HandSource
from teletwin.horizon import HorizonPolicy, LoopObservation
from teletwin.link import Link, Received
from teletwin.messages import (
    CURVE_KNOTS,
    ForecastPacket,
    Frame,
    Horizons,
    InForce,
    Message,
    Mode,
    Note,
    PoseSample,
    Stop,
    TwinStatus,
)
from teletwin.safety import FORGOTTEN_MS, RESTART_AFTER_MS, SafetyState, Seen, next_state
from teletwin.session.acks import FrameAcks
from teletwin.session.display import FrameGate
from teletwin.session.evidence import ArmEvidence
from teletwin.session.forecasting import predicted_error_m
from teletwin.session.hand_window import HandWindow
from teletwin.session.in_force import InForceBook
from teletwin.session.intent import DriverIntent
from teletwin.session.log import clock_note
from teletwin.session.metrics import SessionMetrics
from teletwin.session.trail import StateTrail

_WINDOW_STEP_NS = int(WINDOW_STEP_S * NS_PER_S)
_KEY_RETRY_NS = 200 * NS_PER_MS
_WARNINGS = 5
_WARNED_NS = 10 * NS_PER_S
"""A warning that nobody has repeated for so long is over."""


@dataclass(slots=True, kw_only=True)
class OperatorState:
    """What the operator's side knows of the rest, newest first-hand or by report."""

    intent: DriverIntent = field(default_factory=DriverIntent)
    """What the person who drives asks for."""
    evidence: ArmEvidence = field(default_factory=ArmEvidence)
    """What the arm has said of itself."""
    in_force: InForceBook | None = None
    """What twin and arm say that they keep."""
    safety: SafetyState = SafetyState.OFF
    """What this host lets the arm do."""
    horizons: Horizons = field(default_factory=Horizons)
    slot: int = 0
    invalid_count: int = 0
    allocation: dict[str, object] = field(default_factory=dict)
    """Newest numbers of what divides link and compute, `LiveAllocation.row`."""
    allocation_ns: int = 0
    now_ns: Callable[[], int] = lambda: 0
    """The clock by which warnings pass; without one they stay."""
    _told: tuple[tuple[str, int], ...] = ()
    """Warnings and when each was told last; replaced as a whole, as threads beside the loop warn too."""

    @property
    def mode(self) -> Mode:
        """What the person asks for."""
        return self.intent.mode

    @property
    def status(self) -> TwinStatus | None:
        """The twin's newest status."""
        return self.evidence.status

    def shown(self) -> SafetyState | None:
        """What the arm does, by its own fresh words; None when there are none."""
        return self.evidence.shown(self.now_ns(), self.safety)

    def may_be_engaged(self) -> bool:
        """Whether the arm follows, by its own words or by what is asked of it."""
        return self.intent.mode is Mode.ENGAGED or self.shown() is SafetyState.ENGAGED

    @property
    def warnings(self) -> tuple[str, ...]:
        """For the page, which shows the first: the newest stands there."""
        since_ns = self.now_ns() - _WARNED_NS
        return tuple(text for text, told_ns in self._told if told_ns > since_ns)

    def warn(self, text: str) -> None:
        """Put a warning before the others; none stands twice."""
        self._told = ((text, self.now_ns()), *(told for told in self._told if told[0] != text))[:_WARNINGS]


class OperatorLoop:
    """One slot: sample the hand, forecast, choose horizons, send. Between slots: take what arrives."""

    def __init__(
        self,
        *,
        clock: Clock,
        link: Link,
        hand: HandSource,
        policy: HorizonPolicy,
        forecaster: Forecaster,
        metrics: SessionMetrics,
        on_frame: Callable[[Frame], None],
        on_message: Callable[[str, Message | PoseSample, int, int], None] | None = None,
        intent: DriverIntent | None = None,
        in_force: InForceBook | None = None,
        restart_after_ms: float = RESTART_AFTER_MS,
    ) -> None:
        self._clock, self._link, self._hand = clock, link, hand
        self.policy, self.forecaster, self.metrics = policy, forecaster, metrics
        self._on_frame, self._on_message = on_frame, on_message
        self.state = OperatorState(now_ns=clock.now_ns, intent=intent or DriverIntent(), in_force=in_force)
        self._trail = StateTrail(self.state.intent.audit)
        self._restart_after_ns = int(restart_after_ms * NS_PER_MS)
        self._history = PoseHistory(capacity=2048)
        self._window = HandWindow(self._history)
        self._gate, self._acks = FrameGate(), FrameAcks()
        self._key_asked_ns = 0
        self._curve = np.zeros((CURVE_KNOTS, 7))
        self._input_seq = 0
        self._following_ns = self._clocks_ns = 0

    @property
    def gate(self) -> FrameGate:
        """The gate of the pictures, with its counts."""
        return self._gate

    @property
    def newest_pose(self) -> Array | None:
        """The newest hand pose (7,); None before the first."""
        return self._history.newest_pose if len(self._history) else None

    def slot(self, now_ns: int) -> None:
        """Sample, forecast, decide and send one packet."""
        self._guard(now_ns)
        if self._on_message is not None and now_ns - self._clocks_ns >= NS_PER_S:
            self._clocks_ns = now_ns
            self._log("operator", clock_note(self._link, ("twin", "renderer")), now_ns, now_ns)
            stages_ms = {name: times.smoothed for name, times in self.metrics.stages_ms.items() if times.count}
            self._log("operator", Note(kind="stages_ms", values=dict(stages_ms)), now_ns, now_ns)
        for sample in self._hand.poll(now_ns):
            if not np.isfinite(sample.pose).all():
                self.state.invalid_count += 1
            elif self._window.append(sample):
                self._input_seq = sample.input_seq
                self.metrics.sampled(sample.t_ns, self._history.newest_pose)
                self._log("operator", sample, sample.t_ns, now_ns)
        if not len(self._history):
            return
        self.metrics.engaged(now_ns, self.state.mode)
        packet = self._packet(now_ns)
        self._link.send("twin", packet)
        self._log("operator", packet, now_ns, now_ns)
        self.metrics.stages_ms["sense_to_send"].add((self._clock.now_ns() - packet.t_ns) / NS_PER_MS)

    def _packet(self, now_ns: int) -> ForecastPacket:
        """The newest pose with its forecast and horizons."""
        window = self._window.window(WINDOW_COUNT, step_ns=_WINDOW_STEP_NS)
        self.forecaster.forecast(window, out=self._curve)
        self.state.horizons = self.policy.decide(self._observe(now_ns, window))
        self.state.slot += 1
        return ForecastPacket(
            t_ns=self._history.newest_t_ns,
            pose=window[-1],
            curve=self._curve.copy(),
            horizons=self.state.horizons,
            mode=self._asked(),
            input_seq=self._input_seq,
            slot=self.state.slot,
            act=self.state.intent.act,
            enable_seq=self.state.intent.enable_seq,
        )

    def press(self, mode: Mode, *, who: str = "") -> None:
        """A button of the person who drives; Engage is refused, with a warning, where nothing could answer for it."""
        refusal = self._why_not() if mode is Mode.ENGAGED else ""
        if refusal:
            self.state.warn(f"not engaged: {refusal}")
            self.state.intent.audit("refused", {"what": "engage", "why": refusal, "who": who})
            return
        self.state.intent.press(mode, who=who)
        if mode is Mode.OFF:
            self._link.send_reliable("twin", Stop(act=self.state.intent.act))

    def _why_not(self) -> str:
        """Why nothing can be engaged; empty when it can."""
        state = self.state
        status = state.status
        silent = state.evidence.why_silent(self._clock.now_ns())
        if silent or status is None:
            return silent
        if status.arm.fault:
            return f"{status.arm.fault}: press Reset scene first"
        for host in (status, status.arm):
            if not host.is_armed:
                return host.outage
        return state.in_force.mismatch() if state.in_force is not None else ""

    def _guard(self, now_ns: int) -> None:
        """Walk the safety table; what an outage or a fault has spent asks for a person's act again."""
        state, intent = self.state, self.state.intent
        status, shown = state.status, state.shown()
        if intent.awaits_ready and shown in (SafetyState.READY, SafetyState.HOLD) and not self._why_not():
            intent.press(Mode.ENGAGED, who="start")
        state.safety = next_state(
            state.safety,
            Seen(
                asked=intent.mode,
                knows_arm=status is not None,
                is_stopped=status is not None and bool(status.arm.fault),
                hears=shown is not None,
                is_fresh=True,  # what is not was withdrawn
                is_enabled=True,  # the arm's to judge
            ),
        )
        self._trail.note(state.safety, act=intent.act, why=intent.outage)
        follows = state.safety is SafetyState.ENGAGED and shown is SafetyState.ENGAGED
        lets_go = status is not None and not status.arm.is_enabled  # then it is for the person to hold, not to press
        if follows or lets_go or intent.mode is not Mode.ENGAGED or not self._following_ns:
            self._following_ns = now_ns
        elif now_ns - self._following_ns > FORGOTTEN_MS * NS_PER_MS:
            intent.withdraw("the arm did not follow for 5 s", by_silence=True)

    def _asked(self) -> Mode:
        """The packets' mode: the person's, toned down while nothing is heard of the arm: nobody would see it move."""
        is_blind = self.state.safety is not SafetyState.ENGAGED
        return min(self.state.mode, Mode.HOLD) if is_blind else self.state.mode

    def _observe(self, now_ns: int, window: Array) -> LoopObservation:
        """What a policy may look at."""
        status = self.state.status
        if status is None or not status.arm.pose_t_ns:
            aol_s = uplink_s = control_s = -1.0
        else:
            aol_s = (now_ns - status.arm.pose_t_ns) * 1e-9
            self.metrics.aol_ms.add(1e3 * aol_s)
            uplink_s = 1e-3 * status.uplink_age_ms
            control_s = uplink_s + status.downstream_s
        return LoopObservation(
            t_ns=now_ns,
            window=window,
            aol_s=aol_s,
            uplink_age_s=uplink_s,
            control_delay_s=control_s,
            display_delay_s=self.metrics.display.delay_s,
            predicted_error_m=predicted_error_m(self.forecaster, control_s),
            curve=self._curve,
        )

    def pump(self, now_ns: int) -> None:
        """Take everything that has arrived."""
        if self.state.evidence.pass_time(now_ns) > self._restart_after_ns:
            limit_s = self._restart_after_ns / NS_PER_S
            self.state.intent.withdraw(f"the arm was not heard for more than {limit_s:g} s", by_silence=True)
        for received in self._link.receive():
            message = received.message
            if isinstance(message, Frame):
                self._take_frame(message, received, now_ns)
            elif isinstance(message, TwinStatus):
                self._take_status(message, received)
            elif isinstance(message, InForce):
                if self.state.in_force is not None:
                    self.state.in_force.hear(message, now_ns)
            elif isinstance(message, Note):
                self._heed(message, now_ns)
            if not isinstance(message, Frame):
                self._log(received.peer, message, received.t_arrived_ns, received.t_sent_ns)

    def _heed(self, note: Note, now_ns: int) -> None:
        """What another role tells a person."""
        if note.kind == "warning":
            self.state.warn(str(note.values.get("text", "")))
        elif note.kind == "allocation":
            self.state.allocation, self.state.allocation_ns = note.values, now_ns

    def _take_frame(self, frame: Frame, received: Received, now_ns: int) -> None:
        """Pass a decodable frame to the page; ask for a key frame after a loss."""
        self._log(received.peer, frame, received.t_arrived_ns, received.t_sent_ns)
        t_ready_ns = frame.t_ready_ns - self._link.offset_ns("renderer")
        arrival_ms = (received.t_arrived_ns - t_ready_ns) / NS_PER_MS
        self._acks.arrived(frame.frame_id, received.burst, arrival_ms=arrival_ms)
        admitted = self._gate.admit(frame)
        if admitted:
            self.metrics.display.arrived(frame, t_ready_ns=t_ready_ns)
            for name, value in frame.stages_ms.items():
                if name in self.metrics.stages_ms:
                    self.metrics.stages_ms[name].add(value)
            self.metrics.horizon_render_ms.add(1e3 * frame.horizon_used_s)
            self._on_frame(frame)
            return
        ask = self._gate.need_key and now_ns - self._key_asked_ns > _KEY_RETRY_NS
        self._key_asked_ns = now_ns if ask else self._key_asked_ns
        self.skipped(frame.frame_id, need_key=ask)

    def _take_status(self, status: TwinStatus, received: Received) -> None:
        """Learn how control and arm are doing."""
        intent = self.state.intent
        self.state.evidence.hear(status, received.t_arrived_ns)
        if status.arm.fault:
            intent.withdraw(status.arm.fault)
        for host in (status, status.arm):
            if host.spent_act and host.spent_act == intent.act:
                intent.withdraw(host.outage, by_silence=True)  # Stop and faults were taken back here before
        metrics = self.metrics
        state_ns = status.arm.t_ns - self._link.offset_ns("twin")
        self._acks.state(state_ns)
        metrics.arm_measured(state_ns, status)
        if status.uplink_age_ms:  # the twin has had a packet
            metrics.stages_ms["uplink"].add(status.uplink_age_ms)
        if status.arm.command_age_ms >= 0.0:  # the arm has had a command
            metrics.stages_ms["command_link"].add(status.arm.command_age_ms)
        metrics.horizon_control_ms.add(1e3 * status.horizon_used_s)

    def drawn(self, frame_id: int, t_ns: int, *, need_key: bool = False) -> None:
        """Note that the page drew a frame at t_ns (operator's clock), and give its credit back."""
        settled = self.metrics.is_settled(t_ns)
        latency_ms = self.metrics.display.drawn(frame_id, t_ns, engaged=settled)
        ack = self._acks.drawn(frame_id, t_ns, need_key=need_key, latency_ms=latency_ms)
        self._link.send("renderer", ack)
        self._log("operator", ack, t_ns, t_ns)

    def skipped(self, frame_id: int, *, need_key: bool) -> None:
        """Give the credit of a frame back that the page did not draw, or ask for a key frame."""
        ack = self._acks.skipped(frame_id, need_key=need_key)
        self._link.send("renderer", ack)
        now_ns = self._clock.now_ns()
        self._log("operator", ack, now_ns, now_ns)

    def _log(self, role: str, value: Message | PoseSample, t_log_ns: int, t_publish_ns: int) -> None:
        """Hand a message to the recorder, if there is one."""
        if self._on_message is not None:
            self._on_message(role, value, t_log_ns, t_publish_ns)
