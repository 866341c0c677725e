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
    Message,
    Mode,
    Note,
    PoseSample,
    TwinStatus,
)
from teletwin.safety import SafetyState, Seen, Watchdog, next_state
from teletwin.session.acks import FrameAcks
from teletwin.session.display import FrameGate
from teletwin.session.forecasting import predicted_error_m
from teletwin.session.log import clock_note
from teletwin.session.metrics import SessionMetrics

_WINDOW_STEP_NS = int(WINDOW_STEP_S * NS_PER_S)
_KEY_RETRY_NS = 200 * NS_PER_MS
_WARNINGS = 5
_WARNED_NS = 10 * NS_PER_S
"""A warning that nobody has repeated for so long is over."""
_BLIND_NS = 400 * NS_PER_MS
"""Who has not heard of the arm for so long drives nothing: packets ask for hold until it is heard again."""
_FORGOTTEN_NS = 5 * NS_PER_S
"""An arm that silence has held for so long moves again by a person's word only."""


@dataclass(slots=True, kw_only=True)
class OperatorState:
    """What the operator's side knows of the rest, newest first-hand or by report."""

    mode: Mode = Mode.HOLD
    """What the person asks for."""
    safety: SafetyState = SafetyState.OFF
    """What is known of the arm."""
    status: TwinStatus | None = None
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
    ) -> None:
        self._clock, self._link, self._hand = clock, link, hand
        self.policy, self.forecaster, self.metrics = policy, forecaster, metrics
        self._on_frame, self._on_message = on_frame, on_message
        self.state = OperatorState(now_ns=clock.now_ns)
        self._history = PoseHistory(capacity=2048)
        self._gate, self._acks = FrameGate(), FrameAcks()
        self._key_asked_ns = 0
        self._curve = np.zeros((CURVE_KNOTS, 7))
        self._input_seq = 0
        self._twin_heard = Watchdog(_BLIND_NS)
        self._following_ns = self._clocks_ns = 0
        self._begins = True  # a session told to engage at its start may wait for the others to come up

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
            elif self._history.append(sample.t_ns, sample.pose):
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
        window = self._history.window(WINDOW_COUNT, step_ns=_WINDOW_STEP_NS)
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
        )

    def _guard(self, now_ns: int) -> None:
        """Walk the safety table; what silence has held for long, or a fault, asks for a person's word again."""
        state, status = self.state, self.state.status
        is_stopped = status is not None and bool(status.arm.fault)
        seen = Seen(state.mode, status is not None, is_stopped, self._twin_heard.is_calm(now_ns))
        state.safety = next_state(state.safety, seen)
        follows = state.safety is SafetyState.ENGAGED and status is not None and status.arm.mode is Mode.ENGAGED
        self._begins = self._begins and state.mode is Mode.ENGAGED and not follows
        if follows or state.mode is not Mode.ENGAGED or is_stopped or self._begins:
            self._following_ns = now_ns if follows else 0
        elif not self._following_ns:
            self._following_ns = now_ns
        elif now_ns - self._following_ns > _FORGOTTEN_NS:
            state.mode, self._following_ns = Mode.HOLD, 0
            state.warn("the arm did not follow for 5 s: press Engage to go on")

    def _asked(self) -> Mode:
        """The packets' mode: the person's, toned down while nothing is heard of the arm: nobody would see it move."""
        is_blind = self.state.safety is not SafetyState.ENGAGED and not self._begins
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
        for received in self._link.receive():
            message = received.message
            if isinstance(message, Frame):
                self._take_frame(message, received, now_ns)
            elif isinstance(message, TwinStatus):
                self._twin_heard.hear(now_ns)
                self._take_status(message, received)
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
        self.state.status = status
        if status.arm.fault and self.state.mode is Mode.ENGAGED:
            self.state.mode = Mode.HOLD  # latched: only a person engages again
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
