"""A mouse for Chromium that waits for nobody: where it is told at what time, as a hand's is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from teletwin.errors import TeletwinError

_READY_S = 20.0


def free_port() -> int:
    """A TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mouse:
    """Tells a page of motions over Chromium's DevTools protocol, without waiting for it to have handled the last.

    Playwright's mouse waits: on a busy computer its hand moves five times a second, a third of a second late.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._texts: asyncio.Queue[str] = asyncio.Queue()
        self._is_ready = threading.Event()
        self.count = 0
        """Motions that were told."""

    def move(self, x: float, y: float) -> None:
        """The pressed pointer is there now [px]; a mouse has whole ones."""
        self.count += 1
        at = {"x": round(x), "y": round(y), "button": "left", "buttons": 1, "timestamp": time.time()}
        call = {"id": self.count, "method": "Input.dispatchMouseEvent", "params": {"type": "mouseMoved", **at}}
        self._loop.call_soon_threadsafe(self._texts.put_nowait, json.dumps(call))

    @contextlib.contextmanager
    def connected(self) -> Iterator[Mouse]:
        """Reach the browser's one page.

        Raises:
            TeletwinError: It cannot be reached.
        """
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._tell(),), daemon=True)
        thread.start()
        if not self._is_ready.wait(_READY_S):
            raise TeletwinError("Chromium's DevTools do not answer", given=f"port {self._port}")
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._texts.put_nowait, "")
            thread.join(_READY_S)

    async def _tell(self) -> None:
        from aiohttp import ClientSession

        async with ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{self._port}/json/list") as answer:
                pages: list[dict[str, Any]] = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[-1]["webSocketDebuggerUrl"]) as line:
                self._is_ready.set()
                listening = asyncio.create_task(_hear(line))
                while text := await self._texts.get():
                    await line.send_str(text)
                listening.cancel()


async def _hear(line: Any) -> None:
    """Take the answers, which tell nothing."""
    async for _ in line:
        pass
