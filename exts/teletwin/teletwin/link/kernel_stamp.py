"""When the kernel got a datagram, so that a reader who comes late does not lengthen its age.

Linux stamps datagrams on request (socket(7), SO_TIMESTAMPNS). Elsewhere nothing is known and the time of
reading stands for the time of arrival.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

from teletwin.clock import NS_PER_MS, NS_PER_S, wall_age_ns

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_LONGEST_WAIT_NS = 200 * NS_PER_MS

ANCILLARY_BYTES = 64
"""Room for the stamp beside a datagram."""


def stamp_arrivals(sock: socket.socket) -> None:
    """Ask the kernel to stamp what arrives, where it can."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def waited_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """How long [ns] a datagram waited to be read, by the stamp that came with it; 0 without one.

    A wait beyond 200 ms is cut to that: the stamp is on the wall clock, which somebody may have set.
    """
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            return min(wall_age_ns(seconds * NS_PER_S + nanoseconds), _LONGEST_WAIT_NS)
    return 0
