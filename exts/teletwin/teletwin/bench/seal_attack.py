"""Datagrams that a stranger, a recorder or a wrong role can show, by the thousand; none must be taken.

Operator, twin and arm hold conversations. Everything is shown to them over the right hop and over wrong ones, as a
transport would hand it on.
"""

from __future__ import annotations

import hmac
import struct
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from teletwin.bench.sealed_pair import PSK, SESSION_ID
from teletwin.clock import NS_PER_MS, NS_PER_S, VirtualClock
from teletwin.link.endpoint import Endpoint, EndpointCfg
from teletwin.link.epoch import RotationCfg
from teletwin.link.greeting import Greeting, is_greeting
from teletwin.link.plain import plain_datagram
from teletwin.link.wire import OUTER_BYTES, ROLES, VERSION, Datagram, Kind
from teletwin.messages import Note

_PEERS = {"operator": ("twin",), "twin": ("operator", "arm"), "arm": ("twin",)}
_SPOKEN = 400
_SHOWN_PER_MS = 50

Shown = tuple[str, str, bytes]
"""Receiver, the hop that it seems to come over, and bytes."""


class Session:
    """Three roles that share keys, over a network that is told to forget nothing."""

    def __init__(self, *, psk: bytes = PSK, session_id: int = SESSION_ID, rotation_s: float = 600.0) -> None:
        self.clock = VirtualClock(start_ns=NS_PER_S)
        cfg = {"session_id": session_id, "key": psk, "rotation": RotationCfg(period_s=rotation_s)}
        self.ends = {role: Endpoint(EndpointCfg(role=role, **cfg), self.clock) for role in _PEERS}
        self.said: list[Shown] = []
        """What came: receiver, sender, bytes."""
        self.unsaid: list[Shown] = []
        """What was closed and kept back."""
        self.talk()

    def talk(self, *, steps: int = 30) -> None:
        """Let the roles greet and probe for a while."""
        for _ in range(steps):
            self.clock.sleep_until(self.clock.now_ns() + 20 * NS_PER_MS)
            for role, end in self.ends.items():
                for peer, raw in end.due(self.clock.now_ns(), list(_PEERS[role])):
                    self.hand_on(peer, role, raw)

    def speak(self, count: int, *, keep_back: bool = False) -> None:
        """Every role says so much to each peer."""
        for number in range(count):
            for role, end in self.ends.items():
                for peer in _PEERS[role]:
                    for raw in end.write(peer, Note(kind="stop", values={"number": number})):
                        if keep_back:
                            self.unsaid.append((peer, role, raw))
                        else:
                            self.hand_on(peer, role, raw)

    def hand_on(self, receiver: str, sender: str, raw: bytes) -> None:
        """Bring a datagram, and the answers back."""
        if not is_greeting(raw):
            self.said.append((receiver, sender, raw))
        entered = self.ends[receiver].enter(raw, sender, self.clock.now_ns())
        replies = entered.replies
        if isinstance(entered.datagram, Greeting):
            replies = self.ends[receiver].greeted(entered.datagram, self.clock.now_ns()).replies
        for reply in replies:
            self.hand_on(sender, receiver, reply)

    def takes(self, shown: Shown) -> bool:
        """Whether bytes that nobody should believe are believed."""
        receiver, hop, raw = shown
        entered = self.ends[receiver].enter(raw, hop, self.clock.now_ns())
        if isinstance(entered.datagram, Greeting):
            return self.ends[receiver].greeted(entered.datagram, self.clock.now_ns()).is_proven
        return entered.datagram is not None


def attacked_session() -> tuple[Session, dict[str, Callable[[np.random.Generator], Shown]]]:
    """A session, and what makes something to show it, by kind."""
    session = Session(rotation_s=5.0)
    session.speak(_SPOKEN)
    session.speak(_SPOKEN, keep_back=True)
    old = session.said + session.unsaid
    session.talk(steps=500)  # twice the period of the keys, and their overlap
    session.said.clear()
    session.speak(_SPOKEN)
    stranger, neighbour = Session(psk=bytes(32)), Session(session_id=SESSION_ID + 1)
    for other in (stranger, neighbour):
        other.speak(_SPOKEN, keep_back=True)
    return session, {
        "forged": lambda rng: _forged(rng, session.said),
        "damaged": lambda rng: _damaged(rng, session.said),
        "replayed": lambda rng: _one(rng, session.said),
        "of another secret": lambda rng: _one(rng, stranger.unsaid),
        "of another session": lambda rng: _one(rng, neighbour.unsaid),
        "under old keys": lambda rng: _one(rng, old),
        "unsealed": lambda rng: _unsealed(rng),
        "HMAC form": lambda rng: _hmac_form(rng),
        "another version": lambda rng: _other_version(rng, session.said),
        "another role's": lambda rng: _as_another_role(rng, session.said),
        "reflected": lambda rng: _reflected(rng, session.said),
        "other direction": lambda rng: _turned(rng, session.said),
        "forged greeting": lambda rng: _forged_greeting(rng, stranger),
    }


