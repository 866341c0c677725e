"""Links over UDP sockets, with the imitated network on the receiver's side."""

from __future__ import annotations

import secrets
import select
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import ConfigError
from teletwin.link import Received
from teletwin.link.addresses import Address, AddressBook, family_of, is_loopback, plain_address, resolve
from teletwin.link.delay import check_settings
from teletwin.link.endpoint import Endpoint, EndpointCfg
from teletwin.link.epoch import RotationCfg
from teletwin.link.greeting import Greeting, is_greeting
from teletwin.link.ingress import Ingress, Passing
from teletwin.link.kernel_stamp import ANCILLARY_BYTES, stamp_arrivals, waited_ns
from teletwin.link.passed import read_passed
from teletwin.link.streams import StreamCounts
from teletwin.link.wire import MAX_DATAGRAM_BYTES, ROLES, RefusedError, claim
from teletwin.messages import LinkSettings, Message
from teletwin.safety import RateLimit, RateLimits

_MAX_READS = 512
_BUFFER_BYTES = 1 << 20
_STRANGERS_HZ, PEER_HZ = 200.0, 20_000.0
"""Datagrams a second that are opened from all unknown addresses together, and from each known one: who floods a role
costs it no more than reading, and a peer sends less than a third of that."""
_GREETERS_HZ = 5_000.0
"""Greetings a second that are looked at from unknown addresses: telling a forged one costs 2 us, and a role that
starts while somebody floods must get through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpLinkCfg:
    """Where a role listens and who its peers are."""

    role: str
    bind: str = "127.0.0.1"
    port: int = 0
    """0 takes any free port."""
    peers: Mapping[str, tuple[str, int] | None] = field(default_factory=dict)
    """Role to (host, port); None is learned from the first authentic datagram of that role."""
    session_id: int = 0
    start: int = field(default_factory=lambda: secrets.randbelow((1 << 32) - 1) + 1)
    """Number of this start of the role; drawn anew for each link."""
    key: bytes | None = None
    """Pre-shared key of 32 bytes made of the session's secret; required beyond loopback."""
    rotation: RotationCfg = field(default_factory=RotationCfg)
    """When the keys of a conversation are renewed."""
    links: Mapping[str, LinkSettings] = field(default_factory=dict)
    """The network to imitate on the hop from a peer to this role."""
    seed: int = 0
    relays: Mapping[str, str] = field(default_factory=dict)
    """Sender to the peer that may forward its datagrams, for example {"operator": "twin"}."""
    shared_mbps: float = 0.0
    """What pictures and updates to this role may take together [Mb/s]; 0 is unlimited."""
    max_age_s: float = 1.0
    probe_period_s: float = 0.1

    def __post_init__(self) -> None:
        for peer, settings in self.links.items():
            if peer not in ROLES:
                raise ConfigError("unknown role of a link", given=peer, allowed=", ".join(ROLES))
            check_settings(settings)
        hosts = [self.bind, *(where[0] for where in self.peers.values() if where is not None)]
        if self.key is None and not all(is_loopback(resolve(host, 0)[0]) for host in hosts):
            raise ConfigError(
                "a link beyond this machine needs a session secret",
                given=", ".join(hosts),
                allowed="loopback addresses without a secret",
                mend="make one, (umask 077; teletwin secret > FILE), and give every role --session-secret-file FILE",
            )

    def endpoint(self) -> EndpointCfg:
        """The part that does not concern sockets."""
        return EndpointCfg(
            role=self.role,
            session_id=self.session_id,
            start=self.start,
            key=self.key,
            rotation=self.rotation,
            relays=self.relays,
            max_age_s=self.max_age_s,
            probe_period_s=self.probe_period_s,
        )


