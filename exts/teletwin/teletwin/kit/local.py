"""Operator and arm inside Kit, on threads of their own: a whole session from one press of Start."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import ConfigError
from teletwin.kit.settings import KitCfg
from teletwin.messages import Mode, Note
from teletwin.session.build import build_arm_loop, live_arm
from teletwin.session.realtime import run_ticks
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.role_operator import OperatorProcess
from teletwin.session.wiring import apply_link_note, open_link
from teletwin.telemetry import TickStats
from teletwin.view.server_messages import PageEvent

_BUTTONS = {Mode.ENGAGED: "engage", Mode.HOLD: "hold"}


class LocalRoles:
    """The operator with its page and a simulated arm. Built off Kit's main thread: kernels are compiled here.

    `on_over` is called, on the operator's thread, when the person has quit a lesson.

    Raises:
        ConfigError: The page's port is in use, or the hand cannot be read.
    """

    def __init__(
        self,
        cfgs: dict[str, RoleCfg],
        *,
        page_loop: asyncio.AbstractEventLoop | None,
        on_fault: Callable[[str], None],
        on_over: Callable[[], None],
    ) -> None:
        self._stop = threading.Event()
        self._on_fault, self._on_over = on_fault, on_over
        self._stack = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            self.operator = OperatorProcess(cfgs["operator"], stack, page_loop=page_loop)
            self._arm_tick = self._build_arm(cfgs["arm"], stack)
            self._stack = stack.pop_all()
        self._servo_ns = int(NS_PER_S / cfgs["arm"].session.servo_rate_hz)
        self._threads = [
            threading.Thread(target=self._guard, args=(name, work), name=f"teletwin-{name}", daemon=True)
            for name, work in (("operator", self._operate), ("arm", self._serve_arm))
        ]

    def start(self) -> None:
        """Let both run."""
        for thread in self._threads:
            thread.start()

    @property
    def url(self) -> str:
        """The page's address."""
        return self.operator.server.url

    @property
    def row(self) -> dict[str, object]:
        """The numbers that the operator's page shows now."""
        return self.operator.newest_row

    def set_mode(self, mode: Mode) -> None:
        """Engage, hold or stop, as the page's buttons do."""
        if mode is Mode.OFF:
            self.put(self._event("stop", {"number": 0}))
        else:
            self._say("command", {"name": _BUTTONS[mode], "values": {}})

    def record(self, on: bool) -> None:
        """Start or end the recording of every role."""
        self._say("command", {"name": "record", "values": {"on": on}})

    def lesson(self, word: str) -> None:
        """What the page's buttons of a lesson say: start, pause, quit.

        Raises:
            ConfigError: This session is none.
        """
        if self.operator.lesson is None:
            raise ConfigError("this session is no lesson", mend="press Stop, then Lesson")
        self._say("command", {"name": f"lesson_{word}", "values": {}})

    def retune(self, cfg: KitCfg) -> None:
        """Another forecaster, horizon policy or fixed horizons; a lesson goes on as it began."""
        if self.operator.lesson is not None:
            return
        names = {"policy": cfg.horizon_policy, "forecaster": cfg.forecaster}
        self._say("settings", {"name": "policy", "values": names})
        horizons = {"control_ms": cfg.horizon_control_ms, "render_ms": cfg.horizon_render_ms}
        self._say("settings", {"name": "horizons", "values": horizons})

    def put(self, event: PageEvent) -> None:
        """Something that is to count as if the page had said it; from any thread."""
        self.operator.desk.put(event)

    def _say(self, kind: str, values: dict[str, object]) -> None:
        """What the page would say, carried out on the operator's thread."""
        self.put(self._event(kind, values))

    def _event(self, kind: str, values: dict[str, object]) -> PageEvent:
        now_ns = self.operator.clock.now_ns()
        return PageEvent(kind=kind, values=values, viewer=0, t_ns=now_ns, received_ns=now_ns)

    def close(self) -> None:
        """End both; waits for them at most two seconds, so not on Kit's main thread."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2.0)
        self._stack.close()

    def _operate(self) -> None:
        self.operator.run(self._stop)
        if self.operator.lesson is not None and self.operator.lesson.is_over:
            self._on_over()

    def _serve_arm(self) -> None:
        run_ticks(self._arm_tick, clock=SystemClock(), period_ns=self._servo_ns, stop=self._stop)

    def _build_arm(self, cfg: RoleCfg, stack: contextlib.ExitStack) -> Callable[[int, int], None]:
        clock = SystemClock()
        link = stack.enter_context(open_link(cfg, clock))
        arm = stack.enter_context(live_arm(cfg.session, clock))
        loop = build_arm_loop(cfg.session, clock=clock, link=link, arm=arm, ticks=TickStats())

        def obey(note: Note) -> None:
            if note.kind == "link":
                apply_link_note(link, "arm", note)

        loop.on_note = obey
        return loop.tick

    def _guard(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._on_fault(f"the {name} ended: {error}")
