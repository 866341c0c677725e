"""`teletwin run` on each host: started in its namespace, watched, and stopped with all its processes."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence

from teletwin.bench.three_hosts.namespaces import Namespaces
from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.errors import TeletwinError

_PR_SET_PDEATHSIG = 1
_STOP_S = 6.0
_READY_S = 90.0
_LOOK_NS = 20 * NS_PER_MS
_COMMAND = (sys.executable, "-c", "import sys; from teletwin.cli import main; sys.exit(main())", "run", "--role")


class Host:
    """One `teletwin run`."""

    def __init__(self, role: str, command: Sequence[str]) -> None:
        self.role = role
        self.said: deque[str] = deque(maxlen=50)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the launcher, which knows the order of things
            preexec_fn=_end_with_parent,  # a launcher that was killed leaves nobody behind
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.strip())

    @property
    def is_ready(self) -> bool:
        """Whether the role has said that it runs."""
        return any(f"the {self.role} runs" in line for line in list(self.said))

    @property
    def status(self) -> int | None:
        """Exit status; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Let it stop its processes and end."""
        if self._process.poll() is None:
            self._process.terminate()

    def end(self, *, within_s: float) -> None:
        """Wait for its end; kill it after within_s [s]. Its roles end with it."""
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Hosts:
    """The three hosts' processes. A context manager: leaving it stops all that was started."""

    def __init__(self, namespaces: Namespaces, clock: Clock) -> None:
        self._namespaces, self._clock = namespaces, clock
        self.running: dict[str, Host] = {}

    def __enter__(self) -> Hosts:
        return self

    def __exit__(self, *exc: object) -> None:
        for host in self.running.values():
            host.ask_to_end()
        for host in self.running.values():
            host.end(within_s=_STOP_S)

    def start(self, role: str, arguments: Sequence[str]) -> None:
        """Start a role in its namespace."""
        there = ("ip", "netns", "exec", self._namespaces.names[role])
        self.running[role] = Host(role, [*there, *_COMMAND, role, *arguments])

    def wait_ready(self, *roles: str) -> None:
        """Wait until these roles run.

        Raises:
            TeletwinError: One ended before that, or did not come up.
        """
        end_ns = self._clock.now_ns() + round(_READY_S * NS_PER_S)
        while not all(self.running[role].is_ready for role in roles):
            self.require_running()
            if self._clock.now_ns() > end_ns:
                missing = next(role for role in roles if not self.running[role].is_ready)
                raise TeletwinError(f"the {missing} did not come up", given=f"{_READY_S:g} s")
            self._clock.sleep_until(self._clock.now_ns() + _LOOK_NS)

    def end(self, role: str) -> None:
        """Stop one role as its own Ctrl-C would: an operator writes its report."""
        self.running[role].ask_to_end()
        self.running[role].end(within_s=_STOP_S)

    def watch(self, each: Callable[[], None]) -> None:
        """Call `each` every 20 ms until the operator ends well.

        Raises:
            TeletwinError: A role ended that should not have, or the operator's session failed.
        """
        operator = self.running["operator"]
        while operator.status is None:
            self.require_running()
            each()
            self._clock.sleep_until(self._clock.now_ns() + _LOOK_NS)
        if operator.status:
            raise TeletwinError("the operator's session failed", mend="its message stands above")

    def require_running(self) -> None:
        """Raise when a role has ended with an error, or at all where it should go on."""
        for role, host in self.running.items():
            if host.status is not None and (host.status or role != "operator"):
                raise TeletwinError(f"the {role}'s host ended", mend="its message stands above")


def _end_with_parent() -> None:
    """Ask the kernel for a signal when the launcher is gone, however it went."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
