"""The twin in Kit: the control function in the physics callback, the rendering function in Kit's world.

Everything here is called on Kit's main thread and returns at once; only the encoder has a thread of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, cast

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.kit.gate import HoldGate
from teletwin.kit.numbers import Numbers
from teletwin.kit.pace import StepPace
from teletwin.kit.picture import PictureLine, Pictures
from teletwin.kit.shown import SteppedRendering
from teletwin.kit.watch import PhysicsWatch
from teletwin.kit.world import IsaacWorld
from teletwin.link import Link, Received
from teletwin.messages import ArmState, ForecastPacket, InForce, Message, Note, ViewSettings
from teletwin.safety import MotionLimits
from teletwin.session.allocation.wishes import AllocationWishes, build_live
from teletwin.session.build import fast_tool_pose
from teletwin.session.config import AllocationCfg
from teletwin.session.renderer import Picture, RendererLoop
from teletwin.session.twin import TwinLoop
from teletwin.telemetry import TickStats
from teletwin.twin.control import ControlFunction
from teletwin.twin.rendering import RenderingFunction

_STALL_NS = NS_PER_S // 2
"""A timeline that plays without a physics step for this long stands still [ns]."""
Log = Callable[[str, Message, int, int], None]


@dataclass(frozen=True, kw_only=True)
class HostParts:
    """What the twin's host is made of."""

    clock: Clock
    twin_link: Link
    renderer_link: Link
    control: ControlFunction
    rendering: RenderingFunction
    world: IsaacWorld
    picture: Pictures
    settings: ViewSettings
    allocation: AllocationCfg = field(default_factory=AllocationCfg)
    physics_rate_hz: float
    simulation_time_s: Callable[[], float]
    """Simulated time of the stage, as frames are stamped [s]."""
    executor: Executor
    log: Log
    in_force: Callable[[MotionLimits], InForce]
    on_note: Callable[[str, Note], None]
    """Told a role ('twin' or 'renderer') and what the operator asks of it."""
    on_fault: Callable[[str], None]


class _Begun:
    """What the renderer's loop sees of the pictures: begun by it, finished by the line, nothing drawn on demand."""

    def __init__(self, host: TwinHost, pictures: Pictures) -> None:
        self._host = host
        self.apply, self.pressed = pictures.apply, pictures.pressed

    def stepped(self, measured_ms: float, steps: int) -> float:
        """Physics has stepped the shown world before; what that took [ms]."""
        return measured_ms + self._host.take_shown_ms()


