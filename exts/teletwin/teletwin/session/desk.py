"""The page's wishes carried out: inputs to the hand, acks to the renderer, buttons and sliders to the loop."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from teletwin.errors import ConfigError, TeletwinError
from teletwin.hand.source import HandSwitch
from teletwin.horizon import HorizonPolicy
from teletwin.horizon.fixed import FixedPolicy
from teletwin.link.delay import check_settings
from teletwin.messages import LinkSettings, Mode, Note, ViewSettings
from teletwin.safety import MotionLimits, SafetyState, SessionLimits
from teletwin.session.config import HorizonCfg, check_size
from teletwin.session.forecasting import live_forecaster, retire
from teletwin.session.operator import OperatorLoop
from teletwin.session.page_input import hand_input
from teletwin.session.policies import live_policy
from teletwin.view.server_messages import LESSON_COMMANDS, PageEvent

_EVENTS_MAX, _URGENT_MAX, _STOPS_MAX = 4096, 1024, 64
_URGENT = frozenset({"stop", "enable", "control", "quiet"})
"""What waits behind nothing; the server bounds how many come."""
_CHANGES = {
    "left": "the page that drove has gone",
    "timed out": "the page that drove fell silent",
    "released": "control was released",
    "given": "control was given on",
    "taken back": "an administrator took control back",
}
"""Why a change of driver takes Engage back, in words."""
_WORK_NS = 4_000_000
"""So long the loop's other work may wait for what a page asks for."""
_MODES = {"engage": Mode.ENGAGED, "hold": Mode.HOLD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Squeeze:
    """How little of link and compute to imitate."""

    bandwidth_mbps: float = 0.0
    """What pictures and updates to the operator may take together [Mb/s]; 0 is unlimited."""
    compute_share: float = 1.0
    """The renderer takes this much longer, 0.05 ... 1."""


class PageDesk:
    """Takes events on the server's thread, carries them out on the operator's.

    `notify` sends a Note to every other role; `view` sends new picture settings; `record` starts or ends
    the log.
    """

    def __init__(
        self,
        loop: OperatorLoop,
        hand: HandSwitch,
        *,
        horizon: HorizonCfg,
        paper_mode: bool,
        slot_s: float,
        view: ViewSettings,
        notify: Callable[[Note], None],
        set_view: Callable[[ViewSettings], None],
        record: Callable[[bool], None],
        limits: MotionLimits | None = None,
        start: int = 0,
    ) -> None:
        self._loop, self._hand, self._start = loop, hand, start
        self.horizon, self.paper_mode, self.view = horizon, paper_mode, view
        self._wanted = horizon
        self.forecast_on = True
        """Off: both horizons are zero, whatever policy waits; the arm is still told how the hand moves."""
        self._policy_lock = threading.Lock()
        self._set_aside: HorizonPolicy | None = None
        self._slot_s = slot_s
        self._notify, self._set_view, self._record = notify, set_view, record
        self._events: deque[PageEvent] = deque()
        self._urgent: deque[PageEvent] = deque(maxlen=_URGENT_MAX)
        self.bell, self._ringer = socket.socketpair()
        """Becomes readable when an event waits, so that the operator's thread need not poll."""
        self.bell.setblocking(False)
        self._ringer.setblocking(False)
        self.link: LinkSettings = LinkSettings()
        self.limits = SessionLimits(limits or MotionLimits())
        self.squeeze = Squeeze()
        self.forecaster = self.person = ""
        self.standing: tuple[str, ...] = ()
        """Warnings of how the session was started: told to everybody who begins to drive."""
        self.input_count = self.dropped_count = 0
        self.stops: dict[int, int] = {}
        """Acts of the newest Stops by the page's own number for each."""
        self._void_before_ns = -1
        self.driver = 0
        """Number of the page that drives; 0: none."""
        self.on_lesson: Callable[[str, int], None] | None = None
        """Told the buttons of a lesson (start, pause, quit), and `leave` when nobody drives any more; and when [ns]."""

    def put(self, event: PageEvent) -> None:
        """Queue an event; called on the server's thread. What a flood brings is dropped, but no button."""
        if event.kind in _URGENT:
            self._urgent.append(event)
        elif len(self._events) < _EVENTS_MAX or event.kind == "command":
            self._events.append(event)
        else:
            self.dropped_count += 1
        self._ring()

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a bell that rings already
            self._ringer.send(b"!")

    def heed_urgent(self) -> None:
        """Carry out what waits behind nothing: Stop, the enabling input, who drives."""
        intent = self._loop.state.intent
        while self._urgent:
            event = self._urgent.popleft()
            values = event.values
            match event.kind:
                case "stop" if not values.get("again"):  # a repetition must not undo what a person did after it
                    self._void_before_ns = event.received_ns
                    self._press_stop(values, who=f"viewer {event.viewer}")
                    intent.audit("stop", {"act": intent.act, "received_ns": event.received_ns})
                case "enable":
                    intent.enable(values["seq"], is_held=values["held"])
                case "quiet":
                    intent.enable(0, is_held=False)
                    intent.withdraw("the page that drives went silent")
                case "control":
                    self._void_before_ns = event.received_ns
                    self._change_driver(values["driver"], values["why"], event.t_ns)

    def _press_stop(self, values: dict[str, Any], *, who: str) -> None:
        """Stop, and the page's number of it, so that the page can be told when the arm has it."""
        self._loop.press(Mode.OFF, who=who)
        number = values.get("number")
        if isinstance(number, int):
            self.stops[number] = self._loop.state.intent.act
            while len(self.stops) > _STOPS_MAX:
                del self.stops[next(iter(self.stops))]

    def work(self) -> bool:
        """Carry out what was queued, for a moment at most, the rest in the next turn; tell whether the hand moved."""
        now_ns = self._loop.state.now_ns
        moved, end_ns = False, now_ns() + _WORK_NS
        with contextlib.suppress(BlockingIOError):
            self.bell.recv(4096)
        self.heed_urgent()
        while self._events:
            self.heed_urgent()
            if now_ns() > end_ns:
                self._ring()
                break
            event = self._events.popleft()
            moved |= event.kind == "input"
            try:
                self._carry_out(event)
            except Exception as error:
                # A wish that cannot be carried out must not stop the loop.
                logging.getLogger(__name__).warning("page: %s", error)
                self._loop.state.warn(str(error))
        return moved

    def _carry_out(self, event: PageEvent) -> None:
        """One event."""
        values = event.values
        match event.kind:
            case "input":
                self._input(event)
            case "ack":
                if values["drawn"]:
                    self._loop.drawn(values["frame_id"], event.t_ns, need_key=values["need_key"])
                else:
                    self._loop.skipped(values["frame_id"], need_key=values["need_key"])
            case "need_key":
                self._loop.skipped(0, need_key=True)
            case "share":
                self._loop.state.intent.audit("share", {"act": values["act"], "who": f"viewer {event.viewer}"})
            case "mtp":
                for _, mtp_ms in values["samples"]:
                    self._loop.metrics.page_mtp_ms.add(mtp_ms)
            case "command":
                # A button from before a Stop, or another driver, that overtook it has had its time.
                if event.received_ns >= self._void_before_ns:
                    self._command(values["name"], values["values"], event)
            case "settings":
                self._settings(values["name"], values["values"], event.t_ns)

    def _change_driver(self, driver: int, why: str, t_ns: int) -> None:
        """Another page drives, or none: nothing moves by what the one before has pressed."""
        intent = self._loop.state.intent
        intent.audit("control", {"driver": driver, "before": self.driver, "why": why})
        intent.enable(0, is_held=False)
        if self.driver:
            intent.withdraw(_CHANGES.get(why, "another person drives"))
        self.driver = driver
        if not driver:
            self._tell_lesson("leave", t_ns)
        for text in self.standing if driver else ():
            self._loop.state.warn(text)

    def _input(self, event: PageEvent) -> None:
        """A hand input of the page."""
        self.input_count += 1
        self._hand.put(hand_input(event))

    def _command(self, name: str, values: dict[str, Any], event: PageEvent) -> None:
        """A button."""
        t_ns, who = event.t_ns, f"viewer {event.viewer}"
        if name == "stop":
            self._press_stop(values, who=who)
        elif name in _MODES:
            self._loop.press(_MODES[name], who=who)
        elif name == "record":
            self._record(values.get("on") is not False)
        elif name == "recentre":
            self._hand.recentre()
        elif name == "replay":
            self._hand.replay(t_ns)
        elif name == "reset":
            self._notify(Note(kind="reset"))
            status = self._loop.state.status
            # A person's word on the stop that the page shows; a later one must be seen first.
            self._notify(Note(kind="clear", values={"fault": status.arm.fault if status is not None else ""}))
        elif name in LESSON_COMMANDS:
            self._tell_lesson(name.removeprefix("lesson_"), t_ns)

    def _tell_lesson(self, word: str, t_ns: int) -> None:
        if self.on_lesson is not None:
            self.on_lesson(word, t_ns)

    def tell_limits(self, t_ns: int) -> None:
        """Let every host know the limits of motion in force at t_ns [ns]."""
        values = {**dataclasses.asdict(self.limits.now), "t_ns": t_ns, "start": self._start}
        self._notify(Note(kind="limits", values=values))

    def _settings(self, name: str, values: dict[str, Any], t_ns: int) -> None:
        """A slider or a choice."""
        if name == "link":
            merged = {n: getattr(self.link, n) for n in LinkSettings.__slots__} | values
            link = LinkSettings(**merged)
            check_settings(link, hop="page")
            self.link = link
            self._notify(Note(kind="link", values={n: getattr(link, n) for n in LinkSettings.__slots__}))
        elif name == "limits":
            engaged = self._loop.state.may_be_engaged()
            audit = self._loop.state.intent.audit
            audit("limits", {"asked": dict(values)})
            try:
                self.limits.ask(values, state=SafetyState.ENGAGED if engaged else self._loop.state.safety)
            except TeletwinError as error:
                audit("refused", {"what": "limits", "why": str(error)})
                raise
            self.tell_limits(t_ns)
        elif name == "squeeze":
            self.squeeze = _replaced(self.squeeze, values)
            self._notify(Note(kind="squeeze", values=dataclasses.asdict(self.squeeze)))
        elif name == "allocator":
            self._notify(Note(kind="allocator", values=values))
        elif name == "view":
            self._change_view(values)
        elif name == "forecast":
            self._switch_forecast(values["on"])
        elif name == "policy":
            self._change_policy(values)
        elif name == "horizons":
            renamed = {f"horizon_{key}": value for key, value in values.items()}
            self._want_policy(_replaced(self._wanted, renamed))

    def _change_policy(self, values: dict[str, Any]) -> None:
        """Another policy or forecaster by name."""
        if "policy" in values:
            self._want_policy(_replaced(self._wanted, {"policy": values["policy"]}))
        if "forecaster" in values:
            name = values["forecaster"]
            threading.Thread(target=self._change_forecaster, args=(name,), daemon=True).start()

    def _want_policy(self, horizon: HorizonCfg) -> None:
        """Let another policy take over; a learned one is built beside the loop, as its kernel may be compiled."""
        self._wanted = horizon
        if horizon.policy == "learned":
            threading.Thread(target=self._take_policy, args=(horizon,), daemon=True).start()
        else:
            self._take_policy(horizon)

    def _take_policy(self, horizon: HorizonCfg) -> None:
        """Build it and hand it to the loop, unless another has been wanted meanwhile."""
        try:
            policy, warning = live_policy(horizon, paper_mode=self.paper_mode, forecaster=self.forecaster)
        except TeletwinError as error:
            warning = str(error)
            self._wanted = self.horizon if self._wanted is horizon else self._wanted
        else:
            if self._wanted is horizon:
                self.horizon = horizon
                self._let_decide(policy)
        if warning:
            self._loop.state.warn(warning)

    def _switch_forecast(self, on: bool) -> None:
        """Take the forecast away, or let the policy that was chosen decide again."""
        if self.on_lesson is not None:
            raise ConfigError("a lesson needs its forecast", mend="end the lesson first")
        with self._policy_lock:
            if on and self._set_aside is not None:
                self._loop.policy, self._set_aside = self._set_aside, None
            elif not on and self._set_aside is None:
                self._set_aside, self._loop.policy = self._loop.policy, FixedPolicy()
            self.forecast_on = on

    def _let_decide(self, policy: HorizonPolicy) -> None:
        """A policy decides, or waits until the forecast is on again."""
        with self._policy_lock:
            if self.forecast_on:
                self._loop.policy = policy
            else:
                self._set_aside = policy

    def _change_forecaster(self, name: str) -> None:
        """Build another forecaster, then let it take over; not in the loop, as some take seconds to start."""
        try:
            forecaster, warning = live_forecaster(name, slot_s=self._slot_s, person=self.person)
        except TeletwinError as error:
            warning = str(error)
        else:
            before, self._loop.forecaster = self._loop.forecaster, forecaster
            self.forecaster = name
            try:
                retire(before, self.person)
            except TeletwinError as error:
                warning = str(error)
        if warning:
            self._loop.state.warn(warning)

    def _change_view(self, values: dict[str, Any]) -> None:
        """Another picture."""
        names = {"codec", "width", "height", "rate_hz", "barcode", "shadow"}
        change = {key: value for key, value in values.items() if key in names}
        for key in ("width", "height"):
            if key in change:
                change[key] = int(change[key])
        if "bitrate_mbps" in values:
            change["bitrate_bps"] = int(1e6 * values["bitrate_mbps"])
        view: ViewSettings = _replaced(self.view, change)
        check_size(view.width, view.height)
        self.view = view
        self._set_view(view)


def _replaced(cfg: Any, change: dict[str, Any]) -> Any:
    """The same settings with some changed; checked where the dataclass checks itself."""
    return dataclasses.replace(cfg, **change)
