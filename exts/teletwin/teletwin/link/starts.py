"""Which start of a peer is believed: a role that was started again is told from a recording of an old one.

Every role draws a number when it starts. Each datagram names it, and beside it the number of its
destination's start as far as the sender has heard it. With a key three rules hold for what comes in:

1. Only what names this very start of its destination counts. Its writer has heard that start, so nothing
   that was recorded before can be played back to it. What names none yet is answered with a bare probe,
   and one round trip later both sides have heard each other.
2. Another start of the sender takes the place of the one that is believed only when its datagram echoes
   a newer stamp of the destination than any before. Stamps of one start of the destination are in order,
   so a start that is over, but was held back on its way, cannot displace its successor for good.
3. A start that was replaced never comes back.

Within a start the sequence numbers tell replays (`teletwin.link.streams`); with another start they begin
anew. None of this needs a clock that survives a reboot. Without a key whoever can send can also forge,
and the third rule alone holds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

from teletwin.link.wire import Datagram

_MAX_REPLACED = 64


class Standing(Enum):
    """What the starts that a datagram names say about it."""

    CURRENT = "current"
    """Of the start that is believed."""
    NEW = "new"
    """The first of another start; it is believed from now on."""
    UNPROVEN = "unproven"
    """It does not name the start of its destination."""
    REPLACED = "replaced"
    """Of a start that is over."""


@dataclass(slots=True)
class _Believed:
    start: int
    echo_ns: int
    replaced: deque[int] = field(default_factory=lambda: deque(maxlen=_MAX_REPLACED))


class PeerStarts:
    """The believed start of every sender, by destination.

    Args:
        role: The own role.
        start: Number of its start, 1 ... 2**32 - 1.
        needs_proof: Whether datagrams are authentic, so that rules 1 and 2 can hold.
    """

    def __init__(self, *, role: str, start: int, needs_proof: bool) -> None:
        self._role, self._start, self._needs_proof = role, start, needs_proof
        self._believed: dict[tuple[str, str], _Believed] = {}

    def heard(self, peer: str) -> int:
        """Number of the start of `peer` that is believed; 0 before the first."""
        believed = self._believed.get((peer, self._role))
        return believed.start if believed is not None else 0

    def is_proven(self, datagram: Datagram) -> bool:
        """Whether the datagram names the start of its destination, where that is asked for."""
        return not self._needs_proof or datagram.heard_start == self._start_of(datagram.destination)

    def judge(self, datagram: Datagram) -> Standing:
        """Say what a datagram's starts tell, and believe a new one."""
        if not self.is_proven(datagram):
            return Standing.UNPROVEN
        stream = datagram.sender, datagram.destination
        believed = self._believed.get(stream)
        if believed is None:
            self._believed[stream] = _Believed(datagram.start, datagram.echo_ns)
            return Standing.CURRENT
        is_newer = datagram.echo_ns > believed.echo_ns
        if datagram.start == believed.start:
            believed.echo_ns = datagram.echo_ns if is_newer else believed.echo_ns
            return Standing.CURRENT
        if datagram.start in believed.replaced or (self._needs_proof and not is_newer):
            return Standing.REPLACED
        believed.replaced.append(believed.start)
        believed.start, believed.echo_ns = datagram.start, datagram.echo_ns
        return Standing.NEW

    def _start_of(self, destination: str) -> int:
        """The start that a datagram for `destination` must name; -1: nothing can, it is not known."""
        if destination == self._role:
            return self._start
        return self.heard(destination) or -1
