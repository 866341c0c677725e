"""What closes and opens the datagrams of one role: plain on one machine, sealed beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from teletwin.link.greeting import Greeting, Stamps


class Answer(NamedTuple):
    """What a greeting led to."""

    replies: tuple[bytes, ...] = ()
    """To send where the greeting came from."""
    is_proven: bool = False
    """Whether its writer knows the secret and answered this very role just now."""


NO_ANSWER = Answer()


class Envelope(Protocol):
    """Closes and opens for one role; times are the role's own [ns]."""

    def is_ready(self, peer: str) -> bool:
        """Whether something can be sent to a peer."""
        ...

    def close(self, peer: str, body: bytes) -> bytes | None:
        """A datagram for peer; None while there is no key."""
        ...

    def open(self, raw: bytes, now_ns: int) -> bytes:
        """The body of a datagram.

        Raises:
            RefusedError: It is not for this role, or not sound.
        """
        ...

    def read_greeting(self, raw: bytes, now_ns: int) -> Greeting:
        """The greeting in these bytes.

        Raises:
            RefusedError: It is not for this role, not authentic, or of another version.
        """
        ...

    def take(self, greeting: Greeting, stamps: Stamps) -> Answer:
        """Take a greeting; answers carry these stamps."""
        ...

    def ask_back(self, peer: str, now_ns: int) -> Answer:
        """What to tell somebody who does not share keys with this role."""
        ...

    def greetings(self, peers: Sequence[str], now_ns: int) -> list[tuple[str, bytes]]:
        """Greetings that are due."""
        ...
