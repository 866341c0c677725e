"""Control on a live server: drops, silence, and who acts too often."""

from __future__ import annotations

import asyncio
import random

import aiohttp  # noqa: TID253
import pytest
from page_client import Listener, control, serve, talk, ws_url

from teletwin.clock import SystemClock
from teletwin.view.server import PageServer, PageServerCfg

pytestmark = pytest.mark.live
SPEED = 20


class QuickClock:
    """Time that passes twenty times as fast."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._start_ns = self._clock.now_ns()

    def now_ns(self) -> int:
        return self._start_ns + SPEED * (self._clock.now_ns() - self._start_ns)


def changes(listener: Listener) -> list[tuple[int, int, str]]:
    return [(e.values["before"], e.values["driver"], e.values["why"]) for e in listener.of("control")]


def test_three_viewers_whose_sockets_drop_at_random_never_drive_unasked() -> None:
    listener, dice = Listener(), random.Random(7)

    async def main(server: PageServer) -> None:
        async with aiohttp.ClientSession() as session:
            seats = [await session.ws_connect(ws_url(server)) for _ in range(3)]
            for _ in range(120):
                seat = dice.randrange(3)
                await seats[seat].close()
                seats[seat] = await session.ws_connect(ws_url(server))
            for ws in seats:
                await ws.send_json({"type": "command", "name": "engage"})
                await ws.close()

    with serve(listener, is_engaged=lambda: True) as server:
        asyncio.run(asyncio.wait_for(main(server), 30))
    assert changes(listener) == [(0, 1, "began"), (1, 0, "left")]
    assert listener.of("command") == []


def test_a_driver_that_says_nothing_is_told_of_and_drives_no_more() -> None:
    listener = Listener()
    cfg = PageServerCfg(port=0)
    with PageServer(cfg, clock=QuickClock(), on_event=listener) as server:

        async def be_silent(ws: aiohttp.ClientWebSocketResponse) -> dict[str, object]:
            await control(ws, you=True)
            return await control(ws, you=False)

        told = talk(ws_url(server), be_silent)
    assert told["free"]  # type: ignore[index]
    assert changes(listener) == [(0, 1, "began"), (1, 0, "timed out")]
    assert [event.viewer for event in listener.of("quiet")] == [1]


def test_who_passes_control_to_and_fro_without_end_is_not_heard() -> None:
    listener = Listener()

    async def main(server: PageServer) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(ws_url(server)) as ws:
            for _ in range(200):
                await ws.send_json({"type": "control", "act": "release"})
                await ws.send_json({"type": "control", "act": "take"})
            await ws.send_json({"type": "ping", "t_ms": 1})
            while (await ws.receive_json())["type"] != "pong":
                continue

    with serve(listener) as server:
        asyncio.run(asyncio.wait_for(main(server), 10))
    assert len(changes(listener)) < 20