class TwinHost:
    """Wires the loops of the twin and of the renderer to Kit's turns, physics steps and frames."""

    def __init__(self, parts: HostParts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._pace = StepPace(parts.clock)
        self._gate, renderer_gate = HoldGate(parts.twin_link), HoldGate(parts.renderer_link)
        self._gates = (self._gate, renderer_gate)
        self.numbers = Numbers()
        self.simulation_s = 0.0
        """Simulated time since the start [s]."""
        self._rendering = SteppedRendering(parts.rendering)
        self.twin = TwinLoop(
            clock=parts.clock,
            link=self._gate,
            control=parts.control,
            ticks=TickStats(),
            forward=self._pass_on,
            counters=self._gate.counters,
            in_force=parts.in_force,
            on_message=self._log,
        )
        self.renderer = RendererLoop(
            clock=parts.clock,
            link=renderer_gate,
            rendering=cast(RenderingFunction, self._rendering),
            picture=cast(Picture, _Begun(self, parts.picture)),
            settings=parts.settings,
            tool_pose=fast_tool_pose(),
            allocation=build_live(parts.allocation, parts.settings),
        )
        wishes = AllocationWishes(self.renderer, parts.picture, parts.allocation, warn=self._warn)
        self.renderer.on_note = lambda note: wishes.obey(note) or parts.on_note("renderer", note)
        self.pictures = PictureLine(
            self.renderer, parts.picture, parts.executor, lock=self._lock, on_fault=parts.on_fault
        )
        self._moved = False
        self._stepped_ns = self._shown_ns = 0
        self._update_ns = self._update_physics_ns = 0
        self.playing = False
        """Whether the timeline plays."""
        self._counted = 0
        self._watch = PhysicsWatch(parts.physics_rate_hz, parts.on_fault)
        self._told = True  # nothing to tell before the first step

    @property
    def horizon_render_s(self) -> float:
        """How far ahead the newest picture shows [s]."""
        return self._rendering.shown().horizon_s

    @property
    def held(self) -> bool:
        """Whether the twin keeps the arm from moving, whatever the operator asks."""
        return self._gate.held

    @held.setter
    def held(self, held: bool) -> None:
        for gate in self._gates:
            gate.held = held
        if held:  # whoever drives acts again, once it is let go
            self._parts.control.interlock.spend("held at the twin")

    def update(self) -> None:
        """A turn of Kit's main loop begins; without physics steps the links are kept alive."""
        now_ns = self._update_ns = self._parts.clock.now_ns()
        self._update_physics_ns = 0
        expects_steps = self.playing and self._parts.world.is_attached
        self._keep_pace(expects_steps)
        self._note_shown()
        if not (expects_steps and now_ns - self._stepped_ns < _STALL_NS):
            self._stand_still(now_ns)
        if expects_steps:
            self._watch.ran(self._pace.ratio, now_ns)

    def physics_step(self, dt_s: float) -> None:
        """Before a physics step: one tick of the control function, one of the rendering function."""
        world = self._parts.world
        if not world.is_attached:
            return
        self.simulation_s += dt_s
        self._watch.stepped(dt_s)
        now_ns = self._pace.step(dt_s)
        self._stepped_ns, self._told = self._parts.clock.now_ns(), False
        self.numbers.count("physics", self._stepped_ns)
        world.refresh()
        self.twin.tick(now_ns)
        with self._lock:
            self.renderer.pump(now_ns)
        start_ns = self._parts.clock.now_ns()
        self._rendering.step(now_ns)
        world.flush()
        self._moved = True
        end_ns = self._parts.clock.now_ns()
        self._shown_ns += end_ns - start_ns
        self._update_physics_ns += end_ns - self._stepped_ns

    def new_frame(self, event: Any) -> None:
        """A rendered frame is there, of our camera or of something else: ours goes to the operator."""
        if not self._parts.world.is_attached or not self._parts.picture.is_ours(event):
            return
        self._note_shown()
        now_ns = self._parts.clock.now_ns()
        render_ms = max(now_ns - self._update_ns - self._update_physics_ns, 0) / NS_PER_MS
        self.pictures.offer(now_ns, show=self._show, render_ms=render_ms)
        while self._counted < self.pictures.sent_count:
            self._counted += 1
            self.numbers.count("frames", now_ns)

    def timeline_changed(self, change: str) -> None:
        """'play', 'pause' or 'stop'; with a stop the simulation's view ends."""
        self.playing = change == "play"
        self._stepped_ns = self._parts.clock.now_ns()
        self._watch.started(self._stepped_ns)
        if change == "stop":
            self._parts.world.detach()
            self._rendering.forget()

    @property
    def time_ratio(self) -> float | None:
        """Simulated over wall time; None while the timeline does not play."""
        return self._pace.ratio if self.playing else None

    def take_shown_ms(self) -> float:
        """How long steps of the shown world took since this was asked last [ms]."""
        shown_ns, self._shown_ns = self._shown_ns, 0
        return shown_ns / NS_PER_MS

    def _keep_pace(self, expects_steps: bool) -> None:
        """Learn how simulated time runs, and let the drives know: their speeds count in simulated time."""
        if expects_steps:
            self._pace.begin_update()
        else:
            self._pace.rest()
        self._parts.world.time_scale = self._pace.scale

    def _note_shown(self) -> None:
        """Keep what physics has made of the shown world since the last note, for the picture that will show it."""
        if self._moved and self._parts.world.is_attached:
            self._moved = False
            self._parts.world.refresh()
            self._rendering.note(self._parts.simulation_time_s())

    def _show(self, frame_s: float) -> float:
        """Turn to the state that a frame of this simulated time shows; that time since the session's start [s]."""
        self._rendering.show(frame_s)
        return self.simulation_s - (self._parts.simulation_time_s() - frame_s)

    def _warn(self, text: str) -> None:
        self._gate.send_reliable("operator", Note(kind="warning", values={"text": text}))

    def _stand_still(self, now_ns: int) -> None:
        """Physics does not step: take no packet, so that the arm's own silence rule holds it; say why."""
        for item in self._gate.receive():
            if isinstance(item.message, Note):
                self._pass_on(item)
        with self._lock:
            self.renderer.pump(now_ns)
        if not self._told:
            self._told = True
            text = "the twin's timeline in Isaac Sim does not play"
            self._warn(text)

    def _pass_on(self, item: Received) -> None:
        """Packets and arm states to the renderer as they came; notes to whom they concern."""
        note = item.message
        if isinstance(note, ForecastPacket | ArmState):
            self._gate.forward("renderer", item.raw)
        elif isinstance(note, Note) and item.peer == "operator":
            self._parts.on_note("twin", note)
            self._gate.send_reliable("arm", note)

    def _log(self, role: str, message: Message, t_log_ns: int, t_sent_ns: int) -> None:
        offset_ns = self._gate.offset_ns("operator")
        self.numbers.heard(message, t_log_ns, operator_offset_ns=offset_ns)
        self._parts.log(role, message, t_log_ns, t_sent_ns)