def attack(
    count: int, *, seed: int = 0, say: Callable[[int], None] = lambda done: None
) -> Iterator[tuple[str, int, int]]:
    """Show `count` datagrams; yield the kind, how many of it and how many were taken."""
    session, kinds = attacked_session()
    rng = np.random.default_rng(seed)
    shown: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    names = list(kinds)
    for number in range(count):
        name = names[number % len(names)]
        shown[name] += 1
        taken[name] += session.takes(kinds[name](rng))
        if number % _SHOWN_PER_MS == 0:
            session.clock.sleep_until(session.clock.now_ns() + NS_PER_MS)
            session.speak(1)
            session.said = session.said[-_SPOKEN * len(ROLES) :]
            say(number)
    yield from ((name, shown[name], taken[name]) for name in names)


def _one(rng: np.random.Generator, of: list[Shown]) -> Shown:
    return of[rng.integers(len(of))]


def _forged(rng: np.random.Generator, of: list[Shown]) -> Shown:
    """The outside of a true datagram with another count and a made-up inside."""
    receiver, hop, raw = _one(rng, of)
    return receiver, hop, raw[: OUTER_BYTES - 4] + rng.bytes(4) + rng.bytes(int(rng.integers(0, 300)))


def _damaged(rng: np.random.Generator, of: list[Shown]) -> Shown:
    receiver, hop, raw = _one(rng, of)
    place = int(rng.integers(len(raw)))
    return receiver, hop, raw[:place] + bytes([raw[place] ^ int(rng.integers(1, 256))]) + raw[place + 1 :]


def _unsealed(rng: np.random.Generator) -> Shown:
    hop, receiver = _way(rng)
    datagram = Datagram(Kind.NOTE, hop, receiver, 0, int(rng.integers(1 << 32)), 1, 0, 0, b'{"kind":"stop"}', 1)
    return receiver, hop, plain_datagram(SESSION_ID, datagram)


def _hmac_form(rng: np.random.Generator) -> Shown:
    """Version 4's layout and seal, under the key itself and under a made-up one."""
    hop, receiver = _way(rng)
    head = struct.pack("<2sBBBBBxQIIIqqqH", b"tW", 4, 8, ROLES.index(hop), ROLES.index(receiver), 0, *[1] * 7, 15)
    body = head + b'{"kind":"stop"}'
    key = PSK if rng.random() < 0.5 else rng.bytes(32)
    return receiver, hop, body + hmac.digest(key, body, "sha256")[:12]


def _other_version(rng: np.random.Generator, of: list[Shown]) -> Shown:
    receiver, hop, raw = _one(rng, of)
    version = int(rng.choice([each for each in (0, 1, 2, 3, 4, 5, 6, 7, 255) if each != VERSION]))
    return receiver, hop, raw[:2] + bytes([version]) + raw[3:]


def _as_another_role(rng: np.random.Generator, of: list[Shown]) -> Shown:
    """What one role said, shown to any other as any other's, with its outside changed or not."""
    receiver, hop, raw = _one(rng, of)
    victim = str(rng.choice(list(_PEERS)))
    pretended = str(rng.choice([role for role in ROLES if (victim, role) != (receiver, hop)]))
    if rng.random() < 0.5:
        raw = raw[:4] + bytes([ROLES.index(pretended), ROLES.index(victim)]) + raw[6:]
    return victim, pretended, raw


def _reflected(rng: np.random.Generator, of: list[Shown]) -> Shown:
    """Back to its sender, as it is."""
    receiver, sender, raw = _one(rng, of)
    return sender, receiver, raw


def _turned(rng: np.random.Generator, of: list[Shown]) -> Shown:
    """Back to its sender, with the ends of its outside exchanged."""
    receiver, sender, raw = _one(rng, of)
    return sender, receiver, raw[:4] + raw[5:6] + raw[4:5] + raw[6:]


def _forged_greeting(rng: np.random.Generator, stranger: Session) -> Shown:
    """A greeting of somebody who does not know the secret, or of nobody."""
    hop, receiver = _way(rng)
    stranger.clock.sleep_until(stranger.clock.now_ns() + NS_PER_S)
    raw = dict(stranger.ends[hop].due(stranger.clock.now_ns(), [receiver])).get(receiver, b"")
    if not is_greeting(raw):
        return receiver, hop, rng.bytes(150)
    place = int(rng.integers(6, len(raw)))
    return receiver, hop, raw[:place] + rng.bytes(1) + raw[place + 1 :]


def _way(rng: np.random.Generator) -> tuple[str, str]:
    """A sender and a receiver that talk to each other."""
    hop = str(rng.choice(list(_PEERS)))
    return hop, str(rng.choice(_PEERS[hop]))
