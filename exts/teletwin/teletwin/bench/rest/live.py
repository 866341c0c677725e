"""Live sessions in which something happens while the arm runs into a border; the controller's reports are the judge."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.arm.ur_dashboard import ask_dashboard
from teletwin.bench.rest.borders import BORDERS, SPEED_M_S, session_towards
from teletwin.bench.rest.cases import LEAST_S, MOST_S, ROLES
from teletwin.bench.rest.listener import ControllerListener
from teletwin.bench.rest.live_judge import Outage, judge_outage
from teletwin.bench.rest.page_hand import PageHand
from teletwin.bench.rest.watch import PageWatch
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import StreamError
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.view.viewer import HeadlessViewer

AWAY_S = (LEAST_S, 0.3, 2.0, MOST_S)
"""How long roles are suspended [s]; they are killed once more each, the last of a session."""
WORDS = ("Hold", "Stop", "fault")
LIVE_BORDERS = ("height", "radius", "itself")
_FIRST_S, _HOME_S, _REST_S, _AFTER_S, _KILLED_S = 1.0, 2.0, 0.5, 1.5, 1.0
_BACK_S, _BACK_M_S, _NEAR_M = 8.0, 0.3, 0.02
_RAMP_S, _STEP_S, _DASH_MAX_S = 0.2, 0.002, 0.8
_NEAR_SHARE = 0.45
"""It happens when the tool has done so much of the hand's way: the arm is fastest then, the border near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens: a word of the person or a signal to a role, away for away_s [s] or for good (None)."""

    cause: str
    role: str = ""
    away_s: float | None = None


def live_sessions() -> list[list[Event]]:
    """Every event once, by the session in which it happens."""
    sessions = [[Event(cause=word) for word in WORDS]]
    for role in ROLES:
        events = [Event(cause=f"{role} suspended {away_s:g} s", role=role, away_s=away_s) for away_s in AWAY_S]
        sessions.append([*events, Event(cause=f"{role} killed", role=role)])
    return sessions


def run_live(
    *, times: int, controller_host: str = "127.0.0.1", tell: Callable[[int], None] = lambda _: None
) -> list[dict[str, Any]]:
    """Let every event happen `times` times, each time at another border."""
    results: list[dict[str, Any]] = []
    for number in range(times):
        for events in live_sessions():
            for run in _run(events, LIVE_BORDERS[number % len(LIVE_BORDERS)], number, controller_host):
                results.append(run)
                tell(len(results))
    return results


def _run(events: list[Event], border: str, number: int, host: str) -> Iterator[dict[str, Any]]:
    clock = SystemClock()
    session = session_towards(border, SessionCfg(seed=number, robot="rtde"))
    with _session(session, host) as roles, ControllerListener(host, clock) as listener:
        address = roles.running["operator"].text
        with (
            HeadlessViewer(address, clock, lambda _: None, decodes=False, drives=True) as viewer,
            PageHand(viewer, clock) as hand,
        ):
            arm = _Arm(border, viewer, hand, listener, clock)
            for event in events:
                arm.prepare()
                arm.dash()
                outage = _happen(event, roles, viewer, host, listener, clock)
                known = {"cause": event.cause, "border": border, "seed": number, "lasts_s": event.away_s}
                yield known | judge_outage(outage, listener, session)


