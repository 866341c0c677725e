"""Stop's own lane: a WebSocket that carries nothing else, so that Stop waits behind nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, MutableMapping

from aiohttp import WSMsgType, web  # noqa: TID253

from teletwin.clock import Clock
from teletwin.safety import RateLimit
from teletwin.view.server_messages import PageEvent, pack_text

LANES_MAX = 64
"""Two for each viewer: a page that comes back may do so before its old connection is known to be dead."""
STOPS_HZ, STOPS_BURST = 50.0, 50.0
"""How many Stops of one lane are passed on; a page repeats one ten times a second."""
LANE_BYTES_MAX = 1024
_NUMBER_MAX = 2**32 - 1
_log = logging.getLogger(__name__)


class StopLanes:
    """Passes every Stop on at once, on the server's loop, and answers that it was heard."""

    def __init__(
        self, *, clock: Clock, on_stop: Callable[[PageEvent], None], counters: MutableMapping[str, int]
    ) -> None:
        self._clock, self._on_stop, self._counters = clock, on_stop, counters
        self.newest_number = 0
        """The highest number of a Stop so far; a page that comes counts on from it."""
        self.open_count = 0

    async def serve(self, socket: web.WebSocketResponse, owner: Callable[[int], int]) -> None:
        """Read one lane to its end. `owner` tells the viewer number that a page may claim, or 0."""
        limit, last = RateLimit(rate_hz=STOPS_HZ, burst=STOPS_BURST), 0
        self.open_count += 1
        try:
            async for message in socket:
                number, viewer = _read(message.data) if message.type is WSMsgType.TEXT else (-1, 0)
                if number < 0:
                    self._counters["bad_messages"] += 1
                elif limit.allows(self._clock.now_ns()):
                    self._hear(number, owner(viewer), again=0 < number == last)
                    last = number
                    await socket.send_str(pack_text("stop_heard", {"number": number}))
                else:
                    self._counters["too_many"] += 1
        except ConnectionError:  # the page is gone; what it said was heard
            return
        finally:
            self.open_count -= 1

    def _hear(self, number: int, viewer: int, *, again: bool) -> None:
        """Pass a Stop on."""
        now_ns = self._clock.now_ns()
        self.newest_number = max(self.newest_number, number)
        values = {"number": number, "again": again}
        event = PageEvent(kind="stop", values=values, viewer=viewer, t_ns=now_ns, received_ns=now_ns)
        try:
            self._on_stop(event)
        except Exception:  # one bad listener must not end the lane
            self._counters["failed_events"] += 1
            _log.exception("stop failed")


def _read(text: str) -> tuple[int, int]:
    """Number and claimed viewer of a text. A Stop with a bad number is a Stop (0); -1 when it is none."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return -1, 0
    if not isinstance(message, dict) or message.get("type") != "stop":
        return -1, 0
    return _whole(message.get("number")), _whole(message.get("viewer"))


def _whole(value: object) -> int:
    return value if type(value) is int and 0 <= value <= _NUMBER_MAX else 0
