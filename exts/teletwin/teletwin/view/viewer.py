"""A page without a browser: takes pictures from the page's server, decodes, acknowledges and stamps them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_MS, Clock
from teletwin.errors import MessageError, StreamError
from teletwin.geometry import Array
from teletwin.view.decoder import Decoder
from teletwin.view.scene_codec import is_state, unpack_state
from teletwin.view.server_messages import Values, unpack_frame

START_TIMEOUT_S = 60.0
"""A thread may wait long for a core that others keep busy; one that fails says so at once."""
STOP_TIMEOUT_S = 2.0
RETRY_S = 0.05
PING_S = 0.5
PICTURE_BYTES_MAX = 16 * 2**20
_NO_PIXELS: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFrame:
    """A picture that was decoded, as the page would have drawn it; times on the viewer's clock [ns]."""

    frame_id: int
    input_seq: int
    pose_t_ns: int
    t_ready_ns: int
    shown_pose: Array
    width: int
    height: int
    byte_count: int
    received_ns: int
    decoded_ns: int
    pixels: NDArray[np.uint8]
    """(height, width, 3) RGB."""


class HeadlessViewer:
    """Watches a PageServer of the same host (it shares the server's clock) from a thread of its own.

    `on_frame` is called on that thread for each decoded picture. The connection comes back by itself. A viewer that
    `drives` takes control once after each connection, as soon as nobody has it: it stands for a person in runs without.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        on_frame: Callable[[ShownFrame], None],
        *,
        decodes: bool = True,
        drives: bool = False,
    ) -> None:
        """`url` is PageServer.url, with its token when it has one; without `decodes` no picture has pixels."""
        page, _, query = url.partition("?")
        self._ws_url = page.rstrip("/") + "/ws" + (f"?{query}" if query else "")
        self._clock = clock
        self._on_frame = on_frame
        self._decodes, self._drives, self._wants_control = decodes, drives, drives
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._outbox: asyncio.Queue[str] | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="headless-viewer", daemon=True)
        self._greeted = threading.Event()
        self._newest_id = -1
        self._waits_for_key = True
        self.hello: Values = {}
        self.is_driver = False
        """Whether this viewer has control."""
        self.telemetry: Values = {}
        """The newest telemetry that came."""
        self.counters = {
            "received": 0,
            "decoded": 0,
            "skipped": 0,
            "gaps": 0,
            "errors": 0,
            "connections": 0,
            "states": 0,
        }

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._greeted.wait(START_TIMEOUT_S):
            self.__exit__(None, None, None)
            raise StreamError("the page's server does not answer", given=self._ws_url.partition("?")[0])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_TIMEOUT_S)

    def say(self, message: Mapping[str, Any]) -> None:
        """Say something as the page would, from any thread: a command, settings, an input."""
        text = json.dumps(message)
        if self._loop is not None and self._outbox is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, text)

    async def _run(self) -> None:
        self._loop, self._stop, self._outbox = asyncio.get_running_loop(), asyncio.Event(), asyncio.Queue()
        watching = asyncio.create_task(self._watch())
        await self._stop.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        import aiohttp

        while True:
            try:
                async with aiohttp.ClientSession() as session:
                    await self._connection(session)
            except (OSError, aiohttp.ClientError):
                self.counters["errors"] += bool(self._greeted.is_set())
            await asyncio.sleep(RETRY_S)

    async def _connection(self, session: Any) -> None:
        from aiohttp import WSMsgType

        decoder = Decoder()
        self._newest_id, self._waits_for_key = -1, True
        async with session.ws_connect(self._ws_url, max_msg_size=PICTURE_BYTES_MAX) as socket:
            self.counters["connections"] += 1
            speaking = asyncio.create_task(self._speak(socket))
            try:
                async for message in socket:
                    if message.type is WSMsgType.BINARY:
                        self._receive(message.data, decoder)
                    elif message.type is WSMsgType.TEXT:
                        self._hear(json.loads(message.data))
            finally:
                speaking.cancel()

    async def _speak(self, socket: Any) -> None:
        assert self._outbox is not None
        with contextlib.suppress(ConnectionError):  # the server has gone: the connection begins anew
            while True:
                try:
                    text = await asyncio.wait_for(self._outbox.get(), PING_S)
                except TimeoutError:  # a page that says nothing drives no more
                    text = json.dumps({"type": "ping", "t_ms": self._clock.now_ns() / NS_PER_MS})
                await socket.send_str(text)

    def _hear(self, message: Values) -> None:
        if message.get("type") == "telemetry":
            self.telemetry = message
        elif message.get("type") == "hello":
            self.hello, self._wants_control = message, self._drives
            self._greeted.set()
        elif message.get("type") == "control":
            self.is_driver = message["you"]
            self._wants_control = self._wants_control and not self.is_driver
            if message["free"] and self._wants_control:
                self.say({"type": "control", "act": "take"})

    def _receive(self, message: bytes, decoder: Decoder) -> None:
        received_ns = self._clock.now_ns()
        self.counters["received"] += 1
        if is_state(message):
            self._acknowledge({"frame_id": unpack_state(message)[0]}, drawn=True)
            self.counters["states"] += 1
            return
        try:
            header, data = unpack_frame(message)
        except MessageError:
            self.counters["errors"] += 1
            return
        if not self._follows(header):
            self.counters["skipped"] += 1
            self._acknowledge(header, drawn=False)
            return
        pixels = decoder.decode(data, codec=header["codec"], is_key=header["key"]) if self._decodes else _NO_PIXELS
        decoded_ns = self._clock.now_ns()
        self._waits_for_key = pixels is None and header["codec"] != "jpeg"
        self._acknowledge(header, drawn=pixels is not None)
        self.counters["errors" if pixels is None else "decoded"] += 1
        if pixels is not None:
            self._on_frame(_shown(header, pixels, len(message), received_ns, decoded_ns))

    def _follows(self, header: Values) -> bool:
        """Whether a picture can be decoded: it stands alone or continues the one before."""
        stands_alone = header["key"] or header["codec"] == "jpeg"
        continues = header["frame_id"] == self._newest_id + 1 and not self._waits_for_key
        if stands_alone or continues:
            self._newest_id, self._waits_for_key = header["frame_id"], False
            return True
        self.counters["gaps"] += not self._waits_for_key
        self._waits_for_key = True
        return False

    def _acknowledge(self, header: Values, *, drawn: bool) -> None:
        now_ns = self._clock.now_ns()
        ack = {
            "type": "ack",
            "frame_id": header["frame_id"],
            "drawn": drawn,
            "need_key": self._waits_for_key,
            "t_ms": now_ns / NS_PER_MS,
            "server_ns": now_ns,
        }
        if self._outbox is not None:
            self._outbox.put_nowait(json.dumps(ack))


def _shown(header: Values, pixels: NDArray[np.uint8], byte_count: int, received_ns: int, decoded_ns: int) -> ShownFrame:
    return ShownFrame(
        frame_id=header["frame_id"],
        input_seq=header["input_seq"],
        pose_t_ns=header["pose_t_ns"],
        t_ready_ns=header["t_ready_ns"],
        shown_pose=np.array(header["shown_pose"], dtype=np.float64),
        width=header["width"],
        height=header["height"],
        byte_count=byte_count,
        received_ns=received_ns,
        decoded_ns=decoded_ns,
        pixels=pixels,
    )
