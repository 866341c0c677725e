"""Network namespaces of this machine: made for one run, gone after it, whatever happened."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from teletwin.errors import ConfigError, MissingPartError

FOLDER = Path("/run/netns")
_NAME = re.compile(r"teletwin-(\d+)-\d+-[a-z]+")
_NETWORK = 0x40000000
_RIGHTS = {"CAP_NET_ADMIN": 12, "CAP_SYS_ADMIN": 21}
_RUNS = itertools.count()

Run = Callable[[Sequence[str]], None]
"""Runs a command; raises ConfigError when it fails."""


def run_command(command: Sequence[str]) -> None:
    """Run a command of the system.

    Raises:
        ConfigError: It failed; the text holds its own words.
    """
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError("the network cannot be set up", given=" ".join(command), mend=said[-1] if said else "")


def require_namespaces() -> None:
    """Refuse where namespaces cannot be made.

    Raises:
        MissingPartError: What is missing, and what to do about it.
    """
    if sys.platform != "linux":
        raise MissingPartError("three hosts on one machine need Linux", given=sys.platform)
    if shutil.which("ip") is None:
        raise MissingPartError("iproute2 is not installed", mend="apt-get install iproute2")
    missing = [name for name, bit in _RIGHTS.items() if not _rights() >> bit & 1]
    if missing:
        raise MissingPartError(
            "network namespaces need rights that this process has not",
            given=f"no {' and no '.join(missing)}",
            mend="run it as root (sudo), in a container with --privileged; or try --virtual, which needs nothing",
        )


def _rights() -> int:
    """Effective capabilities of this process, a bit each."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), 16)


class Namespaces:
    """One network namespace for each host, by name. A context manager: leaving it removes them.

    Names hold the number of this process. Those of a process that is no more (it was killed) are removed
    before new ones are made.
    """

    def __init__(self, hosts: Sequence[str], *, run: Run = run_command, folder: Path = FOLDER) -> None:
        run_number = next(_RUNS)
        self.names = {host: f"teletwin-{os.getpid()}-{run_number}-{host}" for host in hosts}
        self._run, self._folder = run, folder
        self._made: list[str] = []

    def __enter__(self) -> Namespaces:
        self._remove_left_over()
        try:
            for name in self.names.values():
                self._made.append(name)  # first: what was interrupted half-way is removed as well
                self._run(["ip", "netns", "add", name])
                self._run(["ip", "-n", name, "link", "set", "lo", "up"])
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._remove()

    def path(self, host: str) -> str:
        """The file that stands for a host's namespace."""
        return str(self._folder / self.names[host])

    def ip(self, host: str, *arguments: str) -> None:
        """Run `ip` in a host's namespace."""
        self._run(["ip", "-n", self.names[host], *arguments])

    def _remove(self) -> None:
        while self._made:
            with contextlib.suppress(ConfigError):
                self._run(["ip", "netns", "delete", self._made[-1]])
            self._made.pop()

    def _remove_left_over(self) -> None:
        """What a process left behind that could not clean up."""
        names = [path.name for path in self._folder.glob("teletwin-*")] if self._folder.is_dir() else []
        for name in names:
            match = _NAME.fullmatch(name)
            if match and not Path(f"/proc/{match[1]}").exists():
                with contextlib.suppress(ConfigError):
                    self._run(["ip", "netns", "delete", name])


@contextlib.contextmanager
def inside(path: str) -> Iterator[None]:
    """Have this thread in the namespace at `path` for the block; a socket or device made there stays there.

    Raises:
        ConfigError: It cannot be entered.
    """
    with open("/proc/thread-self/ns/net", "rb") as home:
        try:
            with open(path, "rb") as there:
                _enter(there.fileno(), path)
        except OSError as error:
            raise ConfigError("there is no such network namespace", given=path, mend=error.strerror or "") from None
        try:
            yield
        finally:
            _enter(home.fileno(), "the namespace that this process started in")


def _enter(handle: int, what: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(handle, _NETWORK):
        raise ConfigError("a network namespace cannot be entered", given=what, mend=os.strerror(ctypes.get_errno()))
