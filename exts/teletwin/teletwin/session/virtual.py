"""The whole loop in one process on a virtual clock: for tests, studies and replays; bit for bit repeatable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from teletwin.arm.simulated import SimulatedArm, SimulatedArmCfg
from teletwin.clock import NS_PER_MS, NS_PER_S, ShiftedClock, VirtualClock
from teletwin.forecast import build_forecaster
from teletwin.hand import HandSource
from teletwin.horizon import build_policy
from teletwin.link import Received
from teletwin.link.memory import MemoryLink, MemoryNetwork
from teletwin.messages import ArmState, ForecastPacket, Frame, Message, Mode, Note, PoseSample
from teletwin.session.allocation.wishes import AllocationWishes, build_live, narrow
from teletwin.session.arm import ArmLoop
from teletwin.session.build import (
    build_arm_loop,
    build_control,
    build_hand,
    build_rendering,
    fast_tool_pose,
    simulated_arm,
)
from teletwin.session.config import SessionCfg
from teletwin.session.in_force import InForceBook, in_force_of
from teletwin.session.intent import DriverIntent
from teletwin.session.metrics import SessionMetrics
from teletwin.session.operator import OperatorLoop
from teletwin.session.renderer import RendererLoop
from teletwin.session.role_cfg import ROLES
from teletwin.session.twin import TwinLoop
from teletwin.session.virtual_picture import CostedPicture, PictureTimes, TimedPicture
from teletwin.session.wiring import RELAYS, hop_links, shared_mbps
from teletwin.telemetry import TickStats

Log = Callable[[str, Message | PoseSample, int, int], None]
_LEAST_NS = NS_PER_S
"""No role's clock starts lower; monotonic clocks are positive."""
_STEP_NS = 1 * NS_PER_MS


