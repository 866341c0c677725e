"""Datagrams within one machine: a checksum that finds damage, nothing that keeps anyone out.

The tag is the session's number; a CRC-32 of all before it stands at the end, as long as a seal, so that an imitated
bottleneck carries what a real one would. Whoever can send on loopback could read the roles' memory as well, so a key
would protect nothing there.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from teletwin.errors import ConfigError
from teletwin.link.envelope import NO_ANSWER, Answer
from teletwin.link.greeting import Greeting, Stamps
from teletwin.link.problems import PeerProblems
from teletwin.link.wire import (
    OUTER_BYTES,
    SEAL_BYTES,
    TAG_BYTES,
    VERSION,
    Datagram,
    Form,
    RefusedError,
    claim,
    pack_body,
    pack_outer,
    unpack_outer,
)


class PlainEnvelope:
    """Closes and opens the plain datagrams of one role.

    Args:
        role: The own role.
        session_id: 64-bit number that all roles of a session share.
        problems: Is told of peers that speak otherwise.
    """

    def __init__(self, *, role: str, session_id: int, problems: PeerProblems | None = None) -> None:
        if not 0 <= session_id < 1 << 64:
            raise ConfigError("the session id does not fit", given=session_id, allowed="0 ... 2**64 - 1")
        self._role, self._tag = role, session_id.to_bytes(TAG_BYTES, "little")
        self._problems = problems or PeerProblems(role)

    def is_ready(self, peer: str) -> bool:
        """Always."""
        return True

    def close(self, peer: str, body: bytes) -> bytes:
        """A datagram for peer."""
        return close_plain(self._role, peer, self._tag, body)

    def open(self, raw: bytes, now_ns: int) -> bytes:
        """The body of a datagram of this session.

        Raises:
            RefusedError: It is damaged, of another session, version or form.
        """
        version, sender, _ = claim(raw)
        try:
            outer = unpack_outer(raw)
        except RefusedError:
            if version != VERSION:
                self._problems.other_version(sender, version)
            raise
        if outer.form is not Form.PLAIN:
            self._problems.note(outer.sender, f"the {outer.sender} uses a session secret, the {self._role} has none")
            raise RefusedError("sealed", "a sealed datagram, and no secret", given=outer.sender)
        if _checksum(raw[:-SEAL_BYTES]) != raw[-SEAL_BYTES:]:
            raise RefusedError("invalid", "a datagram is damaged")
        if outer.tag != self._tag:
            raise RefusedError("other_session", "a datagram of another session")
        self._problems.clear(outer.sender)
        return raw[OUTER_BYTES:-SEAL_BYTES]

    def read_greeting(self, raw: bytes, now_ns: int) -> Greeting:
        """Greetings are for those who have a secret.

        Raises:
            RefusedError: Always.
        """
        self.open(raw, now_ns)
        raise RefusedError("sealed", "a greeting, and no secret")

    def take(self, greeting: Greeting, stamps: Stamps) -> Answer:
        """None is read."""
        return NO_ANSWER

    def ask_back(self, peer: str, now_ns: int) -> Answer:
        """Nothing is under a key."""
        return NO_ANSWER

    def greetings(self, peers: Sequence[str], now_ns: int) -> list[tuple[str, bytes]]:
        """None."""
        return []


def close_plain(sender: str, receiver: str, tag: bytes, body: bytes) -> bytes:
    """Outside, body and checksum."""
    closed = pack_outer(Form.PLAIN, sender, receiver, tag) + body
    return closed + _checksum(closed)


def _checksum(closed: bytes) -> bytes:
    return zlib.crc32(closed).to_bytes(SEAL_BYTES, "little")


def plain_datagram(session_id: int, datagram: Datagram) -> bytes:
    """A datagram that goes straight from its sender to its destination."""
    tag = session_id.to_bytes(TAG_BYTES, "little")
    return close_plain(datagram.sender, datagram.destination, tag, pack_body(datagram))
