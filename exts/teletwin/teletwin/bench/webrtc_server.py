"""Serves the stock WebRTC page: aiortc with its own encoder, fed with the session's pictures at its pace."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import aiortc
import av  # noqa: TID253
from aiohttp import web  # noqa: TID253
from aioice import ice

from teletwin.assets import asset_path
from teletwin.bench.view import moving_scene
from teletwin.view.barcode import write_barcode
from teletwin.view.renderer import Renderer
from teletwin.view.scene_file import read_scene_objects

_CLOCK_HZ = 90_000
_STATES = 300
_PAGE = Path(__file__).with_name("webrtc.html")
_MODULES = Path(__file__).parents[1] / "view" / "page"


class Pictures:
    """Draws a moving arm with the numbers of picture and newest input in the pixels, in a thread of its own."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._states = moving_scene(_STATES)
        self._thread = ThreadPoolExecutor(1)
        self._renderer: Renderer | None = None
        self._count = 0

    async def draw(self, input_seq: int) -> av.VideoFrame:
        """The next picture."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._draw, input_seq)

    def _draw(self, input_seq: int) -> av.VideoFrame:
        """Draw in the thread that owns the context."""
        if self._renderer is None:
            objects = read_scene_objects(asset_path("scenes", "table.xml"))
            self._renderer = Renderer(*self._size, objects=objects)
        picture = self._renderer.render(self._states[self._count % _STATES])
        self._count += 1
        write_barcode(picture, frame_id=self._count, input_seq=input_seq)
        return av.VideoFrame.from_ndarray(picture, format="rgb24")


class Track(aiortc.MediaStreamTrack):
    """Pictures at no more than the rate, each started by an input."""

    kind = "video"

    def __init__(self, pictures: Pictures, rate_hz: float) -> None:
        super().__init__()
        self._pictures, self._period_s = pictures, 1.0 / rate_hz
        self._started_s = self._next_s = time.monotonic()
        self._news = asyncio.Event()
        self._input_seq = 0

    def take(self, message: str) -> None:
        """An input of the page; the newest counts."""
        self._input_seq = max(self._input_seq, int(json.loads(message)["seq"]))
        self._news.set()

    async def recv(self) -> av.VideoFrame:
        """Wait for the next slot and for an input, draw."""
        await asyncio.sleep(max(self._next_s - time.monotonic(), 0.0))
        with_input = asyncio.wait_for(self._news.wait(), self._period_s)
        await asyncio.gather(with_input, return_exceptions=True)
        self._news.clear()
        now_s = time.monotonic()
        self._next_s = max(self._next_s + self._period_s, now_s)
        frame = await self._pictures.draw(self._input_seq)
        frame.pts, frame.time_base = int((now_s - self._started_s) * _CLOCK_HZ), Fraction(1, _CLOCK_HZ)
        return frame


class Server:
    """Answers the page's offer with a stock peer connection."""

    def __init__(self, pictures: Pictures, rate_hz: float) -> None:
        self._pictures, self._rate_hz = pictures, rate_hz
        self._peers: list[aiortc.RTCPeerConnection] = []

    def build(self) -> web.Application:
        """The page, the modules that it shares with the session's page, and the offer."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_post("/offer", self._answer)
        app.router.add_static("/", _MODULES)
        return app

    async def _page(self, _: web.Request) -> web.FileResponse:
        isolation = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
        return web.FileResponse(_PAGE, headers=isolation)

    async def _answer(self, request: web.Request) -> web.Response:
        offer = aiortc.RTCSessionDescription(**await request.json())
        peer, track = aiortc.RTCPeerConnection(), Track(self._pictures, self._rate_hz)
        self._peers.append(peer)

        @peer.on("datachannel")
        def _(channel: Any) -> None:
            channel.on("message", track.take)

        await peer.setRemoteDescription(offer)
        peer.addTrack(track)
        await peer.setLocalDescription(await peer.createAnswer())
        local = peer.localDescription
        return web.json_response({"sdp": local.sdp, "type": local.type})


def main(width: int, height: int, rate_hz: float) -> None:
    """Serve on loopback until standard input ends; one line of JSON tells the address."""
    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]  # nothing leaves this machine
    threading.Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(_serve(Server(Pictures(width, height), rate_hz)))


async def _serve(server: Server) -> None:
    """Run the server for ever."""
    runner = web.AppRunner(server.build(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}/"}), flush=True)
    await asyncio.Event().wait()


def _end_with_input() -> None:
    """End at once when the one who started this is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)
