"""The twin host's picture process: packets in, the shown world, pictures out, at their pace."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import ConfigError, TeletwinError
from teletwin.geometry import Array
from teletwin.link import Link, Received
from teletwin.messages import (
    NO_PREDICTION,
    SCENE_CODEC,
    SHADOWS,
    ArmState,
    ForecastPacket,
    Frame,
    FrameAck,
    Message,
    Note,
    ViewSettings,
)
from teletwin.safety import MotionLimits, SafetyState, SessionLimits
from teletwin.session.allocation.loop import FULL_RATES, OFF_ROW, LiveAllocation, Orders
from teletwin.session.credit import Credit
from teletwin.session.trace import Trace
from teletwin.twin.rendering import RenderingFunction, Shown
from teletwin.view import SceneState
from teletwin.view.link_frames import links_named

_AVERAGED_HZ = 3.0
_WITHOUT = SHADOWS.index(NO_PREDICTION)


class Picture(Protocol):
    """Draws and encodes; a stand-in without pictures drives the loop on a virtual clock."""

    def make(
        self, state: SceneState, *, frame_id: int, input_seq: int, force_key: bool
    ) -> tuple[bytes, bool, dict[str, float]]:
        """Return encoded bytes, whether they are a key frame, and the stages' times by name [ms]."""
        ...

    def stepped(self, measured_ms: float, steps: int) -> float:
        """Told how long so many steps of the shown world took; may take longer yet, and says how long it was [ms]."""
        ...

    def apply(self, settings: ViewSettings) -> None:
        """Take another size, rate or codec."""
        ...

    def pressed(self, is_late: bool) -> None:
        """Told after every frame whether the machine holds the rate; may drop the shadow."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedFrame:
    """A picture between `begin` and `finish`."""

    t_ns: int
    frame_id: int
    shown: Shown
    settings: ViewSettings
    force_key: bool
    stages: dict[str, float]


class RendererLoop:
    """Starts a picture when input has arrived, the rate allows it and credit is left."""

    def __init__(
        self,
        *,
        clock: Clock,
        link: Link,
        rendering: RenderingFunction,
        picture: Picture,
        settings: ViewSettings,
        tool_pose: Callable[[Array], Array],
        on_message: Callable[[str, Message, int, int], None] | None = None,
        allocation: LiveAllocation | None = None,
    ) -> None:
        self._on_message, self._allocation = on_message, allocation
        self._clock, self._link, self._rendering, self._picture = clock, link, rendering, picture
        self.settings, self._tool_pose = settings, tool_pose
        self._asked, self._physics_tick_s = settings, rendering.tick_s
        self._credit = Credit()
        self._trace, self._ghost_trace = Trace(), Trace()
        self._frame_id = 0
        self._due_ns = 0
        self._fresh = False
        self._need_key = True
        self._arm: ArmState | None = None
        self._arm_ns = 0
        self._downlink_s = 0.03
        self._make_s = 0.02
        self._packet_ns = 0
        self._limits = SessionLimits(MotionLimits())
        self.on_note: Callable[[Note], object] | None = None

    def pump(self, now_ns: int) -> None:
        """Take everything that has arrived."""
        self._receive(now_ns)
        if self._allocation is not None:
            self._carry_out(self._allocation.tick(now_ns))

    def _receive(self, now_ns: int) -> None:
        for item in self._link.receive():
            self._take(item, now_ns)
            # Copies that the twin passes on stand in its own log; writing them twice would cost pictures.
            if self._on_message is not None and not isinstance(item.message, ForecastPacket | ArmState):
                self._on_message(f"renderer/from_{item.peer}", item.message, item.t_arrived_ns, item.t_sent_ns)

    def _take(self, item: Received, now_ns: int) -> None:
        """One message."""
        message = item.message
        if isinstance(message, ForecastPacket):
            # The twin's control process passed it on: its pose's time is on the operator's clock.
            pose_t_ns = message.t_ns - self._link.offset_ns("operator")
            if self._rendering.accept(message, pose_t_ns=pose_t_ns, now_ns=now_ns):
                self._packet_ns = now_ns if not self._fresh else self._packet_ns
                self._fresh = True
                if self._allocation is not None:
                    self._allocation.input(now_ns)
        elif isinstance(message, ArmState):
            if self._arm is None:
                self._rendering.start_at(message.q)
            self._arm, self._arm_ns = message, item.t_arrived_ns
            if self._allocation is not None:
                self._allocation.state()
            self._ghost_trace.add(self._tool_pose(message.q)[:3])
        elif isinstance(message, FrameAck):
            self._acknowledged(message, now_ns, item.t_arrived_ns)
        elif isinstance(message, ViewSettings):
            self._change(message)
        elif isinstance(message, Note):
            self._obey(message)

    def _change(self, settings: ViewSettings) -> None:
        """Other pictures from now on; what cannot be drawn or encoded changes nothing."""
        try:
            self._picture.apply(settings)
        except TeletwinError as error:
            logging.getLogger(__name__).warning("the view stays as it is: %s", error)
            return
        self.settings = self._asked = settings
        self._need_key = True
        if self._allocation is not None:
            self._allocation.ask(settings)

    @property
    def asked(self) -> ViewSettings:
        """The picture that the operator asked for; an allocation may make less of it."""
        return self._asked

    @property
    def allocation(self) -> LiveAllocation | None:
        """What divides link and compute; None leaves pictures as they were asked for."""
        return self._allocation

    @allocation.setter
    def allocation(self, allocation: LiveAllocation | None) -> None:
        self._allocation = allocation
        if allocation is None:
            self._carry_out(
                Orders(row=OFF_ROW, view=self._asked, physics_tick_s=self._physics_tick_s, rates=FULL_RATES)
            )
        elif allocation.plan.view != self.settings:
            self._adapt(allocation.plan.view)

    def _carry_out(self, orders: Orders | None) -> None:
        """What a tick of the allocation asks for."""
        if orders is None:
            return
        if orders.view is not None:
            self._adapt(orders.view)
        if orders.physics_tick_s is not None:
            self._rendering.tick_s = orders.physics_tick_s
        if orders.rates is not None:
            self._link.send_reliable("twin", orders.rates)
        if orders.row is not None:
            self._link.send("operator", orders.row)

    def _adapt(self, settings: ViewSettings) -> None:
        """Less or more of the picture that was asked for; another size or codec begins with a key frame."""
        old = self.settings
        try:
            self._picture.apply(settings)
        except TeletwinError as error:
            logging.getLogger(__name__).warning("the view stays as it is: %s", error)
            if self._allocation is not None:
                self._allocation.refused(old)
            return
        self.settings = settings
        shape = (settings.width, settings.height, settings.codec)
        self._need_key |= shape != (old.width, old.height, old.codec)

    def _obey(self, note: Note) -> None:
        """A wish of the operator."""
        if note.kind == "reset":
            self._rendering.reset()
            self._trace.clear()
            self._ghost_trace.clear()
        elif note.kind == "limits":
            with contextlib.suppress(ConfigError):  # the twin and the arm count it
                self._rendering.limit_to(self._limits.ask(note.values, state=SafetyState.OFF))
        elif self.on_note is not None:
            self.on_note(note)

    def _acknowledged(self, ack: FrameAck, now_ns: int, arrived_ns: int) -> None:
        """Credit back; learn the way to the screen."""
        if self._allocation is not None:
            self._allocation.acknowledged(ack, arrived_ns)
        self._credit.acknowledged(ack.frame_id, now_ns)
        self._need_key |= ack.need_key
        if ack.drawn and 0.0 < ack.latency_ms < 1000.0:
            self._downlink_s += self._smoothing * (1e-3 * ack.latency_ms - self._downlink_s)

    @property
    def _smoothing(self) -> float:
        """Weight of a picture in an average over a third of a second, however few there are."""
        return min(_AVERAGED_HZ / self.settings.rate_hz, 0.5)

    @property
    def due_ns(self) -> int:
        """When the rate allows the next picture [ns]."""
        return self._due_ns

    @property
    def is_waiting(self) -> bool:
        """Whether input has arrived that no picture shows yet."""
        return self._fresh

    def wants_frame(self, now_ns: int) -> bool:
        """Whether a picture should start now."""
        if not (self._fresh and now_ns >= self._due_ns and self._may_send(now_ns)):
            return False
        return self._allocation is None or self._allocation.is_open(now_ns)

    def frame(self, now_ns: int) -> Frame:
        """Advance the shown world to now, draw, encode and send one picture."""
        started = self.begin(now_ns)
        data, is_key, stages = self._picture.make(
            self.scene(started),
            frame_id=started.frame_id,
            input_seq=started.shown.input_seq,
            force_key=started.force_key,
        )
        return self.finish(started, data, is_key=is_key, stages=stages)

    def begin(self, now_ns: int) -> StartedFrame:
        """Advance the shown world to now and number its picture; its pixels may be encoded on another thread."""
        period_ns = int(NS_PER_S / self.settings.rate_hz)
        self._due_ns = max(self._due_ns + period_ns, now_ns + period_ns // 2)
        self._fresh = False
        self._frame_id += 1
        waited_ms = (now_ns - self._packet_ns) / NS_PER_MS
        steps = self._rendering.advance(now_ns, downstream_s=self._make_s + self._downlink_s)
        shown = self._rendering.shown()
        self._trace.add(shown.tool[:3])
        physics_ms = self._picture.stepped((self._clock.now_ns() - now_ns) / NS_PER_MS, steps)
        stages = {"frame_wait": waited_ms, "policy_physics": physics_ms}
        force_key, self._need_key = self._need_key, False
        self._credit.sent(self._frame_id, now_ns)
        if self._allocation is not None:
            self._allocation.begun(
                self._frame_id,
                pose_t_ns=shown.pose_t_ns and shown.pose_t_ns - self._link.offset_ns("operator"),
                now_ns=now_ns,
                physics_ms=physics_ms,
                steps=steps,
            )
        return StartedFrame(
            t_ns=now_ns,
            frame_id=self._frame_id,
            shown=shown,
            settings=self.settings,
            force_key=force_key,
            stages=stages,
        )

    def finish(self, started: StartedFrame, data: bytes, *, is_key: bool, stages: dict[str, float]) -> Frame:
        """The message around the encoded picture that `begin` started."""
        ready_ns = self._clock.now_ns() + int(stages.pop("virtual", 0.0) * NS_PER_MS)
        made_s = (ready_ns - started.t_ns) * 1e-9
        self._make_s += self._smoothing * (made_s - self._make_s)
        if self._allocation is not None:
            work_ms = stages.get("draw", 0.0) + stages.get("encode", 0.0)
            self._allocation.made(started.frame_id, work_ms=work_ms, ready_ns=ready_ns)
        if self._allocation is None:  # else it decides about shadows
            self._picture.pressed(made_s > 0.9 / self.settings.rate_hz)
        return self._describe(started, data, is_key=is_key, stages=started.stages | stages, ready_ns=ready_ns)

    def send(self, frame: Frame) -> None:
        """Send a finished picture to the operator; its bytes are logged where they arrive."""
        self._link.send("operator", frame)
        if self._allocation is not None:
            self._allocation.sent(frame.frame_id, len(frame.data), self._clock.now_ns())
        if self._on_message is not None:
            now_ns = self._clock.now_ns()
            self._on_message("renderer/to_operator", dataclasses.replace(frame, data=b""), now_ns, now_ns)

    def _describe(
        self, started: StartedFrame, data: bytes, *, is_key: bool, stages: dict[str, float], ready_ns: int
    ) -> Frame:
        """The message around an encoded picture."""
        shown, settings = started.shown, started.settings
        return Frame(
            frame_id=started.frame_id,
            codec=settings.codec,
            is_key=is_key,
            width=settings.width,
            height=settings.height,
            input_seq=shown.input_seq,
            pose_t_ns=shown.pose_t_ns,
            shown_pose=shown.tool,
            shadow_poses=shown.shadow_tools,
            horizon_used_s=shown.horizon_s,
            stages_ms=stages,
            t_ready_ns=ready_ns,
            data=data,
        )

    def _may_send(self, now_ns: int) -> bool:
        """States are small, and the newest takes the place of one that a page has not taken yet: no credit needed."""
        return self.settings.codec == SCENE_CODEC or self._credit.is_open(now_ns, self.settings.rate_hz)

    def scene(self, started: StartedFrame) -> SceneState:
        """Everything that the picture shows."""
        shown, arm = started.shown, self._arm
        return SceneState(
            q=shown.q,
            q_ghost=arm.q if arm is not None else None,
            q_without=arm.q_shadows[_WITHOUT] if arm is not None and len(arm.q_shadows) > _WITHOUT else None,
            object_poses=shown.object_poses,
            target=shown.target,
            forecast=shown.forecast,
            trace=self._trace.points,
            ghost_trace=self._ghost_trace.points,
            held_links=links_named(shown.held_back_by) if shown.held_back_by else (),
            horizon_s=shown.horizon_s,
            ahead_s=self._downlink_s,
            ghost_age_s=(started.t_ns - self._arm_ns) * 1e-9 if arm is not None else 0.0,
        )
