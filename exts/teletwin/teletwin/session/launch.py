"""Starts the roles of a session as processes, and stops them together."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from types import TracebackType

from teletwin.errors import SaidError, TeletwinError
from teletwin.session.role_cfg import ROLES, RoleCfg, to_json
from teletwin.session.secret_source import VARIABLE
from teletwin.session.starvation import waited_s

_STOP_S = 5.0
"""For a role that writes its report on a busy machine; who takes longer hangs."""
_CONTROLLER_STOP_S = 0.5
_LOOK_S = 0.1
INTERRUPTED = 130
"""Exit status of a command that a person's Ctrl-C ended before it ran."""
REFUSED = 2
"""Exit status of a role that has said in one line why it cannot run."""
_ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "LP_NUM_THREADS": "1",  # software GL on one core: as fast for a picture, and the other is left to control
}


@dataclass(slots=True, kw_only=True)
class RoleProcess:
    """One running role."""

    name: str
    process: subprocess.Popen[str]
    told: bool = False
    """Whether it was told what to do."""
    ready: threading.Event = field(default_factory=threading.Event)
    text: str = ""
    """What the role said when it was ready."""


class Roles:
    """The processes of a session on this machine. A context manager: leaving it stops all."""

    def __init__(self, *, on_line: Callable[[str, str], None] | None = None) -> None:
        self.running: dict[str, RoleProcess] = {}
        self._on_line = on_line

    def prepare(self, name: str) -> None:
        """Start one role's process, which loads its libraries meanwhile and waits to be told what to do (`start`)."""
        inherited = {key: value for key, value in os.environ.items() if key != VARIABLE}  # it is told its key
        environment = inherited | _ENVIRONMENT
        command = [sys.executable, "-m", "teletwin.session.process", name]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, bufsize=1
        )
        self.running[name] = RoleProcess(name=name, process=process)

    def start(self, cfg: RoleCfg) -> None:
        """Start one role, in its prepared process where there is one; it ends when told, or when this process does."""
        if cfg.role not in self.running or self.running[cfg.role].told:
            self.prepare(cfg.role)
        role = self.running[cfg.role]
        role.told = True
        assert role.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # ended already, by Ctrl-C for example: `wait_ready` tells
            role.process.stdin.write(to_json(cfg) + "\n")
            role.process.stdin.flush()
        threading.Thread(target=self._read, args=(role,), daemon=True).start()

    def _read(self, role: RoleProcess) -> None:
        """Pass on what a role says."""
        assert role.process.stdout is not None
        for text in role.process.stdout:
            line = text.strip()
            if line.startswith("ready"):
                role.text = line[5:].strip()
                role.ready.set()
            if self._on_line is not None and line:
                self._on_line(role.name, line)

    def wait_ready(
        self, stop: threading.Event | None = None, *, only: Collection[str] = (), timeout_s: float = 120.0
    ) -> bool:
        """Wait until every role runs, or those named; False when `stop` was set before that.

        Time in which a role waited for a core is its machine's, and does not count.

        Raises:
            SaidError: A role refused, and has said why.
            TeletwinError: A role was ended or did not come up in time.
        """
        end_s = time.monotonic() + timeout_s
        for role in [each for name, each in self.running.items() if not only or name in only]:
            while not role.ready.wait(0.05):
                if stop is not None and stop.is_set():
                    return False
                if role.process.poll() is not None:
                    raise self.why_ended(role.name)
                if time.monotonic() > end_s + min(waited_s(role.process.pid), timeout_s):
                    raise TeletwinError(f"the {role.name} did not come up", given=f"{timeout_s:g} s")
        return True

    def ended(self) -> list[str]:
        """Names of the roles that have ended."""
        return [name for name, role in self.running.items() if role.process.poll() is not None]

    def why_ended(self, name: str) -> TeletwinError:
        """The error that tells how a role has ended: by its own refusal, by a crash, or by someone's signal."""
        code = self.running[name].process.returncode
        if code == REFUSED:
            return SaidError(f"the {name} refused")
        if code is not None and code < 0:
            return TeletwinError(f"the {name} was ended by a signal", given=signal.Signals(-code).name)
        return TeletwinError(f"the {name} ended unexpectedly", mend="its message stands above")

    def stop(self) -> None:
        """Stop every role, the arm's controller after those that talk to it; kill what does not end in time."""
        controller = [role for role in self.running.values() if role.name == "controller"]
        self._end([role for role in self.running.values() if role.name != "controller"], within_s=_STOP_S)
        self._end(controller, within_s=_CONTROLLER_STOP_S)

    def _end(self, ending: list[RoleProcess], *, within_s: float) -> None:
        """Ask these roles to end, wait, and kill those that have not."""
        for role in ending:
            if role.process.poll() is None:
                role.process.terminate()
        end_s = time.monotonic() + within_s
        waited_before_s = {role.name: waited_s(role.process.pid) for role in ending}
        for role in ending:
            if not _ends(role.process, end_s, waited_before_s[role.name], excused_s=within_s):
                role.process.kill()
                role.process.wait()
                sys.stderr.write(f"teletwin: the {role.name} did not end in {within_s:g} s and was killed\n")

    def __enter__(self) -> Roles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ends(process: subprocess.Popen[str], end_s: float, waited_before_s: float, *, excused_s: float) -> bool:
    """Wait for a process until end_s [s], and for as long, excused_s at most, as it got no core meanwhile."""
    while process.poll() is None:
        left_s = end_s + min(max(waited_s(process.pid) - waited_before_s, 0.0), excused_s) - time.monotonic()
        if left_s <= 0.0:
            return False
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(left_s, _LOOK_S))
    return True


def start_local(roles: Roles, cfg: RoleCfg, stop: threading.Event) -> bool:
    """Start every role on this machine and wait for all; False when `stop` was set before all ran."""
    return start_control(roles, cfg, stop) and wait_for_pictures(roles, stop)


def start_control(roles: Roles, cfg: RoleCfg, stop: threading.Event) -> bool:
    """Start every role on this machine, the arm's once its controller runs; wait for all but the pictures.

    False when `stop` was set before that.
    """
    session = local_session(cfg)
    arm = session.pop("arm")
    if cfg.session.starts_controller:
        roles.start(replace(cfg, role="controller"))
    for each in session.values():
        roles.start(each)
    roles.prepare("arm")
    if cfg.session.starts_controller and not roles.wait_ready(stop, only=("controller",)):
        return False
    roles.start(arm)
    return roles.wait_ready(stop, only=("controller", "twin", "operator", "arm"))


def wait_for_pictures(roles: Roles, stop: threading.Event) -> bool:
    """Wait for the renderer, however long a busy machine takes; the session may end before it. False at `stop`."""
    while not roles.running["renderer"].ready.wait(0.05):
        ended = roles.ended()
        if stop.is_set():
            return False
        if "renderer" in ended:
            raise roles.why_ended("renderer")
        if ended:
            break
    return True


def local_session(cfg: RoleCfg) -> dict[str, RoleCfg]:
    """The four roles of a session on this machine: free ports on loopback, one session id, one key."""
    addresses: dict[str, tuple[str, int] | None] = {
        role: ("127.0.0.1", port) for role, port in zip(ROLES, free_ports(len(ROLES)), strict=True)
    }
    common = replace(cfg, addresses=addresses, session_id=secrets.randbits(63) | 1)
    return {role: replace(common, role=role) for role in ROLES}


def free_ports(count: int) -> list[int]:
    """UDP ports on loopback that nobody uses now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
