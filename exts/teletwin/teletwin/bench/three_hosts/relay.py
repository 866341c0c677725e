"""The emulated network between the hosts: every packet through the delay line of its hop, each counted, none early."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from teletwin.bench.three_hosts.hops import WAYS, Hops
from teletwin.clock import NS_PER_MS
from teletwin.link.delay import DelayLine, hop_seed
from teletwin.messages import LinkSettings
from teletwin.telemetry import LatencyHistogram

_MAX_WAITING = 20_000
_IPV4 = 4
_DESTINATION = slice(16, 20)


class Relay:
    """Holds packets until they are due; it is told the time, and touches no device.

    Args:
        addresses: Host to its four address bytes.
        seed: Seed of every draw; one seed treats the same packets alike.
    """

    def __init__(self, addresses: Mapping[str, bytes], *, seed: int) -> None:
        self._host = {address: host for host, address in addresses.items()}
        self._lines = {way: DelayLine(LinkSettings(), hop_seed(seed, *way)) for way in WAYS.values()}
        self._hop = {way: hop for hop, way in WAYS.items()}
        self._waiting: list[tuple[int, int, str, bytes]] = []
        self._entered = 0
        self.reset_figures()

    def reset_figures(self) -> None:
        """Count anew."""
        self._late_ms = LatencyHistogram()
        self._offered = dict.fromkeys(WAYS, 0)
        self._lost = dict.fromkeys(WAYS, 0)
        self.unroutable_count = self.unsent_count = 0

    def change(self, hops: Hops) -> None:
        """Emulate another network from now on."""
        for hop, settings in hops.items():
            self._lines[WAYS[hop]].settings = settings

    def offer(self, host: str, packet: bytes, now_ns: int) -> None:
        """Take a packet that a host sent at now_ns [ns]; one for nobody on the network is only counted."""
        is_ipv4 = len(packet) >= _DESTINATION.stop and packet[0] >> 4 == _IPV4
        way = host, self._host.get(packet[_DESTINATION], "") if is_ipv4 else ""
        if way not in self._lines:
            self.unroutable_count += 1
            return
        self._offered[self._hop[way]] += 1
        dues = self._lines[way].offer(now_ns, len(packet))
        if not dues or len(self._waiting) >= _MAX_WAITING:
            self._lost[self._hop[way]] += 1
            return
        for due_ns in dues:
            self._entered += 1
            heapq.heappush(self._waiting, (due_ns, self._entered, way[1], packet))

    def leave(self, now_ns: int) -> list[tuple[str, bytes]]:
        """Packets that are due at now_ns [ns] with the hosts that they are for; notes how late each is."""
        out: list[tuple[str, bytes]] = []
        while self._waiting and self._waiting[0][0] <= now_ns:
            due_ns, _, host, packet = heapq.heappop(self._waiting)
            self._late_ms.add((now_ns - due_ns) / NS_PER_MS)
            out.append((host, packet))
        return out

    def next_due_ns(self) -> int | None:
        """When the next packet is due [ns]; None when nothing is under way."""
        return self._waiting[0][0] if self._waiting else None

    def figures(self) -> dict[str, Any]:
        """What the relay did since the last reset, its own lateness before all."""
        return {
            "lateness_ms": self._late_ms.summary() if self._late_ms.count else None,
            "packet_count": dict(self._offered),
            "lost_count": dict(self._lost),
            "unroutable_count": self.unroutable_count,
            "unsent_count": self.unsent_count,
        }
