"""Why a role and a peer do not understand each other, in words for a person."""

from __future__ import annotations

import logging

from teletwin.link.wire import VERSION

_LOG = logging.getLogger(__name__)


class PeerProblems:
    """The newest problem with each peer; each is logged when it begins.

    Most of them are told by datagrams that prove nothing, so they are words and never decide anything. A peer
    with whom a conversation runs has none.
    """

    def __init__(self, role: str) -> None:
        self._role = role
        self._texts: dict[str, str] = {}

    def of(self, peer: str) -> str:
        """What is wrong with a peer; empty when nothing is known to be."""
        return self._texts.get(peer, "")

    def note(self, peer: str, text: str) -> None:
        """Something is wrong with a peer."""
        if self._texts.get(peer) != text:
            self._texts[peer] = text
            _LOG.warning("%s: %s", self._role, text)

    def other_version(self, peer: str, version: int, release: str = "") -> None:
        """A peer speaks another version of the protocol."""
        told = f"protocol {version} (teletwin {release})" if release else f"protocol {version}"
        self.note(peer, f"the {peer} runs {told}, this is {VERSION}")

    def clear(self, peer: str) -> None:
        """A conversation with the peer runs."""
        self._texts.pop(peer, None)
