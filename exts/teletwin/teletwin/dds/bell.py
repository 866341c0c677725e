"""A socket that becomes readable when DDS readers have something: for loops that wait for other sockets too."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterable
from typing import Any

from teletwin.dds.domain import import_cyclone

_LOOK_UP_NS = 500_000_000


class Bell:
    """Rings once, and again only after `quiet` was called. A context manager: enter starts its thread.

    Cyclone's own call-backs would take the interpreter's lock within its receiving thread, while a reader who holds
    that lock may wait for the thread; this one waits outside of both.
    """

    def __init__(self, participant: Any, readers: Iterable[Any]) -> None:
        core = import_cyclone("core")
        self.socket, self._ringer = socket.socketpair()
        """Readable while it rings."""
        self.socket.setblocking(False)
        self._waits = core.WaitSet(participant)
        self._end = core.GuardCondition(participant)
        self._waits.attach(self._end)
        mask = core.ViewState.Any | core.InstanceState.Any | core.SampleState.NotRead
        self._conditions = [core.ReadCondition(reader, mask) for reader in readers]
        for condition in self._conditions:
            self._waits.attach(condition)
        self._armed = threading.Event()
        self._armed.set()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name="dds-bell", daemon=True)

    def __enter__(self) -> Bell:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended = True
        self._end.set(True)
        self._armed.set()
        self._thread.join(timeout=2.0)
        self.socket.close()
        self._ringer.close()

    def quiet(self) -> None:
        """Ring again at what comes, or is left, from now on; called when the readers were read."""
        with contextlib.suppress(BlockingIOError):
            self.socket.recv(64)
        self._armed.set()

    def _watch(self) -> None:
        while not self._ended:
            self._armed.wait()
            if self._waits.wait(_LOOK_UP_NS) and not self._ended:
                self._armed.clear()
                self._ringer.send(b"!")
