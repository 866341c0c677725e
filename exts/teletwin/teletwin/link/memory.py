"""Links between roles in one process: the same protocol and imitated network, no sockets.

On a virtual clock a run with the same seed repeats bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teletwin.clock import Clock
from teletwin.errors import ConfigError
from teletwin.link import Received
from teletwin.link.endpoint import Endpoint, EndpointCfg
from teletwin.link.greeting import Greeting
from teletwin.link.ingress import Ingress, Passing
from teletwin.link.passed import read_passed
from teletwin.link.streams import StreamCounts, Volume
from teletwin.messages import LinkSettings, Message


class MemoryNetwork:
    """The room in which the links of one session find each other."""

    def __init__(
        self, clock: Clock, *, seed: int = 0, session_id: int = 0, key: bytes | None = None, repairs: bool = True
    ) -> None:
        self._clock, self._repairs = clock, repairs
        self._seed = seed
        self._session_id, self._key = session_id, key
        self._start_count = 0
        self._links: dict[str, MemoryLink] = {}

    def link(
        self,
        role: str,
        *,
        links: Mapping[str, LinkSettings] | None = None,
        relays: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        max_age_s: float = 1.0,
        shared_mbps: float = 0.0,
    ) -> MemoryLink:
        """The link of one role.

        Args:
            role: Its name; each role has one link.
            links: The network to imitate on the hop from a peer to this role.
            relays: Sender to the peer that may forward its datagrams.
            clock: This role's own clock, if it is not the network's.
            max_age_s: Age [s] beyond which poses, commands and states are dropped on arrival.
            shared_mbps: What pictures and updates to this role may take together [Mb/s]; 0 is unlimited.
        """
        if role in self._links:
            raise ConfigError("a role has one link only", given=role)
        self._start_count += 1
        cfg = EndpointCfg(
            role=role,
            session_id=self._session_id,
            start=self._start_count,
            key=self._key,
            relays=relays or {},
            max_age_s=max_age_s,
            repairs=self._repairs,
        )
        ingress = Ingress(role, links=links or {}, seed=self._seed, shared_mbps=shared_mbps)
        self._links[role] = MemoryLink(self, cfg, ingress, clock or self._clock)
        return self._links[role]

    def end(self, role: str) -> None:
        """The role's process has ended: nothing reaches it any more, and its next link is another start."""
        del self._links[role]

    def carry(self, sender: str, receiver: str, raw: bytes) -> bool:
        """Hand a datagram to the receiver's side of the network; False when no such role is there."""
        link = self._links.get(receiver)
        if link is not None:
            link.take(sender, raw)
        return link is not None

    def peers_of(self, role: str) -> list[str]:
        """Every other role that has a link."""
        return [peer for peer in self._links if peer != role]


class MemoryLink:
    """A role's link inside a MemoryNetwork; see `teletwin.link.Link`."""

    def __init__(self, network: MemoryNetwork, cfg: EndpointCfg, ingress: Ingress, clock: Clock) -> None:
        self._network = network
        self._cfg = cfg
        self._ingress = ingress
        self._clock = clock
        self._endpoint = Endpoint(cfg, clock)
        self._received: list[Received] = []

    def __enter__(self) -> MemoryLink:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def send(self, peer: str, message: Message) -> None:
        """Send now; what cannot be sent is counted."""
        self._send_all([(peer, raw) for raw in self._endpoint.write(peer, message)])

    def send_reliable(self, peer: str, message: Message) -> None:
        """Send now and, from later calls of receive, again until the peer confirms."""
        self._send_all([(peer, raw) for raw in self._endpoint.write(peer, message, reliable=True)])

    def forward(self, peer: str, raw: bytes) -> None:
        """Pass a received datagram on, closed anew for peer."""
        self._send_all([(peer, closed) for closed in self._endpoint.forward(peer, raw)])

    def take(self, hop: str, raw: bytes) -> None:
        """Let a datagram from the neighbour `hop` enter this role's imitated network now."""
        now_ns = self._clock.now_ns()
        entered = self._endpoint.enter(raw, hop, now_ns)
        self._send_all([(hop, reply) for reply in entered.replies])
        if entered.datagram is not None:
            self._ingress.enter(hop, Passing(entered.datagram, entered.body, len(raw), hop), now_ns)
        if isinstance(entered.datagram, Greeting):  # what follows may be under the keys that it makes
            self._leave(now_ns)

    def receive(self) -> list[Received]:
        """Everything that has arrived by now, oldest first; also answers and repeats what is due."""
        now_ns = self._clock.now_ns()
        self._leave(now_ns)
        received, self._received = self._received, []
        self._send_all(self._endpoint.due(now_ns, self._network.peers_of(self._cfg.role)))
        return received

    def next_due_ns(self) -> int | None:
        """When the next datagram arrives or a repeat is due [ns]; None when nothing is under way."""
        times = [t for t in (self._ingress.next_due_ns(), self._endpoint.next_due_ns()) if t is not None]
        return min(times, default=None)

    @property
    def volume(self) -> Volume:
        """What this role has sent so far."""
        return self._endpoint.volume

    def set_link(self, peer: str, settings: LinkSettings) -> None:
        """Imitate another network on the hop from peer to this role from now on."""
        self._ingress.set_link(peer, settings)

    def set_shared(self, rate_mbps: float) -> None:
        """Let pictures and updates from all peers together take so much from now on [Mb/s]; 0 is unlimited."""
        self._ingress.set_shared(rate_mbps)

    def shared_wait_ms(self) -> float:
        """How long a picture that comes now waits for others to pass [ms]."""
        return self._ingress.shared_wait_ms()

    def offset_ns(self, peer: str) -> int:
        """Estimate of (peer's clock - own clock) [ns]; 0 until known."""
        return self._endpoint.offset_ns(peer, self._clock.now_ns())

    def is_clock_known(self, peer: str) -> bool:
        """Whether the times of peer's messages are on this role's clock already."""
        return self._endpoint.sync(peer).is_known

    def round_trip_ns(self, peer: str) -> int:
        """Shortest round trip to peer in the last ten seconds [ns]; 0 until known."""
        return self._endpoint.sync(peer).round_trip_ns

    def heard_ns(self, peer: str) -> int:
        """Arrival of the newest datagram straight from peer [ns]; 0 before the first."""
        return self._endpoint.heard_ns(peer)

    def peer_problem(self, peer: str) -> str:
        """Why peer and this role do not understand each other; empty when nothing is known to be wrong."""
        return self._endpoint.problem(peer)

    def counters(self) -> dict[str, int]:
        """Totals since the start by name."""
        return self._endpoint.counters() | {"imitated_loss": self._ingress.lost_count}

    def streams(self) -> dict[tuple[str, str, str], StreamCounts]:
        """Totals of each incoming stream by sender, destination and kind of message."""
        return self._endpoint.streams()

    def _leave(self, now_ns: int) -> None:
        """Read what has passed the imitated network by now_ns [ns]."""
        self._received.extend(read_passed(self._ingress, self._endpoint, now_ns, self._greet))

    def _greet(self, greeting: Greeting, arrived_ns: int, source: Any) -> None:
        """Answer a greeting the way it came."""
        self._send_all([(source, reply) for reply in self._endpoint.greeted(greeting, arrived_ns).replies])

    def _send_all(self, outgoing: list[tuple[str, bytes]]) -> None:
        for peer, raw in outgoing:
            if not self._network.carry(self._cfg.role, peer, raw):
                self._endpoint.totals["unsent"] += 1
