"""Links over DDS topics: the same protocol, seal and imitated network as over plain UDP, published and subscribed."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Sequence
from typing import Any

from teletwin.clock import NS_PER_S, Clock
from teletwin.dds.domain import DdsDomain, DomainCfg, address_towards, free_udp_port
from teletwin.dds.inbox import Arrived, Inbox
from teletwin.errors import ConfigError
from teletwin.link import Received
from teletwin.link.addresses import is_loopback, resolve
from teletwin.link.datagram_topic import DOMAIN_ID, DatagramTopics, octets_of
from teletwin.link.endpoint import Endpoint
from teletwin.link.greeting import Greeting
from teletwin.link.ingress import Ingress, Passing
from teletwin.link.passed import read_passed
from teletwin.link.streams import StreamCounts
from teletwin.link.udp import PEER_HZ, UdpLinkCfg
from teletwin.messages import LinkSettings, Message
from teletwin.safety import RateLimits

_ANY = "0.0.0.0"


class DdsLink:
    """A role's link over DDS topics; see `teletwin.link.Link`. Not for several threads at once.

    Addresses and ports are those of the plain link; DDS finds the peers there by unicast. One that is None finds
    this role by itself. Which topic a datagram came on tells which neighbour sent it; who wrote it tells the seal.
    """

    def __init__(self, cfg: UdpLinkCfg, clock: Clock) -> None:
        self._cfg = cfg
        self._clock = clock
        self._endpoint = Endpoint(cfg.endpoint(), clock)
        self._ingress = Ingress(cfg.role, links=cfg.links, seed=cfg.seed, shared_mbps=cfg.shared_mbps)
        self._port = cfg.port
        self._peers = tuple(cfg.peers)
        self._rates = RateLimits(rate_hz=PEER_HZ, burst=PEER_HZ / 4.0, most=16)
        self._topics: DatagramTopics | None = None
        self._inbox: Inbox | None = None
        self._open = contextlib.ExitStack()
        self._received: list[Received] = []

    def __enter__(self) -> DdsLink:
        host = resolve(self._cfg.bind, self._cfg.port, family=socket.AF_INET)[0]
        peers = [resolve(*where, family=socket.AF_INET) for where in self._cfg.peers.values() if where is not None]
        if host == _ANY:  # DDS listens on one interface: a role on this host is found there too
            host = address_towards(each for each, _ in peers)
            peers = [(host if is_loopback(each) else each, port) for each, port in peers]
        self._port = self._cfg.port or free_udp_port(host)
        domain = DomainCfg(
            domain_id=DOMAIN_ID,
            interface=host,
            port=self._port,
            peers=tuple(f"{each}:{port}" for each, port in peers),
        )
        with contextlib.ExitStack() as opening:
            participant = opening.enter_context(DdsDomain(domain)).participant
            cfg = self._cfg
            topics = DatagramTopics(participant, session_id=cfg.session_id, role=cfg.role, peers=self._peers)
            self._inbox = opening.enter_context(Inbox(participant, topics.readers, self._clock))
            self._topics = topics
            self._open = opening.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._topics, self._inbox = None, None
        self._open.close()

    @property
    def port(self) -> int:
        """The UDP port of this role's part in DDS."""
        return self._port

    def send(self, peer: str, message: Message) -> None:
        """Send now; what cannot be sent is counted."""
        self._send_all([(peer, raw) for raw in self._endpoint.write(peer, message)])

    def send_reliable(self, peer: str, message: Message) -> None:
        """Send now and, from later calls of receive, again until the peer confirms."""
        self._send_all([(peer, raw) for raw in self._endpoint.write(peer, message, reliable=True)])

    def forward(self, peer: str, raw: bytes) -> None:
        """Pass a received datagram on, closed anew for peer."""
        self._send_all([(peer, closed) for closed in self._endpoint.forward(peer, raw)])

    def receive(self) -> list[Received]:
        """Everything that has arrived by now, oldest first; also answers and repeats what is due."""
        self._opened()[1].take(self._enter)
        now_ns = self._clock.now_ns()
        self._leave(now_ns)
        received, self._received = self._received, []
        self._send_all(self._endpoint.due(now_ns, list(self._peers)))
        return received

    def wait(self, timeout_s: float, *, also: Sequence[socket.socket] = ()) -> bool:
        """Sleep until something can be received or read from `also`, at most timeout_s [s]; tell whether that is so."""
        due_ns = self._ingress.next_due_ns()
        until_due_s = timeout_s if due_ns is None else (due_ns - self._clock.now_ns()) / NS_PER_S
        watched = [self._opened()[1].bell, *also]
        readable, _, _ = select.select(watched, [], [], max(min(timeout_s, until_due_s), 0.0))
        return bool(readable) or (due_ns is not None and due_ns <= self._clock.now_ns())

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

    def _opened(self) -> tuple[DatagramTopics, Inbox]:
        if self._topics is None or self._inbox is None:
            raise ConfigError(f"the link of the {self._cfg.role} is not open", mend="use it as a context manager")
        return self._topics, self._inbox

    def _enter(self, arrived: Arrived) -> None:
        if not self._rates.allows(arrived.name, arrived.t_ns):
            self._endpoint.totals["flooded"] += 1
            return
        raw = octets_of(arrived.cdr)
        entered = self._endpoint.enter(raw, arrived.name, arrived.t_ns)
        self._send_all([(arrived.name, reply) for reply in entered.replies])
        if entered.datagram is not None:
            passing = Passing(entered.datagram, entered.body, len(raw), arrived.name)
            self._ingress.enter(arrived.name, passing, arrived.t_ns)
        if isinstance(entered.datagram, Greeting):  # what follows may be under the keys that it makes
            self._leave(self._clock.now_ns())

    def _leave(self, now_ns: int) -> None:
        """Read what has passed the imitated network by now_ns [ns]."""
        self._received.extend(read_passed(self._ingress, self._endpoint, now_ns, self._greet))

    def _greet(self, greeting: Greeting, arrived_ns: int, source: Any) -> None:
        """Answer a greeting the way it came."""
        self._send_all([(source, reply) for reply in self._endpoint.greeted(greeting, arrived_ns).replies])

    def _send_all(self, outgoing: list[tuple[str, bytes]]) -> None:
        topics, _ = self._opened()
        for peer, raw in outgoing:
            self._endpoint.totals["unsent"] += not topics.write(peer, raw)
