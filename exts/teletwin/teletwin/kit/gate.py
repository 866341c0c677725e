"""A link whose packets a person at the twin may put on hold."""

from __future__ import annotations

import dataclasses

from teletwin.link import Link, Received
from teletwin.messages import ForecastPacket, Message, Mode


class HoldGate:
    """The link it wraps, except that every packet asks for HOLD while `held`: the twin's word goes before."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.held = False

    def receive(self) -> list[Received]:
        """Everything that has arrived, packets toned down to HOLD while held."""
        received = self._link.receive()
        return [_held(item) for item in received] if self.held else received

    def send(self, peer: str, message: Message) -> None:
        """Send now; see `Link`."""
        self._link.send(peer, message)

    def send_reliable(self, peer: str, message: Message) -> None:
        """Send until confirmed; see `Link`."""
        self._link.send_reliable(peer, message)

    def forward(self, peer: str, raw: bytes) -> None:
        """Pass a datagram on; see `Link`."""
        self._link.forward(peer, raw)

    def offset_ns(self, peer: str) -> int:
        """Offset of a peer's clock [ns]; see `Link`."""
        return self._link.offset_ns(peer)

    def counters(self) -> dict[str, int]:
        """Totals by name; see `Link`."""
        return self._link.counters()


def _held(item: Received) -> Received:
    message = item.message
    if not isinstance(message, ForecastPacket) or message.mode is not Mode.ENGAGED:
        return item
    return dataclasses.replace(item, message=dataclasses.replace(message, mode=Mode.HOLD))
