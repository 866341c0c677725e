"""Live sessions whose processes are ended by SIGKILL, one after the other, each started again in its place."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from teletwin.bench.faults.aftermath import Kill, judge_kill
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import StreamError, TeletwinError
from teletwin.recording import SessionRecording, read_log
from teletwin.session.carried_rate import paced
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.log import role_path
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.view.viewer import HeadlessViewer

TARGETS = ("renderer", "operator", "twin", "arm", "controller")
"""In this order within a session; a controller that is gone leaves a fault for a person: it is the last."""
_BEFORE_S, _AFTER_S = 2.5, 0.9
_PRESSES, _PRESS_S = 20, 0.4
_TRIES = 4


def kill_all(
    *,
    times: int,
    controller_host: str = "127.0.0.1",
    targets: tuple[str, ...] = TARGETS,
    tell: Callable[[int], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Kill each role `times` times; what each kill did to the others, and to its log.

    Args:
        times: Sessions, with one kill of each target.
        controller_host: Loopback address of the virtual controller, which runs where it is a target.
        targets: Roles to kill.
        tell: Told how many kills are done.
    """
    results: list[dict[str, Any]] = []
    failures: list[TeletwinError] = []
    while len(results) < times * len(targets):
        try:
            results += _one_session(len(results) + len(failures), controller_host, targets)
        except TeletwinError as error:  # a role that did not come up, on a machine that is too busy
            failures.append(error)
            if len(failures) > _FAILURES_MAX:
                raise
        tell(len(results))
    return results


_FAILURES_MAX = 3


def _one_session(number: int, controller_host: str, targets: tuple[str, ...]) -> list[dict[str, Any]]:
    """Kill each target once.

    Raises:
        TeletwinError: A role did not come up.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-kill-"))
        roles = stack.enter_context(Roles())
        session = _Session(roles, Path(folder), controller_host, number, has_controller="controller" in targets)
        stack.callback(session.leave_page)
        kills = [session.kill(target, again=target != targets[-1]) for target in targets]
        roles.stop()
        return [judge_kill(kill, session.logs_of(kill)) for kill in kills]


class _Session:
    """One session, its roles direct children of this process."""

    def __init__(self, roles: Roles, folder: Path, controller_host: str, number: int, *, has_controller: bool) -> None:
        self._roles, self._folder, self._clock = roles, folder, SystemClock()
        cfg = RoleCfg(
            role="operator",
            session=paced(SessionCfg(seed=number, robot="rtde" if has_controller else "simulated"), self._clock),
            controller_host=controller_host,
            page=PageCfg(port=0),
            engage=True,
            record=str(folder / "run.mcap"),
        )
        self._cfgs = local_session(cfg)
        if has_controller:
            self._cfgs["controller"] = dataclasses.replace(cfg, role="controller")
            roles.start(self._cfgs["controller"])
            roles.wait_ready()
        self._files = {role: [role_path(cfg.record, role)] for role in self._cfgs if role != "controller"}
        for role in ("arm", "twin", "renderer", "operator"):
            roles.start(self._cfgs[role])
        roles.wait_ready()
        self._page: HeadlessViewer | None = None

    def leave_page(self) -> None:
        """The person closes the page."""
        if self._page is not None:
            self._page.__exit__(None, None, None)
            self._page = None

    def _engage(self) -> None:
        """What the person does who drives: press Engage again until the arm follows.

        Raises:
            StreamError: It does not.
        """
        if self._page is None:
            address = self._roles.running["operator"].text
            self._page = HeadlessViewer(address, self._clock, lambda _: None, decodes=False).__enter__()
        for _ in range(_PRESSES):
            if self._page.telemetry.get("state") == "engaged":
                return
            self._page.say({"type": "command", "name": "engage", "values": {}})
            self._wait(_PRESS_S)
        raise StreamError("the arm does not follow", given=self._page.telemetry.get("outage"))

    def _follow(self) -> None:
        """Let the arm follow for a while; again where a busy computer held it meanwhile."""
        for _ in range(_TRIES):
            self._engage()
            self._wait(_BEFORE_S)
            assert self._page is not None
            if self._page.telemetry.get("state") == "engaged":
                return

    def kill(self, target: str, *, again: bool) -> Kill:
        """End one role as a crash would, watch the others for a while, start it again where others follow."""
        self._follow()
        process = self._roles.running[target].process
        process.send_signal(signal.SIGKILL)
        t_ns = self._clock.now_ns()
        self._wait(_AFTER_S)
        gone = sorted(f"{name}: {self._roles.why_ended(name)}" for name in set(self._roles.ended()) - {target})
        files = {role: paths[-1] for role, paths in self._files.items()}
        if again:
            self._start_again(target)
        return Kill(target=target, t_ns=t_ns, watched_s=_AFTER_S, files=files, also_ended=tuple(gone))

    def _start_again(self, target: str) -> None:
        if target == "operator":
            self.leave_page()
        count = len(self._files[target])
        record = str(self._folder / f"again-{target}-{count}.mcap")
        self._roles.start(dataclasses.replace(self._cfgs[target], record=record))
        self._files[target].append(role_path(record, target))
        self._roles.wait_ready()

    def logs_of(self, kill: Kill) -> dict[str, SessionRecording | None]:
        """The logs that the roles were writing at a kill; None for one that cannot be read."""
        return {role: _read(path) for role, path in kill.files.items()}

    def _wait(self, seconds: float) -> None:
        self._clock.sleep_until(self._clock.now_ns() + round(seconds * NS_PER_S))


def _read(path: Path) -> SessionRecording | None:
    try:
        return read_log(path)
    except TeletwinError:
        return None
