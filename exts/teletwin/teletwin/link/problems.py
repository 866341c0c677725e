"""Why a role and a peer do not understand each other, in words for a person."""

from __future__ import annotations

import logging

from teletwin.link.wire import VERSION

_LOG = logging.getLogger(__name__)
_MAX_LOGGED = 32


class PeerProblems:
    """The newest problem with each peer; each is logged when it is first seen.

    Most of them are told by datagrams that prove nothing, so they are words and never decide anything. A peer
    with whom a conversation runs has none.
    """

    def __init__(self, role: str) -> None:
        self._role = role
        self._texts: dict[str, str] = {}
        self._logged: set[str] = set()

    def of(self, peer: str) -> str:
        """What is wrong with a peer; empty when nothing is known to be."""
        return self._texts.get(peer, "")

    def note(self, peer: str, text: str) -> None:
        """Something is wrong with a peer."""
        self._texts[peer] = text
        if text not in self._logged and len(self._logged) < _MAX_LOGGED:  # who floods must not fill the log
            self._logged.add(text)
            _LOG.warning("%s: %s", self._role, text)

    def other_version(self, peer: str, version: int, release: str = "") -> None:
        """A peer speaks another version of the protocol."""
        told = f"protocol {version} (teletwin {release})" if release else f"protocol {version}"
        self.note(peer, f"the {peer} runs {told}, this is {VERSION}")

    def clear(self, peer: str) -> None:
        """A conversation with the peer runs."""
        if self._texts.pop(peer, None) is not None:
            self._logged.clear()
