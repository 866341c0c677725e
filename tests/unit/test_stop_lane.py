"""Stop's own lane, and Stop beside a flood of everything else that a page may say."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import aiohttp  # noqa: TID253
import pytest
from page_client import TOKEN, Listener, control, serve, talk, ws_url

from teletwin.clock import SystemClock
from teletwin.view.server import PageEvent, PageServer, PageServerCfg

pytestmark = pytest.mark.live


def lane_url(server: PageServer) -> str:
    return f"http://127.0.0.1:{server.port}/stop"


def test_stop_is_passed_on_at_once_and_answered() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> list[object]:
            for number in (3, 3, 4):
                await ws.send_json({"type": "stop", "number": number})
            return [await ws.receive_json() for _ in range(3)]

        answers = talk(lane_url(server), speak)
        assert answers == [{"type": "stop_heard", "number": number} for number in (3, 3, 4)]
        hello = talk(ws_url(server), lambda ws: ws.receive_json())
    assert [event.values for event in listener.of("stop")] == [
        {"number": 3, "again": False},
        {"number": 3, "again": True},
        {"number": 4, "again": False},
    ]
    assert hello["stop_number"] == 4, "a page that comes counts on"  # type: ignore[index]


@pytest.mark.parametrize("number", [None, -1, 1.5, "7", True, 2**40])
def test_a_stop_with_a_number_that_is_none_is_a_stop(number: object) -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> object:
            await ws.send_json({"type": "stop", "number": number})
            return await ws.receive_json()

        assert talk(lane_url(server), speak) == {"type": "stop_heard", "number": 0}
    assert listener.of("stop")[0].values == {"number": 0, "again": False}


def test_nothing_else_goes_by_the_lane() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> None:
            for text in ("", "[]", "[" * 900, json.dumps({"type": "command", "name": "engage"})):
                await ws.send_str(text)
            await ws.send_bytes(b"stop")
            await ws.send_json({"type": "stop", "number": 1})
            await ws.receive_json()

        talk(lane_url(server), speak)
        assert server.counters["bad_messages"] == 5
    assert [event.kind for event in listener.events] == ["stop"]


def test_a_lane_speaks_for_the_viewer_of_its_own_session_only() -> None:
    listener = Listener()

    async def main(server: PageServer) -> None:
        address = f"http://127.0.0.1:{server.port}"
        jars = [aiohttp.CookieJar(unsafe=True) for _ in range(2)]
        async with (
            aiohttp.ClientSession(cookie_jar=jars[0]) as one,
            aiohttp.ClientSession(cookie_jar=jars[1]) as other,
        ):
            for session in (one, other):
                await session.get(f"{address}/?token={TOKEN}")
            async with one.ws_connect(f"{address}/ws") as ws:
                await control(ws)
                for session in (one, other):
                    async with session.ws_connect(f"{address}/stop") as lane:
                        await lane.send_json({"type": "stop", "number": 1, "viewer": 1})
                        await lane.receive_json()

    with serve(listener, token=TOKEN) as server:
        asyncio.run(asyncio.wait_for(main(server), 10))
    assert [event.viewer for event in listener.of("stop")] == [1, 0]


def test_a_lane_that_floods_is_limited() -> None:
    listener = Listener()
    with serve(listener) as server:

        async def speak(ws: aiohttp.ClientWebSocketResponse) -> None:
            for number in range(1, 500):
                await ws.send_json({"type": "stop", "number": number})
            await ws.receive_json()

        talk(lane_url(server), speak)
        deadline = time.monotonic() + 5
        while len(listener.of("stop")) + server.counters["too_many"] < 499 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.counters["too_many"] > 300
    assert len(listener.of("stop")) >= 50


FLOOD = """
import asyncio, json, sys
import aiohttp

HAND = {"t_ms": 5, "hand": [0, 0, 0, 1, 0, 0, 0], "clutch": True, "device": "mouse"}

def texts(n):
    return [json.dumps(message) for message in (
        {"type": "input", "seq": n, **HAND},
        {"type": "ack", "frame_id": n % 1000, "t_ms": 1},
        {"type": "mtp", "samples": [[1, 50.0]] * 20},
        {"type": "settings", "name": "policy", "values": {"policy": "rule"}},
        {"type": "settings", "name": "link", "values": {"delay_ms": 5}},
        {"type": "command", "name": "hold"},
        {"type": "ping", "t_ms": 1},
        {"type": "control", "act": "ask"},
        {"type": "enable", "seq": n, "held": True},
    )]

async def viewer(session, url):
    async with session.ws_connect(url) as ws:
        async def read():
            async for _ in ws:
                pass
        reading = asyncio.create_task(read())
        for n in range(1, 10**9):
            for text in texts(n):
                await ws.send_str(text)
            if n % 4 == 0:
                await asyncio.sleep(0.02)

async def main(url):
    async with aiohttp.ClientSession() as session:
        print("floods", flush=True)
        await asyncio.gather(*(viewer(session, url) for _ in range(3)), return_exceptions=True)

asyncio.run(main(sys.argv[1]))
"""
STOPS = 100


def test_a_flood_of_legal_messages_does_not_hold_stop_up() -> None:
    """Figures of longer runs: docs/page.md."""
    came_ns: dict[str, dict[int, int]] = {"stop": {}, "command": {}}
    others = [0]

    def hear(event: PageEvent) -> None:
        number = event.values["number"] if event.kind == "stop" else event.values.get("values", {}).get("number")
        if number:
            came_ns[event.kind].setdefault(number, time.monotonic_ns())
        else:
            others[0] += 1

    async def stops(server: PageServer) -> dict[str, list[float]]:
        sent_ns: dict[str, dict[int, int]] = {"stop": {}, "command": {}}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(lane_url(server)) as lane,
            session.ws_connect(ws_url(server)) as ws,
        ):
            for number in range(1, STOPS + 1):
                sent_ns["stop"][number] = time.monotonic_ns()
                await lane.send_json({"type": "stop", "number": number})
                sent_ns["command"][number] = time.monotonic_ns()
                await ws.send_json({"type": "command", "name": "stop", "values": {"number": number}})
                await asyncio.sleep(0.025)
            await asyncio.sleep(0.5)
        return {
            kind: sorted(1e-6 * (came_ns[kind][number] - at_ns) for number, at_ns in sent.items())
            for kind, sent in sent_ns.items()
        }

    with PageServer(PageServerCfg(port=0), clock=SystemClock(), on_event=hear, on_stop=hear) as server:
        flood = subprocess.Popen([sys.executable, "-c", FLOOD, ws_url(server)], stdout=subprocess.PIPE)
        try:
            assert flood.stdout is not None
            flood.stdout.readline()
            delays_ms = asyncio.run(stops(server))
        finally:
            flood.kill()
            flood.wait()
            flood.stdout.close()
    heard = others[0] + server.counters["not_operator"] + server.counters["too_many"]
    assert heard > 1000, "it was a flood, whoever of them drives"
    for kind in ("stop", "command"):
        assert delays_ms[kind][STOPS // 2] < 500.0, "wide: the machine may be shared"
        assert delays_ms[kind][-1] < 3000.0
