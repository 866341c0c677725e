"""The operator role's process: hand, forecast, page; it gathers what the session measured."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from teletwin import __version__
from teletwin.allocation import available_allocators
from teletwin.assets import SCENES, scene_path
from teletwin.clock import NS_PER_MS, NS_PER_S, utc_text
from teletwin.errors import TeletwinError
from teletwin.hand.devices import LABELS, device_of
from teletwin.hand.drawing_task import DrawingTask
from teletwin.horizon import available_policies
from teletwin.link import RoleLink
from teletwin.messages import Frame, Note, ViewSettings
from teletwin.report.document import build_report, write_report
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.allocation.wishes import OFF, narrow
from teletwin.session.audit import role_audit
from teletwin.session.build import build_feed, build_hand, fast_tool_pose
from teletwin.session.busy import BusyComputer
from teletwin.session.config import SessionCfg
from teletwin.session.desk import PageDesk, Squeeze
from teletwin.session.forecasting import available_forecasters, live_forecaster, retire
from teletwin.session.in_force import InForceBook, in_force_of
from teletwin.session.intent import DriverIntent
from teletwin.session.lesson import Lesson
from teletwin.session.lesson_channel import LearnerLink
from teletwin.session.lesson_drawing import Drawing, lesson_hand, lesson_task
from teletwin.session.log import Recorder
from teletwin.session.metrics import SessionMetrics
from teletwin.session.operator import OperatorLoop
from teletwin.session.policies import live_policy
from teletwin.session.realtime import favour_this_thread, quick_switching
from teletwin.session.report import session_results
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.row import TelemetryRow
from teletwin.session.starvation import Starvation
from teletwin.session.wiring import apply_link_note, open_link
from teletwin.view.camera import Camera
from teletwin.view.drawn_scene import drawn_scene
from teletwin.view.scene_file import read_scene_objects
from teletwin.view.server import PageServer
from teletwin.view.solids import SceneObject

_GRACE_S = 2.0
"""A session this much longer than the time to settle must have measured something [s]."""
_ROW_NS = 50 * NS_PER_MS
_SILENT_NS = 2 * NS_PER_S
_PAGE_NICE = -5
"""The page's server goes before ordinary work, for Stop, and after the slots."""
_EARLY_NS = 2 * NS_PER_MS
"""A slot may start early by a fresh input of the page, this long after the last."""


def _write(line: str) -> None:
    """To the person at the terminal."""
    sys.stderr.write(line + "\n")


def _surroundings(session: SessionCfg) -> str:
    """What the limits know of a real robot's surroundings; empty for the virtual arm, which stands in the scene."""
    if not session.is_real:
        return ""
    what = "the table's plane" if session.scene in SCENES else f"the table's plane and {session.scene}"
    return f"Real robot: of what stands around it the limits know {what}; other things in the picture are the twin's."


def _objects(scene: str) -> tuple[SceneObject, ...]:
    """What pages draw besides arm and table; nothing where the scene holds shapes that are not known here."""
    try:
        return read_scene_objects(scene_path(scene))
    except TeletwinError:  # the renderer's word to say
        return ()


