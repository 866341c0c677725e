"""The keys of a conversation from one exchange to the next: every datagram is closed and opened once.

The tag is the key's number 4 and a count 4, which is also the end of the nonce; all that is readable outside is
authenticated with the body. AES-256-GCM was chosen by measurement: half the time of ChaCha20-Poly1305 where the
processor has AES instructions, as all that drive an arm at 500 Hz have.
"""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.link.exchange import KEY_ID_BYTES, WayKeys
from teletwin.link.streams import SequenceWindow, Verdict
from teletwin.link.wire import OUTER_BYTES, TAG_BYTES, Form, RefusedError, pack_outer

PREFIX_BYTES = OUTER_BYTES - TAG_BYTES + KEY_ID_BYTES
"""Of the outside all but the count: the same in all that is closed under one key."""
_COUNT_BYTES = OUTER_BYTES - PREFIX_BYTES
_MAX_COUNT = (1 << 8 * _COUNT_BYTES) - 1
_NEVER_NS = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationCfg:
    """When a conversation takes new keys."""

    period_s: float = 600.0
    datagram_count: int = 1 << 30
    """Sent under one key."""

    def __post_init__(self) -> None:
        if self.period_s <= 0.0 or not 0 < self.datagram_count <= _MAX_COUNT:
            raise ConfigError("keys cannot be renewed like that", given=self, allowed=f"> 0 s, 1 ... {_MAX_COUNT}")


class Epoch:
    """What two roles say under the keys of one exchange; see the module."""

    def __init__(
        self,
        *,
        role: str,
        peer: str,
        publics: tuple[bytes, bytes],
        ways: tuple[WayKeys, WayKeys],
        now_ns: int,
    ) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.own_public, self.peer_public = publics
        out, self._in = ways
        self.inside = pack_outer(Form.SEALED, peer, role, self._in.key_id + bytes(_COUNT_BYTES))[:PREFIX_BYTES]
        """How everything begins that comes in under these keys."""
        self._outside = pack_outer(Form.SEALED, role, peer, out.key_id + bytes(_COUNT_BYTES))[:PREFIX_BYTES]
        self._out_iv = out.iv
        self._closer, self._opener, self._invalid_tag = AESGCM(out.key), AESGCM(self._in.key), InvalidTag
        self._window = SequenceWindow()
        self._made_ns, self._count = now_ns, 0
        self.is_confirmed = False
        """Whether the peer is known to have the same keys."""
        self.expires_ns = _NEVER_NS
        """When the keys are forgotten [ns]."""

    def close(self, body: bytes) -> bytes | None:
        """A datagram for the peer; None when the key is used up."""
        if self._count >= _MAX_COUNT:
            return None
        count = self._count.to_bytes(_COUNT_BYTES, "little")
        self._count += 1
        outside = self._outside + count
        return outside + self._closer.encrypt(self._out_iv + count, body, outside)

    def open(self, raw: bytes) -> bytes:
        """The body of a datagram of the peer, the first time that it comes.

        Raises:
            RefusedError: It is damaged, forged, or came before.
        """
        count = raw[PREFIX_BYTES:OUTER_BYTES]
        try:
            body = self._opener.decrypt(self._in.iv + count, raw[OUTER_BYTES:], raw[:OUTER_BYTES])
        except self._invalid_tag:
            raise RefusedError("invalid", "a datagram is damaged or not authentic") from None
        if self._window.judge(int.from_bytes(count, "little")) is Verdict.REPLAYED:
            raise RefusedError("replayed", "a datagram came twice")
        return body

    def is_worn(self, rotation: RotationCfg, now_ns: int) -> bool:
        """Whether it is time for other keys."""
        return now_ns - self._made_ns >= rotation.period_s * NS_PER_S or self._count >= rotation.datagram_count
