"""A page's side of the server, for its tests: requests, sockets, and what the server was told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import aiohttp  # noqa: TID253

from teletwin.clock import SystemClock
from teletwin.view.server import PageEvent, PageServer, PageServerCfg

TOKEN = "a-token-of-good-length"
ADMIN_TOKEN = "the-administrators-own-1"


class Listener:
    """Collects events of the page and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[PageEvent] = []
        self._news = threading.Condition()

    def __call__(self, event: PageEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, kind: str) -> list[PageEvent]:
        return [event for event in self.events if event.kind == kind]

    def wait(self, kind: str, count: int = 1) -> list[PageEvent]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(kind)) >= count, timeout=5), f"no {kind}"
        return self.of(kind)


def serve(
    listener: Listener | None = None, *, is_engaged: Callable[[], bool] = lambda: False, **options: object
) -> PageServer:
    cfg = PageServerCfg(port=0, **options)  # type: ignore[arg-type]
    return PageServer(
        cfg,
        clock=SystemClock(),
        on_event=listener or Listener(),
        is_engaged=is_engaged,
        hello={"version": "1.2.3"},
    )


async def control(ws: aiohttp.ClientWebSocketResponse, **wanted: object) -> dict[str, object]:
    """What the page is told next of who drives, as soon as it is as wanted."""
    while True:
        message = await ws.receive_json()
        if message["type"] == "control" and all(message[key] == value for key, value in wanted.items()):
            return message


def talk(url: str, talker: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[object]], **options: object) -> object:
    """Open a WebSocket at url, let talker use it and return what it returns."""

    async def main() -> object:
        async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as ws:  # type: ignore[arg-type]
            return await asyncio.wait_for(talker(ws), 5)

    return asyncio.run(main())


def ws_url(server: PageServer, token: str = "") -> str:
    return f"http://127.0.0.1:{server.port}/ws" + (f"?token={token}" if token else "")


def get(server: PageServer, path: str = "/", *, follow: bool = True, **headers: str) -> tuple[int, str, dict[str, str]]:
    async def main() -> tuple[int, str, dict[str, str]]:
        url = f"http://127.0.0.1:{server.port}{path}"
        jar = aiohttp.CookieJar(unsafe=True)  # a browser keeps the cookies of an address, too
        async with (
            aiohttp.ClientSession(cookie_jar=jar) as session,
            session.get(url, headers=headers, allow_redirects=follow) as response,
        ):
            return response.status, await response.text(), dict(response.headers)

    return asyncio.run(main())
