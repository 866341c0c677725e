"""Floods as processes: watching pages that say what pages may say, a renderer's datagrams, and busy loops."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
from collections.abc import Iterator
from typing import Any

from teletwin.bench.busy import busy_processes
from teletwin.clock import NS_PER_S, SystemClock
from teletwin.messages import Note
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.wiring import open_link

PAGE_HZ, DATAGRAMS_HZ = 5000, 5000
"""Legal messages a second on the page's socket, and on the roles' together."""
PAGES = 5
_TURN_S = 0.005


@contextlib.contextmanager
def floods(cfg: RoleCfg, url: str, *, busy: int) -> Iterator[None]:
    """Let all of them run meanwhile; `cfg` is the renderer's, which nobody else plays."""
    context = multiprocessing.get_context("spawn")
    work = [(_say_pages, (url,)), (_say_datagrams, (cfg,))]
    processes = [context.Process(target=target, args=arguments, daemon=True) for target, arguments in work]
    for process in processes:
        process.start()
    try:
        with busy_processes(busy):
            yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _texts(number: int) -> list[str]:
    hand = {"t_ms": 5, "hand": [0, 0, 0, 1, 0, 0, 0], "clutch": True, "device": "mouse"}
    said: list[dict[str, Any]] = [
        {"type": "input", "seq": number, **hand},
        {"type": "ack", "frame_id": number % 1000, "t_ms": 1},
        {"type": "mtp", "samples": [[1, 50.0]] * 20},
        {"type": "settings", "name": "policy", "values": {"policy": "rule"}},
        {"type": "settings", "name": "link", "values": {"delay_ms": 5}},
        {"type": "command", "name": "hold", "values": {}},
        {"type": "ping", "t_ms": 1},
        {"type": "enable", "seq": number, "held": True},
    ]
    return [json.dumps(each) for each in said]


def _say_pages(url: str) -> None:
    asyncio.run(_pages(url.replace("http", "ws", 1).rstrip("/") + "/ws"))


async def _pages(url: str) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(_keep_saying(session, url) for _ in range(PAGES)))


async def _keep_saying(session: Any, url: str) -> None:
    """A page that comes back where the server turns it away: the flood goes on."""
    import aiohttp

    while True:
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            await _page(session, url)
        await asyncio.sleep(_TURN_S)


async def _page(session: Any, url: str) -> None:
    """One page, evenly; what it is sent is read and dropped."""
    async with session.ws_connect(url, max_msg_size=0) as socket:

        async def read() -> None:
            async for _ in socket:
                pass

        reading = asyncio.create_task(read())
        clock, said = SystemClock(), 0
        began_ns = clock.now_ns()
        while not reading.done():
            due = (clock.now_ns() - began_ns) * PAGE_HZ // (PAGES * NS_PER_S)
            while said < due:
                texts = _texts(said + 1)
                await socket.send_str(texts[said % len(texts)])
                said += 1
            await asyncio.sleep(_TURN_S)


def _say_datagrams(cfg: RoleCfg) -> None:
    """The renderer's part: notes that it may send, to the twin and to the operator."""
    clock = SystemClock()
    with open_link(cfg, clock) as link:
        began_ns, said = clock.now_ns(), 0
        while True:
            due = (clock.now_ns() - began_ns) * DATAGRAMS_HZ // NS_PER_S
            for number in range(said, due):
                link.send(("twin", "operator")[number % 2], Note(kind="rates", values={"update_rate_hz": 100.0}))
            said = due
            link.receive()
            clock.sleep_until(clock.now_ns() + int(_TURN_S * NS_PER_S))
