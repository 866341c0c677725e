"""Datagrams as samples of DDS topics: one topic for each way between two roles."""

from __future__ import annotations

import struct
from typing import Any

from teletwin.dds.domain import import_cyclone
from teletwin.dds.raw_type import raw_type

DOMAIN_ID = 76
"""Domain of the links, apart from ROS 2's usual 0."""
_HEADER = b"\x00\x01\x00\x00"  # plain CDR, little endian
_LENGTH = struct.Struct("<I")
_DEPTH = 2048


class DatagramTopics:
    """The topics of one role in a domain: it writes those that lead to its peers and reads those that come from them.

    Names are `teletwin/<session>/<from>/<to>`, the type is `teletwin::Datagram`, a sequence of octets. Samples are
    sent once: what must not be lost is sent again by the link, as over UDP.
    """

    def __init__(self, participant: Any, *, session_id: int, role: str, peers: tuple[str, ...]) -> None:
        qos, policy = import_cyclone("qos").Qos, import_cyclone("qos").Policy
        sub, pub, topic = import_cyclone("sub"), import_cyclone("pub"), import_cyclone("topic").Topic
        once = qos(policy.Reliability.BestEffort, policy.History.KeepLast(_DEPTH), policy.Durability.Volatile)
        self._sample = raw_type(_datagram_type())

        def named(sender: str, receiver: str) -> Any:
            return topic(participant, f"teletwin/{session_id:x}/{sender}/{receiver}", self._sample, qos=once)

        self._writers = {peer: pub.DataWriter(participant, named(role, peer), qos=once) for peer in peers}
        self.readers = {peer: sub.DataReader(participant, named(peer, role), qos=once) for peer in peers}
        """Cyclone's readers by the role that writes there."""
        self._error = import_cyclone("core").DDSException

    def write(self, peer: str, raw: bytes) -> bool:
        """Send a datagram; False when there is no such way or it cannot be sent."""
        writer = self._writers.get(peer)
        if writer is None:
            return False
        try:
            writer.write(self._sample(_HEADER + _LENGTH.pack(len(raw)) + raw))
        except self._error:
            return False
        return True


def octets_of(cdr: bytes) -> bytes:
    """The octets of a sample, without the padding to four bytes that may follow; empty when it is none of ours."""
    if len(cdr) < 8 or cdr[:2] != _HEADER[:2]:
        return b""
    return cdr[8 : 8 + _LENGTH.unpack_from(cdr, 4)[0]]


def _datagram_type() -> Any:
    idl = import_cyclone("idl")
    octets = idl.types.sequence[idl.types.uint8]
    return idl.make_idl_struct("Datagram", "teletwin.Datagram", {"octets": octets})