class OperatorProcess:
    """Everything that the operator's process holds, wired.

    A host with an asyncio loop of its own may have the page served there (`page_loop`), and reads the rows
    of numbers that the page gets from `newest_row`.
    """

    def __init__(
        self, cfg: RoleCfg, stack: contextlib.ExitStack, *, page_loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.cfg, session = cfg, cfg.session
        self._page_loop = page_loop
        self._reminded_ns = self._device_seq = 0
        self.newest_row: dict[str, object] = {}
        self.clock = cfg.clock()
        audit = stack.enter_context(role_audit(cfg, self.clock))  # first: it outlives what it tells of
        task = lesson_task(cfg.lesson.task) if cfg.lesson is not None else None
        self.hand = build_hand(session) if task is None else lesson_hand(task)
        feed = build_feed(session, self.clock)
        self.hand.feed = stack.enter_context(feed) if feed is not None else None
        self._camera = Camera()
        self._drawn = drawn_scene(_objects(session.scene))
        self.link: RoleLink = stack.enter_context(open_link(cfg, self.clock))
        self.recorder = stack.enter_context(Recorder(cfg, self.clock))
        self.metrics = SessionMetrics(tool_pose=fast_tool_pose())
        policy, *warnings = live_policy(session.horizon, paper_mode=session.paper_mode, forecaster=session.forecaster)
        slot_s = 1e-3 * session.slot_ms
        forecaster, warning = live_forecaster(session.forecaster, slot_s=slot_s, person=session.person)
        self.loop = OperatorLoop(
            clock=self.clock,
            link=self.link,
            hand=self.hand,
            policy=policy,
            forecaster=forecaster,
            metrics=self.metrics,
            on_frame=self._on_frame,
            on_message=self.recorder,
            intent=DriverIntent(first_act=secrets.randbelow(1 << 31), audit=audit),
            in_force=InForceBook(in_force_of("operator", session)(session.limits())),
            restart_after_ms=session.restart_after_ms,
        )
        self.desk = PageDesk(
            self.loop,
            self.hand,
            horizon=session.horizon,
            paper_mode=session.paper_mode,
            slot_s=slot_s,
            view=session.picture(),
            notify=self._notify,
            set_view=self._set_view,
            record=self._record,
            limits=session.limits(),
            start=secrets.randbelow(1 << 32),
        )
        self.busy = self._watch_computer()
        stack.callback(lambda: retire(self.loop.forecaster, session.person))
        self.desk.standing = tuple(filter(None, (*warnings, warning, _surroundings(session))))
        for text in self.desk.standing:
            self.loop.state.warn(text)
            sys.stderr.write(f"teletwin operator: {text}\n")
        self.desk.link = session.network.hop("up")
        limits = session.allocation
        self.desk.squeeze = Squeeze(bandwidth_mbps=limits.bandwidth_mbps, compute_share=limits.compute_share)
        self.desk.forecaster, self.desk.person = session.forecaster, session.person
        self.lesson = None if task is None else self._give_lesson(task, stack)
        self.server: PageServer = stack.enter_context(self._page())
        self.row = TelemetryRow(self.loop, self.desk)

    def _watch_computer(self) -> BusyComputer:
        """Whether this computer keeps the roles from running."""
        return BusyComputer(
            Starvation(),
            self.loop.state.intent,
            is_virtual=not self.cfg.session.is_real,
            warn=self.loop.state.warn,
            say=lambda text: _write(f"teletwin operator: {text}"),
        )

    def _give_lesson(self, task: DrawingTask, stack: contextlib.ExitStack) -> Lesson:
        """The lesson around the loop, its learner at the other end."""
        cfg = self.cfg.lesson
        assert cfg is not None
        lesson = Lesson(
            cfg,
            loop=self.loop,
            hand=self.hand,
            link=self.link,
            drawing=Drawing(task, countdown_s=cfg.countdown_s),
            learner=stack.enter_context(LearnerLink(cfg.channel)),
            tool_pose=fast_tool_pose(),
            slot_s=1e-3 * self.cfg.session.slot_ms,
        )
        self.desk.on_lesson = lesson.hear
        return lesson

    def _hello(self) -> dict[str, object]:
        """What a page is told as it comes."""
        hello: dict[str, object] = {
            "version": __version__,
            "policies": available_policies(self.cfg.session.horizon.policy_file),
            "forecasters": available_forecasters(),
            "allocators": [*available_allocators(self.cfg.session.allocation.allocator_file), OFF],
            "drawn": self._drawn.values,
            "view_height_m": self._camera.height_at(tool_pose_in_ur_base(HOME_Q)[:3]),
        }
        device = device_of(self.cfg.session.hand)
        if device is not None:
            hello["device"] = LABELS[device[0]]
        if self.lesson is not None:
            hello |= {"policies": ["learned"], "lesson": self.lesson.drawing.shape()}
        return hello

    def _page(self) -> PageServer:
        """The page's server, not yet entered."""
        server = PageServer(
            self.cfg.page.serves(self.cfg.page_tokens),
            clock=self.clock,
            on_event=self.desk.put,
            on_stop=self.desk.put,
            is_engaged=self.loop.state.may_be_engaged,
            loop=self._page_loop,
            on_thread=lambda: favour_this_thread(nice=_PAGE_NICE),
            hello=self._hello(),
            files=self._drawn.files,
            recordings=lambda: self.recorder.written,
        )
        server.barcode = self.cfg.session.barcode
        return server

    def _on_frame(self, frame: Frame) -> None:
        self.server.publish_frame(frame, t_ready_ns=frame.t_ready_ns - self.link.offset_ns("renderer"))

    def _set_view(self, view: ViewSettings) -> None:
        self.link.send_reliable("renderer", view)
        self._keep(view)

    def _keep(self, said: Note | ViewSettings) -> None:
        """Record what this role says beside the loop."""
        now_ns = self.clock.now_ns()
        self.recorder("operator", said, now_ns, now_ns)

    def _notify(self, note: Note) -> None:
        if note.kind == "link":
            apply_link_note(self.link, "operator", note)
        elif note.kind == "squeeze":
            narrow(self.link, note)
        for peer in ("twin", "renderer"):
            self.link.send_reliable(peer, note)
        self._keep(note)

    def _record(self, on: bool) -> None:
        """Every role records to a file of its own, on its own host."""
        path = self.recorder.fresh_path() if on else self.recorder.path
        if on:
            self.recorder.start(path)
        else:
            self.recorder.end()
        self._notify(Note(kind="record", values={"on": on, "path": path}))

    def run(self, stop: threading.Event) -> None:
        """Slots at their rate; between them whatever arrives, from the network and from the page."""
        favour_this_thread()
        with quick_switching():
            self._run(stop)

    def _run(self, stop: threading.Event) -> None:
        period_ns, duration_ns = int(1e6 * self.cfg.session.slot_ms), round(self.cfg.duration_s * NS_PER_S)
        started_ns = slot_ns = self.clock.now_ns()
        is_joined = False
        due_ns, row_ns, moved = slot_ns, slot_ns, False
        if self.cfg.engage:
            self.loop.state.intent.engage_when_ready(who="start")
        while not stop.is_set():
            now_ns = self.clock.now_ns()
            self.link.wait(max((due_ns - now_ns) * 1e-9, 0.0), also=[self.desk.bell])
            self.desk.heed_urgent()  # before whatever else has come
            now_ns = self.clock.now_ns()
            self.loop.pump(now_ns)
            moved |= self.desk.work()
            if now_ns >= due_ns or (moved and now_ns - slot_ns >= _EARLY_NS):
                moved, slot_ns = False, now_ns
                due_ns = max(due_ns + period_ns, now_ns + period_ns // 4)
                self._slot(now_ns)
            if now_ns >= row_ns:
                row_ns = now_ns + _ROW_NS
                self._publish(now_ns)
            if not is_joined and self.loop.state.status is not None:  # the arm is there: time counts from now
                is_joined, started_ns = True, now_ns
                if self.lesson is not None and duration_ns:
                    self.lesson.ends_ns = started_ns + duration_ns
            if duration_ns and now_ns - started_ns > duration_ns:
                break
            if self.lesson is not None and self.lesson.is_over:
                break
        self.duration_s = (self.clock.now_ns() - started_ns) * 1e-9

    def _slot(self, now_ns: int) -> None:
        """One slot, with what a lesson does around it."""
        feed = self.hand.feed
        if feed is not None and feed.enable_seq != self._device_seq:  # a device that is held is an enabling input
            self._device_seq = feed.enable_seq
            self.loop.state.intent.enable(self._device_seq, is_held=self._device_seq > 0)
        self.busy.watch(now_ns)
        if self.lesson is None:
            self.loop.slot(now_ns)
            return
        self.lesson.before_slot(now_ns)
        self.loop.slot(now_ns)
        self.lesson.after_slot()

    def write_report(self) -> None:
        """Write what was measured."""
        results = session_results(
            self.metrics,
            duration_s=self.duration_s,
            status=self.loop.state.status,
            gate=self.loop.gate,
            counters=self.link.counters() | self.server.counters | {"invalid_pose": self.loop.state.invalid_count},
        )
        results["busy_computer"] = self.busy.results()
        kind = "demo"
        if self.lesson is not None:
            kind, results["lesson"] = "lesson", self.lesson.results()
        utc = utc_text()
        session = self.cfg.session
        document = build_report(kind, results=results, configuration=session, seed=session.seed, created_utc=utc)
        write_report(document, self.cfg.report)

    def _publish(self, now_ns: int) -> None:
        """A row of numbers for the page."""
        row = self.row.make(
            now_ns,
            is_recording=bool(self.recorder.path),
            hand=self.hand.source,
            forecaster=self.desk.forecaster,
        )
        row["recording_file"] = Path(self.recorder.path).name
        row["recorded"] = list(self.recorder.written)[-1:]
        faults = [self.recorder.fault] if self.recorder.fault else []
        faults += [self.hand.warning] if self.hand.warning else []
        row["warnings"] = [*self._problems(), *self._silent(now_ns), *faults, *self.loop.state.warnings]
        pose = self.loop.newest_pose
        if pose is not None:
            row["hand_xyz"] = (self._camera.view_to_base.T @ pose[:3]).tolist()
        if now_ns - self._reminded_ns >= NS_PER_S:
            self._remind(now_ns)
        if self.lesson is not None:
            row["lesson"] = self.lesson.row(now_ns)
        self.newest_row = row
        self.server.publish_telemetry(row)

    def _remind(self, now_ns: int) -> None:
        """Once a second: a role that was started again meanwhile does not know the limits that were lowered."""
        self._reminded_ns = now_ns
        limits = self.desk.limits
        if limits.now != limits.ceiling:
            self.desk.tell_limits(now_ns)

    def _problems(self) -> list[str]:
        """Hosts of another version, or without this session's secret."""
        near = [self.link.peer_problem(peer) for peer in ("twin", "renderer")]
        book = self.loop.state.in_force
        return [text for text in (*near, *(book.problems() if book is not None else ())) if text]

    def _silent(self, now_ns: int) -> list[str]:
        """Who was here and says nothing any more; even an idle role sends its stamps ten times a second."""
        heard_ns = {peer: self.link.heard_ns(peer) for peer in ("twin", "renderer")}
        status = self.loop.state.status
        if status is not None:  # the twin goes on telling what it last heard
            heard_ns["arm"] = status.arm.t_ns - self.link.offset_ns("twin")
        return [f"the {peer} is silent" for peer, t_ns in heard_ns.items() if t_ns and now_ns - t_ns > _SILENT_NS]


def run(cfg: RoleCfg, *, stop: threading.Event, on_ready: Callable[[str], None]) -> None:
    """Run until stop or for the duration asked for; write the report at the end."""
    with contextlib.ExitStack() as stack:
        process = OperatorProcess(cfg, stack)
        stack.enter_context(quick_switching())
        favour_this_thread(nice=0)  # the viewer is no part of the session, and its threads inherit this
        if cfg.headless:
            stack.enter_context(_viewer(process))
        on_ready(process.server.url)
        process.run(stop)
        if cfg.report:
            process.write_report()
        if cfg.engage and cfg.duration_s > process.metrics.settle_s + _GRACE_S and not stop.is_set():
            _require_motion(process)


def _require_motion(process: OperatorProcess) -> None:
    """A session that was to engage by itself and never followed the hand has not done what was asked.

    Raises:
        TeletwinError: No control error was measured.
    """
    if process.metrics.control.whole().count:
        return
    if process.metrics.held_back:  # counted for every status of an arm that is engaged
        raise TeletwinError(
            "nothing was measured: the session ended before the arm had come near the hand",
            given=f"{process.cfg.duration_s:g} s",
            allowed=f"errors count {process.metrics.settle_s:g} s after the arm has come near",
            mend="give a longer --duration",
        )
    status = process.loop.state.status
    why = "the twin was never heard" if status is None else status.arm.fault or "the arm never engaged"
    raise TeletwinError("nothing was measured: the arm did not follow the hand", given=why)


def _viewer(process: OperatorProcess) -> contextlib.AbstractContextManager[object]:
    """The protocol viewer that stands in for a browser."""
    from teletwin.view.viewer import HeadlessViewer

    return HeadlessViewer(process.server.url, process.clock, lambda _: None, drives=True)
