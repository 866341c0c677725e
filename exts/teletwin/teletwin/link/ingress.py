"""The imitated network on the receiver's side: datagrams wait here until they would have arrived."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import NamedTuple

from teletwin.link.delay import DelayLine, hop_seed
from teletwin.link.greeting import Greeting
from teletwin.link.shared import SharedBottleneck
from teletwin.link.wire import ROLES, Datagram, Kind
from teletwin.messages import LinkSettings

_MAX_WAITING = 20_000
SHARED_KINDS = frozenset({Kind.FRAME, Kind.TWIN_STATUS})
"""Pictures and updates share the bottleneck; all the rest (commands, stops, notes, stamps) has the reserved lane."""


class Passing(NamedTuple):
    """An opened datagram on its way through the imitated network."""

    datagram: Datagram | Greeting
    body: bytes
    byte_count: int
    """Of the datagram as it came."""
    source: object
    """Where it came from, as its transport says that."""


Arrival = tuple[int, int, Passing]
"""Due time [ns], order of entry, and what comes."""


class Ingress:
    """One delay line per hop into this role, the bottleneck behind them all, and the datagrams under way."""

    def __init__(self, role: str, *, links: Mapping[str, LinkSettings], seed: int, shared_mbps: float = 0.0) -> None:
        self._lines = {
            peer: DelayLine(links.get(peer, LinkSettings()), hop_seed(seed, peer, role))
            for peer in ROLES
            if peer != role
        }
        self._waiting: list[Arrival] = []
        self._shared: SharedBottleneck[Arrival] = SharedBottleneck(shared_mbps)
        self._entered = 0
        self.lost_count = 0
        """Datagrams that the imitated network swallowed."""

    def set_link(self, peer: str, settings: LinkSettings) -> None:
        """Imitate another network on the hop from peer from now on."""
        self._lines[peer].settings = settings

    def set_shared(self, rate_mbps: float) -> None:
        """Let pictures and updates from all peers together take so much from now on [Mb/s]; 0 is unlimited.

        Raises:
            ConfigError: That is no rate.
        """
        self._shared.rate_mbps = rate_mbps

    def shared_wait_ms(self) -> float:
        """How long a picture that comes now waits for others to pass [ms]."""
        return self._shared.wait_ms()

    def enter(self, peer: str, passing: Passing, t_ns: int) -> None:
        """Send a datagram that came from peer at t_ns [ns] through the imitated network."""
        dues = self._lines[peer].offer(t_ns, passing.byte_count)
        if not dues or len(self._waiting) >= _MAX_WAITING:
            self.lost_count += 1
            return
        for due_ns in dues:
            self._entered += 1
            heapq.heappush(self._waiting, (due_ns, self._entered, passing))

    def leave(self, now_ns: int) -> list[Arrival]:
        """What has arrived by now_ns [ns], oldest first."""
        arrived: list[Arrival] = []
        is_free = self._shared.is_idle
        while self._waiting and self._waiting[0][0] <= now_ns:
            arrival = heapq.heappop(self._waiting)
            if is_free or self._is_reserved(arrival):
                arrived.append(arrival)
        if not is_free:
            arrived += [(due_ns, *arrival[1:]) for due_ns, arrival in self._shared.leave(now_ns)]
            arrived.sort(key=lambda arrival: arrival[:2])
        return arrived

    def _is_reserved(self, arrival: Arrival) -> bool:
        """Whether it passes the bottleneck at once; else it queues there, or is lost."""
        due_ns, _, (datagram, _, byte_count, _) = arrival
        if isinstance(datagram, Greeting) or datagram.kind not in SHARED_KINDS:
            self._shared.pass_by(byte_count, due_ns)
            return True
        self.lost_count += not self._shared.enter(arrival, byte_count, due_ns)
        return False

    def next_due_ns(self) -> int | None:
        """When the next datagram arrives [ns]; None when nothing is under way."""
        times = [self._waiting[0][0]] if self._waiting else []
        shared_ns = self._shared.next_due_ns()
        return min([*times, *([] if shared_ns is None else [shared_ns])], default=None)
