"""A process that its launcher left alone ends in time, whatever its own code does.

A thread cannot promise that: a native library that waits with the interpreter locked stops every thread of Python. So
a small process of its own watches. It needs no library and holds nothing but the pipe from the launcher.
"""

from __future__ import annotations

import os
import select
import signal
import sys

LIMIT_S = 1.4
"""From the end of standard input to the end of the process: two seconds are promised, and a kill takes its time."""
_LOOK_MS = 100
"""Between two looks where a process cannot be waited for by a file descriptor."""


def end_when_left_alone(*, limit_s: float = LIMIT_S) -> None:
    """Have this process killed limit_s [s] after its standard input ended, unless it has ended before.

    To be called first, before threads and sockets are made. The standard input is not read.
    """
    if not hasattr(os, "fork"):
        return
    sys.stdout.flush()
    watched = os.getpid()
    if os.fork() == 0:
        try:
            _watch(watched, limit_s)
        finally:
            os._exit(0)


def _watch(watched: int, limit_s: float) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the launcher's Ctrl-C reaches the whole group
        signal.signal(number, signal.SIG_IGN)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)  # the launcher reads until the last writer has closed
    os.dup2(silent, 2)
    process = _Watched(watched)
    while not _has_ended_input(process):
        if process.has_ended:
            return
    if not process.ends_within(limit_s):
        process.kill()


class _Watched:
    """The process that is watched: this one's parent."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return os.getppid() != self._pid

    def ends_within(self, limit_s: float) -> bool:
        """Wait for its end, limit_s [s] at most; tell whether it came."""
        if self.descriptor is not None:
            return bool(select.select([self.descriptor], [], [], limit_s)[0])
        for _ in range(int(1000 * limit_s) // _LOOK_MS):
            if self.has_ended:
                return True
            select.select([], [], [], _LOOK_MS / 1000)
        return self.has_ended

    def kill(self) -> None:
        """End it now."""
        if not self.has_ended:
            os.kill(self._pid, signal.SIGKILL)


def _has_ended_input(process: _Watched) -> bool:
    """Wait until the launcher's end of standard input is closed (True), or the process is gone."""
    poll = select.poll()
    poll.register(0, 0)  # a closed end is told unasked; what stands in the pipe is for the process
    if process.descriptor is not None:
        poll.register(process.descriptor, select.POLLIN)
    found = poll.poll(None if process.descriptor is not None else _LOOK_MS)
    return any(number == 0 for number, _ in found)
