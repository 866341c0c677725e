"""How messages travel: the codec, UDP, the imitated network, and the offset between clocks."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from teletwin.messages import LinkSettings, Message

if TYPE_CHECKING:
    from teletwin.link.streams import StreamCounts

LINKS: Mapping[str, str] = {"udp": "", "dds": "cyclonedds"}
"""What can join the roles by name, and the package that it takes beside the usual ones."""


@dataclass(frozen=True, slots=True)
class Burst:
    """How the pieces of one message came: what a bottleneck lets pass in how much time."""

    byte_count: int
    """Bytes of the datagrams after the first."""
    span_ms: float
    """Arrival of the first to that of the last [ms]; 0 where fewer than three came."""


ONE_PIECE = Burst(0, 0.0)
"""A message that came in one datagram tells nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message with its times, all on the receiver's clock."""

    message: Message
    peer: str
    """Role of the sender: 'operator', 'twin', 'renderer', 'arm'."""
    seq: int
    """Number of the packet in its stream (per sender and message type)."""
    t_sent_ns: int
    """When it was sent, offset between the clocks removed."""
    t_arrived_ns: int
    """When the (imitated) network delivered it."""
    raw: bytes = b""
    """What its datagram held, for `forward`; empty when the message came in several pieces."""
    burst: Burst = ONE_PIECE
    """How its pieces came."""


class Link(Protocol):
    """One role's connection to its peers. A context manager: enter opens sockets."""

    def send(self, peer: str, message: Message) -> None:
        """Send now; never blocks; what cannot be sent is counted."""
        ...

    def send_reliable(self, peer: str, message: Message) -> None:
        """Send now and again until the peer confirms; for stop, settings and the like."""
        ...

    def forward(self, peer: str, raw: bytes) -> None:
        """Pass a received datagram on, closed anew for peer; its sender stays, this role vouches for it.

        The peer must name this role as a relay of the sender.
        """
        ...

    def receive(self) -> list[Received]:
        """Everything that has arrived by now, oldest first; never blocks."""
        ...

    def offset_ns(self, peer: str) -> int:
        """Estimate of (peer's clock - own clock) [ns]; 0 until known."""
        ...

    def counters(self) -> dict[str, int]:
        """Totals since the start by name: received, late, replayed, stale, invalid ..."""
        ...


class RoleLink(Link, Protocol):
    """The link of a role in a process of its own: it can be waited for, and imitates another network when asked."""

    def __enter__(self) -> RoleLink: ...

    def __exit__(self, *exc: object) -> None: ...

    def wait(self, timeout_s: float, *, also: Sequence[socket.socket] = ()) -> bool:
        """Sleep until something can be received or read from `also`, at most timeout_s [s]; tell whether that is so."""
        ...

    def set_link(self, peer: str, settings: LinkSettings) -> None:
        """Imitate another network on the hop from peer to this role from now on."""
        ...

    def set_shared(self, rate_mbps: float) -> None:
        """Let pictures and updates from all peers together take so much from now on [Mb/s]; 0 is unlimited."""
        ...

    def shared_wait_ms(self) -> float:
        """How long a picture that comes now waits for others to pass [ms]."""
        ...

    def is_clock_known(self, peer: str) -> bool:
        """Whether the times of peer's messages are on this role's clock already."""
        ...

    def round_trip_ns(self, peer: str) -> int:
        """Shortest round trip to peer in the last ten seconds [ns]; 0 until known."""
        ...

    def heard_ns(self, peer: str) -> int:
        """Arrival of the newest datagram straight from peer [ns]; 0 before the first."""
        ...

    def peer_problem(self, peer: str) -> str:
        """Why peer and this role do not understand each other, for a person; empty when nothing is known to be wrong.

        Another version, another secret or none, a session of another name. It is told by datagrams that prove
        little, so nothing may be decided by it; while a conversation runs there is none.
        """
        ...

    def streams(self) -> Mapping[tuple[str, str, str], StreamCounts]:
        """Totals of each incoming stream by sender, destination and kind of message."""
        ...
