"""From two ephemeral keys and the session's secret to the keys of a conversation.

The pattern is that of Noise's NNpsk0 (noiseprotocol.org), except that no side is the first: X25519 of both
ephemeral keys, mixed with the pre-shared key by HKDF-SHA256 over a transcript of everything that was agreed:
version, session, both roles and both public keys. Each direction has a key of its own. Who later learns the secret
cannot open what was recorded, since the ephemeral private keys are gone; who learns the private keys of one
exchange learns nothing of another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from teletwin.link.wire import ROLES, VERSION, RefusedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_LABEL = b"teletwin conversation"
KEY_ID_BYTES, _KEY_BYTES, _IV_BYTES = 4, 32, 8
_WAY_BYTES = KEY_ID_BYTES + _KEY_BYTES + _IV_BYTES


@dataclass(frozen=True, slots=True)
class Offer:
    """An ephemeral key pair, good for one exchange."""

    private: X25519PrivateKey
    public: bytes


class WayKeys(NamedTuple):
    """What closes one direction of a conversation."""

    key_id: bytes
    """Tells the receiver which key to take; says nothing about it."""
    key: bytes
    """AES-256-GCM."""
    iv: bytes
    """First 8 bytes of each nonce; the other 4 count."""


def make_offer(draw: Callable[[int], bytes]) -> Offer:
    """A new key pair; `draw` gives so many random bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.from_private_bytes(draw(32))
    return Offer(private, private.public_key().public_bytes_raw())


def agree(
    offer: Offer, peer_public: bytes, *, role: str, peer: str, session_id: int, psk: bytes
) -> tuple[WayKeys, WayKeys]:
    """Keys of the way out and of the way in; the peer comes to the same ones, the other way round.

    Raises:
        RefusedError: The peer's key is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    ends = sorted([(ROLES.index(role), offer.public), (ROLES.index(peer), peer_public)])
    named = b"".join(bytes([number]) + public for number, public in ends)
    transcript = _LABEL + bytes([VERSION]) + session_id.to_bytes(8, "little") + named
    try:
        shared = offer.private.exchange(X25519PublicKey.from_public_bytes(peer_public))
    except ValueError:
        raise RefusedError("invalid", "a public key is none") from None
    made = HKDF(algorithm=SHA256(), length=2 * _WAY_BYTES, salt=psk, info=transcript).derive(shared)
    ways = _way(made[:_WAY_BYTES]), _way(made[_WAY_BYTES:])
    return ways if ROLES.index(role) < ROLES.index(peer) else (ways[1], ways[0])


def _way(made: bytes) -> WayKeys:
    return WayKeys(made[:KEY_ID_BYTES], made[KEY_ID_BYTES:-_IV_BYTES], made[-_IV_BYTES:])
