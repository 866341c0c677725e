"""Every report of a controller, none left out: an RTDE client that only listens."""

from __future__ import annotations

import socket
import struct
import threading

import numpy as np

from teletwin.arm.rtde_connection import RTDE_PORT
from teletwin.arm.virtual_ur import wire
from teletwin.arm.virtual_ur.wire import Kind
from teletwin.clock import Clock
from teletwin.geometry import Array

_RATE_HZ = 500.0
_NAMES = b"actual_q,target_q"
_REPORT = struct.Struct(">B12d")


class ControllerListener:
    """Joints of each cycle as the controller tells them, with the time of their arrival. A context manager."""

    def __init__(self, host: str, clock: Clock) -> None:
        self._clock, self._socket = clock, socket.create_connection((host, RTDE_PORT), timeout=5.0)
        self._buffer = bytearray()
        self._rows: list[tuple[int, tuple[float, ...]]] = []
        self._ask(Kind.PROTOCOL, struct.pack(">H", wire.PROTOCOL_VERSION))
        self._ask(Kind.OUTPUTS, struct.pack(">d", _RATE_HZ) + _NAMES)
        self._ask(Kind.START, b"")
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> ControllerListener:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    @property
    def count(self) -> int:
        """Reports so far."""
        return len(self._rows)

    def joints(self, since: int = 0) -> Array:
        """Measured joints (n, 6) [rad], a cycle apart."""
        return np.array([row[1][:6] for row in self._rows[since:]]).reshape(-1, 6)

    def reference(self, since: int = 0) -> Array:
        """The controller's own reference (n, 6) [rad], a cycle apart."""
        return np.array([row[1][6:] for row in self._rows[since:]]).reshape(-1, 6)

    def times_ns(self, since: int = 0) -> list[int]:
        """When each report came [ns]."""
        return [row[0] for row in self._rows[since:]]

    def _ask(self, kind: Kind, payload: bytes) -> None:
        self._socket.sendall(wire.frame(kind, payload))

    def _listen(self) -> None:
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except OSError:
                return
            if not data:
                return
            self._buffer += data
            now_ns = self._clock.now_ns()
            for kind, payload in wire.split(self._buffer):
                if kind == Kind.DATA and len(payload) == _REPORT.size:
                    self._rows.append((now_ns, _REPORT.unpack(payload)[1:]))
