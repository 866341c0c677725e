"""Datagrams beyond one machine: encrypted and authenticated, with keys for each pair of roles and each direction.

All roles of a session know one secret, from which no key follows without an exchange of ephemeral keys
(`teletwin.link.conversation`). So whoever does not know the secret can neither read nor write; who recorded a
conversation cannot play it back; and a datagram of one role cannot pass for that of another, or come back to its
sender. Any role that knows the secret could greet in the name of any other: what keeps roles apart is their keys,
not who they are.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from teletwin.errors import ConfigError
from teletwin.link.conversation import Conversation
from teletwin.link.envelope import NO_ANSWER, Answer
from teletwin.link.epoch import PREFIX_BYTES, Epoch, RotationCfg
from teletwin.link.greeting import Greeting, GreetingForm, Stamps
from teletwin.link.problems import PeerProblems
from teletwin.link.wire import MAX_DATAGRAM_BYTES, ROLES, VERSION, Form, RefusedError, claim, unpack_outer

PSK_BYTES = 32
_NOT_UNDERSTOOD = {
    "other_secret": "the {} does not know this session's secret",
    "other_session": "the {} belongs to a session of another name",
}


class SealedEnvelope:
    """Closes and opens the sealed datagrams of one role.

    Args:
        role: The own role.
        session_id: Public number of the session.
        psk: Pre-shared key of 32 bytes, made of the secret (`teletwin.link.secret`).
        problems: Is told of peers that cannot be understood.
        rotation: When keys are renewed.
        draw: Gives so many random bytes; the operating system's unless a test says otherwise.
    """

    def __init__(
        self,
        *,
        role: str,
        session_id: int,
        psk: bytes,
        problems: PeerProblems | None = None,
        rotation: RotationCfg = RotationCfg(),  # noqa: B008
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if len(psk) != PSK_BYTES:
            raise ConfigError("the key of a session has a wrong length", given=len(psk), allowed=f"{PSK_BYTES} bytes")
        self._role, self._form = role, GreetingForm(session_id=session_id, psk=psk)
        self._problems = problems or PeerProblems(role)
        common = {"session_id": session_id, "psk": psk, "form": self._form, "rotation": rotation, "draw": draw}
        self._with = {peer: Conversation(role=role, peer=peer, **common) for peer in ROLES if peer != role}
        self._known: dict[bytes, tuple[str, Conversation, Epoch]] = {}

    def is_ready(self, peer: str) -> bool:
        """Whether there are keys for a peer."""
        return self._with[peer].epoch is not None

    def close(self, peer: str, body: bytes) -> bytes | None:
        """A datagram for peer; None while there are no keys."""
        epoch = self._with[peer].epoch
        return epoch.close(body) if epoch is not None else None

    def open(self, raw: bytes, now_ns: int) -> bytes:
        """The body of a datagram, once.

        Raises:
            RefusedError: It is not authentic, came before, or is of another version, form or key.
        """
        known = self._known.get(raw[:PREFIX_BYTES])
        if known is None or len(raw) > MAX_DATAGRAM_BYTES:
            raise self._refusal(raw, now_ns)
        sender, conversation, epoch = known
        if now_ns >= epoch.expires_ns:
            raise RefusedError("unknown_key", "a datagram under a key that is over", given=sender)
        body = epoch.open(raw)
        if conversation.heard(epoch, now_ns):
            self._remember()
        self._problems.clear(sender)
        return body

    def read_greeting(self, raw: bytes, now_ns: int) -> Greeting:
        """The greeting in these bytes.

        Raises:
            RefusedError: It is for somebody else, of another version, session or secret, or none; which it is, is
                told to a person.
        """
        _, sender, receiver = claim(raw)
        if receiver != self._role or sender == self._role:
            raise RefusedError("misdirected", "a greeting for another role", given=receiver)
        try:
            greeting = self._form.read(raw)
        except RefusedError as refusal:
            if refusal.reason in _NOT_UNDERSTOOD:
                self._note(sender, _NOT_UNDERSTOOD[refusal.reason].format(sender), now_ns)
            raise
        if greeting.version != VERSION:
            self._note_version(raw, now_ns, greeting.release)
            raise RefusedError("other_version", "a greeting of another version", given=greeting.version)
        return greeting

    def take(self, greeting: Greeting, stamps: Stamps) -> Answer:
        """Take a greeting; answers carry these stamps."""
        answer = self._with[greeting.sender].take(greeting, stamps)
        if answer.is_proven:
            self._remember()
            self._problems.clear(greeting.sender)
        return answer

    def ask_back(self, peer: str, now_ns: int) -> Answer:
        """What to tell somebody who does not share keys with this role."""
        return self._with[peer].ask_back(now_ns) if peer != self._role else NO_ANSWER

    def greetings(self, peers: Sequence[str], now_ns: int) -> list[tuple[str, bytes]]:
        """Greetings that are due."""
        due = [(peer, self._with[peer].due(now_ns)) for peer in peers]
        return [(peer, raw) for peer, raw in due if raw is not None]

    def _remember(self) -> None:
        """Which keys open what begins how."""
        self._known = {
            epoch.inside: (peer, conversation, epoch)
            for peer, conversation in self._with.items()
            for epoch in conversation.epochs
        }

    def _refusal(self, raw: bytes, now_ns: int) -> RefusedError:
        """Why a datagram cannot be opened."""
        try:
            form, sender, receiver, _ = unpack_outer(raw)
        except RefusedError as refusal:
            if refusal.reason == "other_version":
                self._note_version(raw, now_ns)
            return refusal
        if receiver != self._role or sender == self._role:
            return RefusedError("misdirected", "a datagram for another role", given=receiver)
        if form is not Form.SEALED:
            self._note(sender, f"the {sender} has no session secret, this {self._role} has one", now_ns)
            return RefusedError("unsealed", "a datagram that is not sealed", given=sender)
        return RefusedError("unknown_key", "a datagram under a key that is not known", given=sender)

    def _note(self, peer: str, text: str, now_ns: int) -> None:
        """What anybody could have sent is no problem while the conversation runs."""
        if not self._with[peer].runs(now_ns):
            self._problems.note(peer, text)

    def _note_version(self, raw: bytes, now_ns: int, release: str = "") -> None:
        version, sender, _ = claim(raw)
        if version != VERSION and sender != self._role and not self._with[sender].runs(now_ns):
            self._problems.other_version(sender, version, release)
