"""Two roles that share keys, without a network between them."""

from __future__ import annotations

from teletwin.link.greeting import Stamps, is_greeting
from teletwin.link.sealed import PSK_BYTES, SealedEnvelope

SESSION_ID = 1
PSK = bytes(range(PSK_BYTES))
NOW_NS = 1_000_000_000


def joined(role: str, peer: str, *, psk: bytes = PSK) -> tuple[SealedEnvelope, SealedEnvelope]:
    """Envelopes of two roles after their exchange, both sending under the same keys."""
    ends = {name: SealedEnvelope(role=name, session_id=SESSION_ID, psk=psk) for name in (role, peer)}
    introduce(ends, role, peer)
    return ends[role], ends[peer]


def introduce(ends: dict[str, SealedEnvelope], role: str, peer: str, *, now_ns: int = NOW_NS) -> list[bytes]:
    """Let `role` begin an exchange with `peer`; the greetings that were needed."""
    under_way = [(peer, raw) for _, raw in ends[role].greetings([peer], now_ns)]
    said: list[bytes] = []
    while under_way:
        receiver, raw = under_way.pop(0)
        said.append(raw)
        assert is_greeting(raw)
        answer = ends[receiver].take(ends[receiver].read_greeting(raw, now_ns), Stamps(now_ns))
        under_way += [(peer if receiver == role else role, reply) for reply in answer.replies]
    return said
