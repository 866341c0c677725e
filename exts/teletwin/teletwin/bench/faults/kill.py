"""Live sessions whose processes are ended by SIGKILL, one after the other, each started again in its place."""

from __future__ import annotations

import dataclasses
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from teletwin.bench.faults.aftermath import Kill, judge_kill
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.errors import TeletwinError
from teletwin.recording import SessionRecording, read_log
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.log import role_path
from teletwin.session.role_cfg import PageCfg, RoleCfg

TARGETS = ("renderer", "operator", "twin", "arm", "controller")
"""In this order within a session; a controller that is gone leaves a fault for a person: it is the last."""
_BEFORE_S, _AFTER_S = 2.5, 0.9


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
        controller_host: Loopback address of the virtual controller.
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
    with tempfile.TemporaryDirectory(prefix="teletwin-kill-") as folder, Roles() as roles:
        session = _Session(roles, Path(folder), controller_host, number)
        kills = [session.kill(target, again=target != targets[-1]) for target in targets]
        roles.stop()
        return [judge_kill(kill, session.logs_of(kill)) for kill in kills]


class _Session:
    """One session, its roles direct children of this process."""

    def __init__(self, roles: Roles, folder: Path, controller_host: str, number: int) -> None:
        self._roles, self._folder, self._clock = roles, folder, SystemClock()
        cfg = RoleCfg(
            role="operator",
            session=SessionCfg(seed=number),
            controller_host=controller_host,
            page=PageCfg(port=0),
            headless=True,
            engage=True,
            record=str(folder / "run.mcap"),
        )
        self._cfgs = local_session(cfg)
        self._cfgs["controller"] = dataclasses.replace(cfg, role="controller")
        self._files = {role: [role_path(cfg.record, role)] for role in self._cfgs if role != "controller"}
        for role in ("controller", "arm", "twin", "renderer", "operator"):
            roles.start(self._cfgs[role])
            if role == "controller":
                roles.wait_ready()
        roles.wait_ready()

    def kill(self, target: str, *, again: bool) -> Kill:
        """End one role as a crash would, watch the others for a while, start it again where others follow."""
        self._wait(_BEFORE_S)
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
