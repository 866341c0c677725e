"""How messages travel: the codec, UDP, the imitated network, and the offset between clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from teletwin.messages import Message


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
    """The datagram as it came, for `forward`; empty when the message came in several pieces."""
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
        """Pass a received datagram on as it is; the peer must name this role as a relay of its sender."""
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