class VirtualSession:
    """Operator, twin, renderer and arm stepped in turn, a millisecond at a time.

    Args:
        session: The settings, as for the live loop.
        hand: What moves; the session's hand when None.
        asked: What the person asks for in the slot of an instant [ns, operator's clock]; else `run` is told.
        pictures: How long pictures take.
        picture: What stands in for pictures; by default one that only takes time.
        settle_s: Errors count from this long after engaging [s].
        clock_offsets_ms: How wrong the clock of a role is, by role [ms].
        clock_drifts_ppm: How much too fast the clock of a role is, by role [ppm].
        arm: The physical arm's settings, its first joints among them.
        renders: False leaves the renderer out, a third of the time; nobody then sees anything.
        repairs: Whether the parity of large messages follows the loss, as it does live. Training's model of pictures
            knows one parity piece, and both must tell the same times.
        log: Told every message as the live recorder is: role, message, time of the entry, time of sending [ns]; one for
            all, or one for each role's process, by its name.
    """

    def __init__(
        self,
        session: SessionCfg,
        *,
        hand: HandSource | None = None,
        asked: Callable[[int], Mode] | None = None,
        pictures: PictureTimes | None = None,
        picture: TimedPicture | CostedPicture | None = None,
        settle_s: float = 3.0,
        clock_offsets_ms: Mapping[str, float] | None = None,
        clock_drifts_ppm: Mapping[str, float] | None = None,
        arm: SimulatedArmCfg | None = None,
        renders: bool = True,
        repairs: bool = False,
        log: Log | Mapping[str, Log] | None = None,
    ) -> None:
        self.session, self._asked = session, asked
        offsets_ms, drifts_ppm = clock_offsets_ms or {}, clock_drifts_ppm or {}
        self._start_ns = _LEAST_NS - int(min([0.0, *offsets_ms.values()]) * NS_PER_MS)
        self.clock = VirtualClock(start_ns=self._start_ns)
        self.clocks = {
            role: ShiftedClock(
                self.clock,
                offset_ns=int(offsets_ms.get(role, 0.0) * NS_PER_MS),
                drift_ppm=drifts_ppm.get(role, 0.0),
            )
            for role in ROLES
        }
        self.network = MemoryNetwork(self.clock, seed=session.seed, session_id=1, repairs=repairs)
        self.links = {role: self._link(role) for role in ROLES if renders or role != "renderer"}
        self._times = pictures or PictureTimes()
        self._picture = picture or TimedPicture(self._times)
        self._period_ns = int(NS_PER_S / session.control_rate_hz)
        self._servo_ns = int(NS_PER_S / session.servo_rate_hz)
        self._slot_ns = int(1e6 * session.slot_ms)
        self._sending: deque[tuple[int, Frame]] = deque()
        self._drawn: deque[tuple[int, int]] = deque()
        self.metrics = SessionMetrics(tool_pose=fast_tool_pose(), settle_s=settle_s)
        logs: Mapping[str, Log | None]
        logs = log if isinstance(log, Mapping) else {role: log for role in ("operator", "twin", "arm")}
        self._start_count = 0
        self.operator = self._build_operator(hand or build_hand(session), logs.get("operator"))
        self.twin = self._build_twin(logs.get("twin"))
        self.renderer = self._build_renderer(logs.get("renderer")) if renders else None
        self._wanted: Mode | None = None
        self.suspended: set[str] = set()
        """Roles that do nothing now, as processes that were suspended or killed; what they are sent waits for them."""
        self.physical = SimulatedArm(self.clocks["arm"], arm or simulated_arm(session))
        self.arm = self._build_arm(logs.get("arm"))
        self._logs = logs

    def _link(self, role: str) -> MemoryLink:
        """The link of a role, on its own clock."""
        hops, relays = hop_links(role, self.session.network), RELAYS.get(role)
        rate_mbps = shared_mbps(role, self.session.allocation)
        return self.network.link(role, links=hops, relays=relays, clock=self.clocks[role], shared_mbps=rate_mbps)

    def _build_operator(self, hand: HandSource, log: Log | None) -> OperatorLoop:
        """The operator's side, its pictures drawn by a timer."""
        session = self.session
        return OperatorLoop(
            clock=self.clocks["operator"],
            link=self.links["operator"],
            hand=hand,
            policy=build_policy(session.horizon, paper_mode=session.paper_mode),
            forecaster=build_forecaster(session.forecaster),
            metrics=self.metrics,
            on_frame=self._frame_arrived,
            on_message=log,
            intent=DriverIntent(first_act=1000 * self._start_count),
            in_force=InForceBook(in_force_of("operator", session)(session.limits())),
            restart_after_ms=session.restart_after_ms,
        )

    def _build_twin(self, log: Log | None) -> TwinLoop:
        """The control function's side."""
        link = self.links["twin"]
        return TwinLoop(
            clock=self.clocks["twin"],
            link=link,
            control=build_control(self.session),
            ticks=TickStats(),
            forward=lambda item: _pass_on(link, item),
            counters=link.counters,
            in_force=in_force_of("twin", self.session),
            on_message=log,
        )

    def _build_arm(self, log: Log | None) -> ArmLoop:
        """The arm's side, around the physical arm."""
        link, clock = self.links["arm"], self.clocks["arm"]
        loop = build_arm_loop(self.session, clock=clock, link=link, arm=self.physical, ticks=TickStats(), log=log)
        loop.on_note = lambda note: self.physical.clear_fault() if note.kind == "clear" else None
        return loop

    def restart(self, role: str) -> None:
        """End the process of operator, twin or arm, and start another in its place that knows nothing."""
        self.network.end(role)
        self.links[role] = self._link(role)
        if role == "operator":
            self._start_count += 1
            self.operator = self._build_operator(build_hand(self.session), self._logs.get(role))
        elif role == "twin":
            self.twin = self._build_twin(self._logs.get(role))
        else:
            self.arm = self._build_arm(self._logs.get(role))

    def _build_renderer(self, log: Log | None) -> RendererLoop:
        """The rendering function's side, without pictures."""
        rendering, _ = build_rendering(self.session)
        view, picture = self.session.picture(), self._picture
        loop = RendererLoop(
            clock=self.clocks["renderer"],
            link=self.links["renderer"],
            rendering=rendering,
            picture=picture,
            settings=view,
            tool_pose=fast_tool_pose(),
            on_message=log,
            allocation=build_live(self.session.allocation, view),
        )
        wishes = AllocationWishes(loop, picture, self.session.allocation, warn=self.operator.state.warn)
        loop.on_note = wishes.obey
        return loop

    def _frame_arrived(self, frame: Frame) -> None:
        """A viewer that needs a fixed time to decode and draw."""
        drawn_ns = self.clocks["operator"].now_ns() + int(self._times.decode_draw_ms * NS_PER_MS)
        self._drawn.append((drawn_ns, frame.frame_id))

    def ask(self, note: Note) -> None:
        """Let the operator's side say to the others what a page may ask for: 'squeeze', 'allocator' ..."""
        link = self.links["operator"]
        if note.kind == "squeeze":
            narrow(link, note)
        for peer in ("twin", "renderer"):
            link.send_reliable(peer, note)

    def run(self, duration_s: float, *, mode: Mode = Mode.ENGAGED) -> SessionMetrics:
        """Advance the loop by duration_s [s] of virtual time; `mode` counts where `asked` was not given.

        The person presses what is asked for, unless that stands already.
        """
        if self._asked is None:
            self._press(mode)
        self.advance(duration_s)
        return self.metrics

    def advance(self, duration_s: float) -> None:
        """Let so much virtual time pass [s], with nobody pressing anything."""
        end_ns = self.clock.now_ns() + int(duration_s * NS_PER_S)
        while self.clock.now_ns() < end_ns:
            self._step(self.clock.now_ns())
            self.clock.sleep_until(self.clock.now_ns() + _STEP_NS)

    def _press(self, mode: Mode) -> None:
        """What a person does who wants this mode."""
        intent = self.operator.state.intent
        if mode is Mode.ENGAGED is not intent.mode:
            intent.engage_when_ready()
        elif mode is not intent.mode or intent.awaits_ready:
            self.operator.press(mode)

    def _step(self, now_ns: int) -> None:
        """Everything that is due in this millisecond, in the order of the loop."""
        elapsed_ns, away = now_ns - self._start_ns, self.suspended
        if "operator" not in away:
            self._operate(self.clocks["operator"].now_ns(), is_slot=elapsed_ns % self._slot_ns == 0)
        if "twin" not in away and elapsed_ns % self._period_ns == 0:
            self.twin.tick(self.clocks["twin"].now_ns())
        if "renderer" not in away:
            self._render(self.clocks["renderer"].now_ns())
        if elapsed_ns % self._servo_ns == 0:
            arm_ns = self.clocks["arm"].now_ns()
            self.physical.advance(arm_ns)
            if "arm" not in away:
                self.arm.tick(arm_ns)

    def _operate(self, now_ns: int, *, is_slot: bool) -> None:
        """What arrived, what was drawn, and the slot."""
        self.operator.pump(now_ns)
        while self._drawn and self._drawn[0][0] <= now_ns:
            t_ns, frame_id = self._drawn.popleft()
            self.operator.drawn(frame_id, t_ns)
        if not is_slot:
            return
        if self._asked is not None:
            before, self._wanted = self._wanted, self._asked(now_ns)
            if before is not self._wanted:
                self._press(self._wanted)
        self.operator.slot(now_ns)

    def _render(self, now_ns: int) -> None:
        """Start a picture when one is due and the last is finished; send finished ones."""
        renderer = self.renderer
        if renderer is None:
            return
        renderer.pump(now_ns)
        while self._sending and self._sending[0][0] <= now_ns:
            renderer.send(self._sending.popleft()[1])
        if not self._sending and renderer.wants_frame(now_ns):
            frame = renderer.frame(now_ns)
            self._sending.append((frame.t_ready_ns, frame))


def _pass_on(link: MemoryLink, item: Received) -> None:
    """Packets and states to the renderer as they came; what the operator asks of every role to the arm."""
    if isinstance(item.message, Note) and item.peer == "operator":
        link.send_reliable("arm", item.message)
    elif isinstance(item.message, ForecastPacket | ArmState):
        link.forward("renderer", item.raw)
