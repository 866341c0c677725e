"""What DDS readers receive, stamped as it comes: the loop may come late for it, or wait for it beside other sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from teletwin.clock import Clock
from teletwin.dds.domain import favour, import_cyclone

_LOOK_UP_NS = 500_000_000
_MOST = _TAKEN_MAX = 512
_KEPT = 4096


class Arrived(NamedTuple):
    """One sample."""

    t_ns: int
    """When it was taken from Cyclone, own clock."""
    name: str
    """Which reader got it."""
    cdr: bytes
    """The message with its encapsulation header."""


class Inbox:
    """Takes what the readers of raw types get, in a thread of its own. A context manager: enter starts the thread.

    Cyclone's own call-backs would ask for the interpreter's lock within its receiving thread, while a reader who
    holds that lock may wait for the thread; this one waits outside of both.
    """

    def __init__(self, participant: Any, readers: Mapping[str, Any], clock: Clock) -> None:
        core = import_cyclone("core")
        self._readers, self._clock = dict(readers), clock
        self.bell, self._ringer = socket.socketpair()
        """Readable while something waits in here."""
        self.bell.setblocking(False)
        self._error = core.DDSException
        self._waits = core.WaitSet(participant)
        self._end = core.GuardCondition(participant)
        mask = core.ViewState.Any | core.InstanceState.Any | core.SampleState.NotRead
        self._conditions = [self._end, *(core.ReadCondition(reader, mask) for reader in self._readers.values())]
        for condition in self._conditions:
            self._waits.attach(condition)
        self._arrived: deque[Arrived] = deque(maxlen=_KEPT)
        self._rung = self._ended = False
        self._thread = threading.Thread(target=self._watch, name="dds-inbox", daemon=True)

    def __enter__(self) -> Inbox:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended = True
        self._end.set(True)
        self._thread.join(timeout=2.0)
        self.bell.close()
        self._ringer.close()

    def take(self, on_arrived: Callable[[Arrived], None]) -> None:
        """Hand over what has come by now, oldest first, up to a bound; the rest waits for the next call."""
        if self._rung:
            with contextlib.suppress(BlockingIOError):
                self.bell.recv(64)
            self._rung = False
        for _ in range(min(len(self._arrived), _TAKEN_MAX)):  # more may come while these are read
            on_arrived(self._arrived.popleft())
        if self._arrived and not self._rung:
            self._rung = True
            self._ringer.send(b"!")

    def _watch(self) -> None:
        favour(threading.get_native_id())
        while not self._ended:
            if self._waits.wait(_LOOK_UP_NS) and not self._ended:
                t_ns = self._clock.now_ns()
                for name, reader in self._readers.items():
                    self._read(name, reader, t_ns)
                if self._arrived and not self._rung:
                    self._rung = True
                    self._ringer.send(b"!")

    def _read(self, name: str, reader: Any, t_ns: int) -> None:
        with contextlib.suppress(self._error):
            for sample in reader.take(_MOST):
                if sample.sample_info.valid_data:
                    self._arrived.append(Arrived(t_ns, name, sample.cdr))
