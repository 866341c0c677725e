"""The datagram that starts a conversation: an ephemeral public key, proven by the session's secret.

Layout, little endian: magic 2, version 1, form 1, from 1, to 1, flags 1, spare 1, session 8, own public key 32,
the peer's public key as far as it was heard 32 (else zeros), send time 8, echo 8 and echo age 8 as in every
datagram, teletwin's version 16, and the first 16 bytes of the HMAC-SHA256 of all before under a key made of the
secret. It stays as it is in later versions, so that two versions can tell each other so, authentically. What a
greeting means: `teletwin.link.conversation`.
"""

from __future__ import annotations

import hmac
import struct
from typing import NamedTuple

from teletwin.link.wire import ROLES, VERSION, Form, RefusedError, claim

_LAYOUT = struct.Struct("<2sBBBBBxQ32s32sqqq16s")
_MAC_BYTES = 16
_READY = 1
GREETING_BYTES = _LAYOUT.size + _MAC_BYTES
PUBLIC_BYTES = 32
UNHEARD = bytes(PUBLIC_BYTES)


class Stamps(NamedTuple):
    """When a greeting was sent, and what it echoes, as in a `Datagram` [ns]."""

    t_send_ns: int
    echo_ns: int = 0
    echo_age_ns: int = 0


class Greeting(NamedTuple):
    """One greeting; of what it says nothing is fresh before `heard` names a key that was offered just now."""

    version: int
    release: str
    """Version of teletwin that the sender runs."""
    sender: str
    receiver: str
    public: bytes
    """Ephemeral X25519 key of the sender."""
    heard: bytes
    """That of the receiver, as far as the sender has heard it."""
    is_ready: bool
    """Whether the sender has made the keys of these two and can open what comes under them."""
    stamps: Stamps


class GreetingForm:
    """Writes and reads the greetings of one session.

    Args:
        session_id: Public number of the session, from its name.
        psk: Pre-shared key of 32 bytes, made of the secret.
    """

    def __init__(self, *, session_id: int, psk: bytes) -> None:
        self._session_id = session_id
        self._key = hmac.digest(psk, b"teletwin greeting", "sha256")

    def write(self, greeting: Greeting) -> bytes:
        """Bytes of a greeting."""
        body = _LAYOUT.pack(
            *(b"tW", greeting.version, Form.GREETING, ROLES.index(greeting.sender), ROLES.index(greeting.receiver)),
            *(_READY * greeting.is_ready, self._session_id, greeting.public, greeting.heard),
            *greeting.stamps,
            greeting.release.encode()[:16],
        )
        return body + self._mac(body)

    def read(self, raw: bytes) -> Greeting:
        """The greeting in these bytes.

        Raises:
            RefusedError: They are none, of another session, or not made with the secret; the last is only told of
                greetings that are whole.
        """
        _, sender, receiver = claim(raw)
        if len(raw) != GREETING_BYTES:
            raise RefusedError("invalid", "a greeting has a wrong length", given=len(raw))
        body = raw[: _LAYOUT.size]
        _, version, _, _, _, flags, session_id, public, heard, *stamps, release = _LAYOUT.unpack(body)
        if session_id != self._session_id:
            raise RefusedError("other_session", "a greeting of another session")
        if not hmac.compare_digest(self._mac(body), raw[_LAYOUT.size :]):
            raise RefusedError("other_secret", "a greeting that was not made with this session's secret")
        text = release.rstrip(b"\0").decode(errors="replace")
        return Greeting(version, text, sender, receiver, public, heard, bool(flags & _READY), Stamps(*stamps))

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_MAC_BYTES]


def is_greeting(raw: bytes) -> bool:
    """Whether bytes look like a greeting of any version that has them."""
    return len(raw) == GREETING_BYTES and raw[2] >= VERSION and raw[3] == Form.GREETING
