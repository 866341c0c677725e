"""Live sessions in which a person presses Stop again and again, beside floods; the roles' audit logs are the judge."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from teletwin.bench.stop.flood import floods
from teletwin.clock import NS_PER_MS, NS_PER_S, SystemClock
from teletwin.errors import StreamError
from teletwin.recording.audit_chain import read_line
from teletwin.session.audit import role_file
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles, local_session
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.view.viewer import HeadlessViewer

_FOLLOWS_S, _ENDS_S, _STEP_S, _PRESS_S = 20.0, 2.0, 0.01, 0.5


def run_stops(
    count: int, *, busy: int, controller_host: str = "127.0.0.1", tell: Callable[[int], None] = lambda _: None
) -> list[float | None]:
    """Press Stop so often while the arm follows; from each one's receipt to the arm's braking [ms], None for never."""
    with tempfile.TemporaryDirectory(prefix="teletwin-stop-") as folder:
        audit = Path(folder) / "stop.jsonl"
        cfg = RoleCfg(
            role="operator",
            session=SessionCfg(robot="rtde"),
            controller_host=controller_host,
            page=PageCfg(port=0),
            audit_log=str(audit),
        )
        acts = _session(cfg, count, busy=busy, tell=tell)
        return _judge(audit, acts)


def _session(cfg: RoleCfg, count: int, *, busy: int, tell: Callable[[int], None]) -> int:
    """Every role but the renderer, whose part the flood plays; how often Stop was pressed."""
    with Roles() as roles:
        roles.start(dataclasses.replace(cfg, role="controller"))
        roles.wait_ready()
        each = local_session(cfg)
        renderer = each.pop("renderer")
        for role in each.values():
            roles.start(role)
        roles.wait_ready()
        url = roles.running["operator"].text
        clock = SystemClock()
        with (
            HeadlessViewer(url, clock, lambda _: None, decodes=False) as viewer,
            floods(renderer, url, busy=busy),
            _StopLane(url) as lane,
            _talkative(viewer, clock),
        ):
            for number in range(1, count + 1):
                _wait_engaged(viewer, clock)
                clock.sleep_until(clock.now_ns() + int(random.Random(number).uniform(0.02, 0.2) * NS_PER_S))
                lane.stop(number)
                _wait(clock, lambda: viewer.telemetry.get("state") in ("off", "unknown"), within_s=_ENDS_S)
                tell(number)
    return count


def _wait_engaged(viewer: HeadlessViewer, clock: SystemClock) -> None:
    """Press Engage until the arm follows.

    Raises:
        StreamError: It does not.
    """
    end_ns = clock.now_ns() + int(_FOLLOWS_S * NS_PER_S)
    while clock.now_ns() < end_ns:
        if viewer.telemetry.get("fault"):
            viewer.say({"type": "command", "name": "reset", "values": {}})
        viewer.say({"type": "command", "name": "engage", "values": {}})
        if _wait(clock, lambda: viewer.telemetry.get("state") == "engaged", within_s=_PRESS_S):
            return
    raise StreamError("the arm does not follow", given=viewer.telemetry.get("outage") or viewer.telemetry.get("fault"))


def _wait(clock: SystemClock, is_so: Callable[[], bool], *, within_s: float) -> bool:
    end_ns = clock.now_ns() + int(within_s * NS_PER_S)
    while not is_so():
        if clock.now_ns() > end_ns:
            return False
        clock.sleep_until(clock.now_ns() + int(_STEP_S * NS_PER_S))
    return True


@contextlib.contextmanager
def _talkative(viewer: HeadlessViewer, clock: SystemClock) -> Iterator[None]:
    """The driver's own page says a lot as well, a thousand messages a second."""
    ends = threading.Event()

    def talk() -> None:
        number = 0
        while not ends.is_set():
            for _ in range(5):
                number += 1
                hand = {"hand": [0, 0, 0, 1, 0, 0, 0], "clutch": False, "device": "mouse", "t_ms": 1}
                viewer.say({"type": "input", "seq": number, **hand})
            viewer.say({"type": "settings", "name": "policy", "values": {"policy": "rule"}})
            clock.sleep_until(clock.now_ns() + 6 * NS_PER_MS)

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


class _StopLane:
    """The page's own connection for Stop, on a thread of its own. A context manager."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("http", "ws", 1).rstrip("/") + "/stop"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._socket: Any = None

    def __enter__(self) -> _StopLane:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10.0)
        return self

    async def _open(self) -> None:
        import aiohttp

        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(self._url)

    def stop(self, number: int) -> None:
        """Press it once, without the page's repetitions."""
        text = json.dumps({"type": "stop", "number": number})
        asyncio.run_coroutine_threadsafe(self._socket.send_str(text), self._loop).result(10.0)

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(10.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _judge(audit: Path, count: int) -> list[float | None]:
    """From the receipt at the page's server to the arm leaving *engaged*, of each Stop [ms]; one host, one clock."""
    stops = [line.values for line in _lines(role_file(audit, "operator")) if line.kind == "stop"]
    arm = [line for line in _lines(role_file(audit, "arm")) if line.kind == "state"]
    ends_ns = [line.t_ns for line in arm if line.values["before"] == "engaged"]
    delays: list[float | None] = []
    for stop in stops[:count]:
        received_ns = int(str(stop["received_ns"]))
        after = [t_ns for t_ns in ends_ns if t_ns >= received_ns]
        late_ms = (after[0] - received_ns) / NS_PER_MS if after else None
        delays.append(late_ms if late_ms is not None and late_ms < 1e3 * _ENDS_S else None)
    return delays + [None] * (count - len(delays))


def _lines(path: Path) -> list[Any]:
    return [read_line(raw) for raw in path.read_bytes().splitlines()]
