"""The imitated network on the receiver's side: datagrams wait here until they would have arrived."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from teletwin.link.delay import DelayLine, hop_seed
from teletwin.link.wire import ROLES, Datagram
from teletwin.messages import LinkSettings

_MAX_WAITING = 20_000

Arrival = tuple[int, int, str, Datagram, bytes]
"""Due time [ns], order of entry, hop, opened datagram, its bytes."""


class Ingress:
    """One delay line per hop into this role, and the datagrams under way."""

    def __init__(self, role: str, *, links: Mapping[str, LinkSettings], seed: int) -> None:
        self._lines = {
            peer: DelayLine(links.get(peer, LinkSettings()), hop_seed(seed, peer, role))
            for peer in ROLES
            if peer != role
        }
        self._waiting: list[Arrival] = []
        self._entered = 0
        self.lost_count = 0
        """Datagrams that the imitated network swallowed."""

    def set_link(self, peer: str, settings: LinkSettings) -> None:
        """Imitate another network on the hop from peer from now on."""
        self._lines[peer].settings = settings

    def enter(self, peer: str, datagram: Datagram, raw: bytes, t_ns: int) -> None:
        """Send a datagram that came from peer at t_ns [ns] through the imitated network."""
        dues = self._lines[peer].offer(t_ns, len(raw))
        if not dues or len(self._waiting) >= _MAX_WAITING:
            self.lost_count += 1
            return
        for due_ns in dues:
            self._entered += 1
            heapq.heappush(self._waiting, (due_ns, self._entered, peer, datagram, raw))

    def leave(self, now_ns: int) -> list[Arrival]:
        """What has arrived by now_ns [ns], oldest first."""
        arrived: list[Arrival] = []
        while self._waiting and self._waiting[0][0] <= now_ns:
            arrived.append(heapq.heappop(self._waiting))
        return arrived

    def next_due_ns(self) -> int | None:
        """When the next datagram arrives [ns]; None when nothing is under way."""
        return self._waiting[0][0] if self._waiting else None