class UdpLink:
    """A role's link over one UDP socket; see `teletwin.link.Link`. Not for several threads at once."""

    def __init__(self, cfg: UdpLinkCfg, clock: Clock) -> None:
        self._cfg = cfg
        self._clock = clock
        self._endpoint = Endpoint(cfg.endpoint(), clock)
        self._ingress = Ingress(cfg.role, links=cfg.links, seed=cfg.seed, shared_mbps=cfg.shared_mbps)
        self._family = family_of(cfg.bind)
        self._book = AddressBook(cfg.peers, family=self._family)
        self._strangers = RateLimit(rate_hz=_STRANGERS_HZ, burst=2.0 * _STRANGERS_HZ)
        self._greeters = RateLimit(rate_hz=_GREETERS_HZ, burst=_GREETERS_HZ / 4.0)
        self._peers = RateLimits(rate_hz=PEER_HZ, burst=PEER_HZ / 4.0, most=16)
        self._socket: socket.socket | None = None
        self._received: list[Received] = []

    def __enter__(self) -> UdpLink:
        sock = socket.socket(self._family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
        stamp_arrivals(sock)
        try:
            if self._family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(resolve(self._cfg.bind, self._cfg.port, family=self._family))
        except OSError as error:
            sock.close()
            raise ConfigError(
                f"the {self._cfg.role} cannot listen",
                given=f"{self._cfg.bind}:{self._cfg.port} ({error.strerror})",
                mend="end what uses it (ss -lunp), or choose another address",
            ) from None
        self._socket = sock
        return self

    def __exit__(self, *exc: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def port(self) -> int:
        """The port this role listens on."""
        return self._open_socket().getsockname()[1]

    def fileno(self) -> int:
        """The socket, for select and friends; the imitated network holds datagrams beside it."""
        return self._open_socket().fileno()

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
        self._drain()
        now_ns = self._clock.now_ns()
        self._leave(now_ns)
        received, self._received = self._received, []
        self._send_all(self._endpoint.due(now_ns, self._book.known))
        return received

    def wait(self, timeout_s: float, *, also: Sequence[socket.socket] = ()) -> bool:
        """Sleep until something can be received or read from `also`, at most timeout_s [s]; tell whether that is so."""
        due_ns = self._ingress.next_due_ns()
        until_due_s = timeout_s if due_ns is None else (due_ns - self._clock.now_ns()) / NS_PER_S
        sock = self._open_socket()
        readable, _, _ = select.select([sock, *also], [], [], max(min(timeout_s, until_due_s), 0.0))
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

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise ConfigError(f"the link of the {self._cfg.role} is not open", mend="use it as a context manager")
        return self._socket

    def _drain(self) -> None:
        sock = self._open_socket()
        for _ in range(_MAX_READS):
            try:
                raw, ancillary, _, source = sock.recvmsg(MAX_DATAGRAM_BYTES + 1, ANCILLARY_BYTES)
            except BlockingIOError:
                return
            except OSError:
                self._endpoint.totals["socket_errors"] += 1
                return
            waited = waited_ns(ancillary)
            self._enter(raw, plain_address(source), self._clock.now_ns() - waited)

    def _is_flood(self, raw: bytes, source: Address, t_ns: int) -> bool:
        """Whether more comes from there than is opened; asked before any seal is checked."""
        if self._book.is_known(source):
            passes = self._peers.allows(source, t_ns)
        else:
            passes = (self._greeters if is_greeting(raw) else self._strangers).allows(t_ns)
        self._endpoint.totals["flooded"] += not passes
        return not passes

    def _enter(self, raw: bytes, source: Address, t_ns: int) -> None:
        if self._is_flood(raw, source, t_ns):
            return
        try:
            _, hop, _ = claim(raw)
        except RefusedError as refusal:
            self._endpoint.totals[refusal.reason] += 1
            return
        if not self._book.may_be(source, hop, t_ns):
            self._endpoint.totals["foreign_address"] += 1
            return
        datagram, body, replies, is_proven = self._endpoint.enter(raw, hop, t_ns)
        if is_proven:
            self._book.keep(source, hop, t_ns)
        for reply in replies:
            self._send(reply, source)
        if datagram is not None:
            self._ingress.enter(hop, Passing(datagram, body, len(raw), source), t_ns)
        if isinstance(datagram, Greeting):  # what follows may be under the keys that it makes
            self._leave(self._clock.now_ns())

    def _leave(self, now_ns: int) -> None:
        """Read what has passed the imitated network by now_ns [ns]."""
        self._received.extend(read_passed(self._ingress, self._endpoint, now_ns, self._greet))

    def _greet(self, greeting: Greeting, arrived_ns: int, source: Any) -> None:
        """Answer a greeting where it came from, and believe that its sender is there once that is proven."""
        answer = self._endpoint.greeted(greeting, arrived_ns)
        if answer.is_proven and self._book.may_be(source, greeting.sender, arrived_ns):
            self._book.keep(source, greeting.sender, arrived_ns)
        for reply in answer.replies:
            self._send(reply, source)

    def _send_all(self, outgoing: list[tuple[str, bytes]]) -> None:
        for peer, raw in outgoing:
            self._send(raw, self._book.address(peer))

    def _send(self, raw: bytes, address: Address | None) -> None:
        try:
            is_sent = address is not None and self._open_socket().sendto(raw, address) == len(raw)
        except OSError:
            is_sent = False
        self._endpoint.totals["unsent"] += not is_sent