class _Arm:
    """Leads the arm to where the way to a border begins, and along it."""

    def __init__(
        self, border: str, viewer: HeadlessViewer, hand: PageHand, listener: ControllerListener, clock: SystemClock
    ) -> None:
        self._viewer, self._hand, self._listener, self._clock = viewer, hand, listener, clock
        self._way = np.array(BORDERS[border].way)
        self._start = tool_pose_in_ur_base(np.array(BORDERS[border].q))[:3]
        _sleep(clock, _FIRST_S)
        viewer.say({"type": "command", "name": "recentre", "values": {}})
        _sleep(clock, _HOME_S)

    def prepare(self) -> None:
        """Clear and engage as a person would, and wait until the arm is where the way begins.

        Raises:
            StreamError: The arm does not come.
        """
        away = self._start - tool_pose_in_ur_base(HOME_Q)[:3]
        self._hand.go_to(away, speed_m_s=_BACK_M_S, ramp_s=_RAMP_S)
        end_ns, told_ns = self._clock.now_ns() + int(_BACK_S * NS_PER_S), 0
        while float(np.linalg.norm(self._tool() - self._start)) > _NEAR_M:
            now_ns = self._clock.now_ns()
            if now_ns > end_ns:
                raise StreamError("the arm does not come to its start", given=self._viewer.telemetry.get("fault"))
            if now_ns - told_ns > NS_PER_S:
                told_ns = now_ns
                self._engage()
            _sleep(self._clock, _STEP_S)
        _sleep(self._clock, _REST_S)

    def _engage(self) -> None:
        if self._viewer.telemetry.get("fault"):
            self._viewer.say({"type": "command", "name": "reset", "values": {}})
        elif self._viewer.telemetry.get("mode") != "engaged":
            self._viewer.say({"type": "command", "name": "engage", "values": {}})

    def dash(self) -> None:
        """Begin to run into the border; return when the arm is fast and near."""
        from_m, end_ns = self._tool(), self._clock.now_ns() + int(_DASH_MAX_S * NS_PER_S)
        self._hand.go(self._way, speed_m_s=SPEED_M_S, ramp_s=_RAMP_S)
        while self._clock.now_ns() < end_ns:
            if float((self._tool() - from_m) @ self._way) > _NEAR_SHARE * float(self._way @ self._way):
                return
            _sleep(self._clock, _STEP_S)

    def _tool(self) -> Array:
        """Where the controller says that the tool is (3,) [m]."""
        return tool_pose_in_ur_base(self._listener.joints(self._listener.count - 1)[-1])[:3]


def _happen(
    event: Event, roles: Roles, viewer: HeadlessViewer, host: str, listener: ControllerListener, clock: SystemClock
) -> Outage:
    """Let it happen, and be over where it is; watch for a while."""
    with PageWatch(viewer, clock) as watch:
        begins, since_ns = listener.count, clock.now_ns()
        if event.role:
            process = roles.running[event.role].process
            process.send_signal(signal.SIGKILL if event.away_s is None else signal.SIGSTOP)
        elif event.cause == "fault":
            if not ask_dashboard(host, "inject protective stop"):
                raise StreamError("the controller's dashboard does not answer", given=host)
        else:
            viewer.say({"type": "command", "name": event.cause.lower(), "values": {}})
        _sleep(clock, _KILLED_S if event.away_s is None else event.away_s)
        resumes = listener.count
        if event.away_s is not None:
            since_ns = clock.now_ns()
            roles.running[event.role].process.send_signal(signal.SIGCONT)
        _sleep(clock, _AFTER_S)
    return Outage(
        begins=begins,
        resumes=resumes,
        ends=listener.count,
        is_over=event.away_s is not None,
        told_ms=watch.told_ms(since_ns),
        approach_ns=watch.approach_ns,
    )


@contextlib.contextmanager
def _session(session: SessionCfg, host: str) -> Iterator[Roles]:
    """Every role a direct child of this process, engaged."""
    with tempfile.TemporaryDirectory(prefix="teletwin-rest-") as folder, Roles() as roles:
        cfg = RoleCfg(
            role="operator",
            session=session,
            controller_host=host,
            page=PageCfg(port=0),
            engage=True,
            record=str(Path(folder) / "run.mcap"),
        )
        roles.start(dataclasses.replace(cfg, role="controller"))
        roles.wait_ready()
        for each in local_session(cfg).values():
            roles.start(each)
        roles.wait_ready()
        yield roles


def _sleep(clock: SystemClock, seconds: float) -> None:
    clock.sleep_until(clock.now_ns() + round(seconds * NS_PER_S))
