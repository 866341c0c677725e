"""The link to watch: its token, and who watches by it. Made and ended by who drives, or by an administrator."""

from __future__ import annotations

import asyncio
import secrets

from aiohttp import WSCloseCode, web  # noqa: TID253

from teletwin.view.server_messages import Values

_TOKEN_BYTES = 24


class Share:
    """One token at a time; another, or none, puts out everybody who came by the one before."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self._sockets: set[web.WebSocketResponse] = set()
        self._pages: set[web.WebSocketResponse] = set()
        self._closing: set[asyncio.Task[bool]] = set()

    @property
    def told(self) -> Values:
        """For the page of who shares: path of the link, empty without one, and how many watch by it."""
        return {"path": f"/?token={self.token}" if self.token else "", "watching": len(self._pages)}

    def come(self, socket: web.WebSocketResponse, *, is_page: bool) -> None:
        """Somebody's socket, who came by the link."""
        self._sockets.add(socket)
        if is_page:
            self._pages.add(socket)

    def leave(self, socket: web.WebSocketResponse) -> None:
        """A socket is gone, whoever's it was."""
        self._sockets.discard(socket)
        self._pages.discard(socket)

    def make(self) -> None:
        """A new token in place of the old one."""
        self.end()
        self.token = secrets.token_urlsafe(_TOKEN_BYTES)

    def end(self) -> None:
        """No token any more. Runs on the server's loop."""
        self.token = ""
        for socket in self._sockets:
            goodbye = asyncio.ensure_future(
                socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"sharing has ended")
            )
            self._closing.add(goodbye)
            goodbye.add_done_callback(self._closing.discard)
        self._sockets, self._pages = set(), set()
