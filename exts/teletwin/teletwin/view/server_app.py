"""The page's HTTP and WebSocket endpoints. Imports aiohttp: only PageServer imports this, when it starts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from aiohttp import WSCloseCode, WSMsgType, web  # noqa: TID253

from teletwin.clock import Clock
from teletwin.errors import MessageError
from teletwin.palette import css
from teletwin.view.ear import Ear
from teletwin.view.server_cfg import PageServerCfg
from teletwin.view.server_driving import LOOK_S, Driving
from teletwin.view.server_entry import Access, Entry, Refusal
from teletwin.view.server_messages import MESSAGE_BYTES_MAX, PageEvent, Values, pack_text, parse_message
from teletwin.view.server_share import Share
from teletwin.view.server_stop import LANE_BYTES_MAX, LANES_MAX, StopLanes
from teletwin.view.server_times import PageTimes
from teletwin.view.server_viewers import PackedFrame, Viewer, Viewers
from teletwin.view.slow_stream import SlowStream

PAGE = Path(__file__).parent / "page"
HEARTBEAT_S = 10.0
CLOSE_TIMEOUT_S = 0.3
"""How long a viewer may take to say goodbye when the server stops."""
VIEWERS_MAX = 32
"""Who comes later is told so."""
TURN = 8
"""Messages that one connection is read before the others get their turn, Stop among them."""
HEADERS = {
    # Isolation gives the page's clock a resolution of 5 us instead of 100 us.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
_ONCE_MORE = '<!doctype html><meta http-equiv="refresh" content="0; url=/?again"><title>teletwin</title>'
"""A link that was clicked on another site brings no Strict cookie; a page of our own that asks again does."""
_ACCESS = "teletwin_access"
_FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
_log = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageApp:
    """Serves the static page, a WebSocket per viewer and Stop's lanes; everything here runs on the server's loop."""

    def __init__(
        self,
        cfg: PageServerCfg,
        *,
        clock: Clock,
        on_event: Callable[[PageEvent], None],
        on_stop: Callable[[PageEvent], None],
        is_engaged: Callable[[], bool],
        hello: Callable[[], Values],
        files: Mapping[str, bytes],
        recordings: Callable[[], Mapping[str, Path]] = dict,
    ) -> None:
        self._clock = clock
        self._on_event = on_event
        self._hello, self._files = hello, files
        self._sockets: set[web.WebSocketResponse] = set()
        self._newest_seq = 0
        self._times: dict[int, PageTimes] = {}
        names = ("bad_messages", "bad_http", "refused", "not_operator", "failed_events", "too_many")
        self.counters: dict[str, int] = dict.fromkeys(names, 0)
        self._share = Share(cfg.watch_token or "")
        self._recordings = recordings
        self._entry = Entry(cfg, clock=clock, share=self._share)
        self._needs_token = cfg.token is not None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looking: asyncio.Task[None] | None = None
        self._slow = SlowStream(self._small_picture)
        self.viewers = Viewers(on_lost=self._lost, on_need_key=lambda number: self._tell("need_key", {}, number))
        self._driving = Driving(
            self.viewers, clock=clock, tell=self._tell, is_engaged=is_engaged, is_open=cfg.token is None
        )
        self._stops = StopLanes(clock=clock, on_stop=on_stop, counters=self.counters)

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._index)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/stop", self._stop_lane)
        app.router.add_get("/drawn/{name}", self._file)
        app.router.add_get("/palette.css", self._palette)
        app.router.add_get("/recordings/{name}", self._recording)
        app.router.add_static("/", PAGE)
        app.on_response_prepare.append(self._add_headers)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._close)
        return app

    def send_frame(self, frame: PackedFrame) -> None:
        """Offer a picture to every viewer."""
        now_ns = self._clock.now_ns()
        self.viewers.send_frame(frame, now_ns)
        if frame.is_state or not self.viewers.slow_count:
            self._slow.rest()
        elif not self._slow.take(frame):
            self.viewers.ask_key(0, now_ns)

    def _small_picture(self, frame: PackedFrame) -> None:
        """Hand a picture of the slow stream over from its thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(lambda: self.viewers.send_small(frame, self._clock.now_ns()))

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        kept = response.headers.get("Cache-Control", HEADERS["Cache-Control"])
        response.headers.update(HEADERS | {"Cache-Control": kept})

    async def _start(self, _: web.Application) -> None:
        self._loop = asyncio.get_running_loop()
        self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Watch over control."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self._driving.look()
            except Exception:  # the host's answer failed; who drives must go on being watched
                self.counters["failed_events"] += 1
                _log.exception("control could not be looked at")

    async def _close(self, _: web.Application) -> None:
        self._slow.close()
        if self._looking is not None:
            self._looking.cancel()
        closings = (s.close(code=WSCloseCode.GOING_AWAY, message=b"server stops") for s in set(self._sockets))
        await asyncio.gather(*closings, return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse who may not be here. Scripts and styles hold no secret: they come without token or cookie."""
        foreign = self._entry.foreign(request)
        refusal = Refusal(status=403, text=foreign) if foreign else None
        if (refusal is None and request.path in ("/", "/ws", "/stop")) or request.path.startswith("/recordings/"):
            access = self._entry.admit(request)
            if isinstance(access, Access):
                request[_ACCESS] = access
                refusal = self._full(request.path)
            else:
                refusal = access
        if refusal is None:
            return await handler(request)
        self.counters["refused" if refusal.status == 403 else "too_many"] += 1
        if request.path == "/" and refusal.status == 403 and not foreign and not request.query_string:
            return web.Response(status=403, text=_ONCE_MORE, content_type="text/html")
        response = web.Response(status=refusal.status, text=refusal.text)
        if request.path == "/" and not foreign:
            self._entry.forget(request, response)
        return response

    def _full(self, path: str) -> Refusal | None:
        """Why one more does not fit."""
        if path == "/ws" and len(self.viewers) >= VIEWERS_MAX:
            return Refusal(status=503, text=f"{VIEWERS_MAX} look at this page already.")
        if path == "/stop" and self._stops.open_count >= LANES_MAX:
            return Refusal(status=503, text=f"{LANES_MAX} connections for Stop are open already.")
        return None

    async def _index(self, request: web.Request) -> web.StreamResponse:
        """The page; who comes by the link gets a cookie and an address that holds no secret."""
        access: Access = request[_ACCESS]
        if not request.query_string or (not self._needs_token and access.may_drive):
            return web.FileResponse(PAGE / "index.html")
        response = web.Response(status=303, headers={"Location": "/"})
        if not access.session:
            self._entry.begin(access, request, response)
        return response

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """What a page draws the scene of."""
        data = self._files.get(request.match_info["name"])
        if data is None:
            return web.Response(status=404, text="There is no such file.")
        return web.Response(body=data, content_type="application/octet-stream", headers=_FOREVER)

    async def _recording(self, request: web.Request) -> web.StreamResponse:
        """A file that this session has recorded, by its name; what it did not write cannot be named."""
        path = self._recordings().get(request.match_info["name"])
        if not request[_ACCESS].may_drive:
            return web.Response(status=403, text="The link to watch opens no recordings.")
        if path is None or not path.is_file():
            return web.Response(status=404, text="There is no such recording.")
        named = {"Content-Disposition": f'attachment; filename="{path.name}"', "Cache-Control": "no-store"}
        return web.FileResponse(path, headers=named)

    async def _palette(self, _: web.Request) -> web.StreamResponse:
        """The colors, for the page's own style sheet."""
        return web.Response(text=css(), content_type="text/css")

    async def _open(self, request: web.Request, bytes_max: int) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            max_msg_size=bytes_max, compress=False, heartbeat=HEARTBEAT_S, timeout=CLOSE_TIMEOUT_S
        )
        await socket.prepare(request)
        self._sockets.add(socket)
        return socket

    async def _stop_lane(self, request: web.Request) -> web.StreamResponse:
        socket, access = await self._open(request, LANE_BYTES_MAX), request[_ACCESS]
        if not access.may_drive:
            self._share.come(socket, is_page=False)
        try:
            await self._stops.serve(socket, lambda claimed: self._driving.owner(claimed, access))
        finally:
            self._share.leave(socket)
            self._sockets.discard(socket)
        return socket

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = await self._open(request, MESSAGE_BYTES_MAX)
        viewer = self._greet(request[_ACCESS])
        if not request[_ACCESS].may_drive:
            self._share.come(socket, is_page=True)
        sender = asyncio.create_task(self._send(socket, viewer))
        try:
            await self._listen(socket, viewer)
        finally:
            sender.cancel()
            self._sockets.discard(socket)
            self._share.leave(socket)
            self.viewers.remove(viewer)
            self._times.pop(viewer.number, None)
            self._driving.leave(viewer)
        return socket

    async def _listen(self, socket: web.WebSocketResponse, viewer: Viewer) -> None:
        """Read one viewer to its end."""
        ear, count = Ear(), 0
        async for message in socket:
            self._driving.hear(viewer)
            if message.type is not WSMsgType.TEXT:
                self.counters["bad_messages"] += 1
            elif ear.takes(message.data, self._clock.now_ns()):
                self._receive(viewer, message.data)
            elif ear.is_tired:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
            self.counters["too_many"] += ear.take_dropped()
            count += 1
            if count % TURN == 0:  # what waits in a buffer is read without a pause otherwise
                await asyncio.sleep(0)

    def _greet(self, access: Access) -> Viewer:
        """Let a viewer in and tell it what is so."""
        viewer = self.viewers.add()
        self._times[viewer.number] = PageTimes()
        own = {"viewer": viewer.number, "input_seq": self._newest_seq, "stop_number": self._stops.newest_number}
        viewer.offer_text(pack_text("hello", {**self._hello(), **own}))
        self._driving.come(viewer, access)
        if viewer is self.viewers.driver:
            self._tell("need_key", {}, viewer.number)
        else:
            self.viewers.ask_key(viewer.number, self._clock.now_ns())
        return viewer

    async def _send(self, socket: web.WebSocketResponse, viewer: Viewer) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                for message in await viewer.outgoing():
                    if isinstance(message, bytes):
                        await socket.send_bytes(message)
                    else:
                        await socket.send_str(message)

    def _receive(self, viewer: Viewer, text: str) -> None:
        received_ns = self._clock.now_ns()
        try:
            kind, values = parse_message(text)
        except MessageError as error:
            self.counters["bad_messages"] += 1
            _log.debug("%s", error)
            viewer.offer_text(pack_text("refused", {"text": str(error)}))
            return
        self._times[viewer.number].learn(kind, values, received_ns)
        if kind == "ping":
            viewer.offer_text(pack_text("pong", {"t_ms": values["t_ms"], "server_ns": received_ns}))
            return
        if kind == "share":
            self._change_share(viewer, values["act"])
            return
        if kind == "control":
            self._driving.act(viewer, values["act"], values["to"])
            return
        if kind == "ack":
            viewer.acknowledge(values["frame_id"], need_key=values["need_key"], now_ns=received_ns)
        if not self._may_say(viewer, kind, values):
            self.counters["not_operator"] += kind not in ("ack", "mtp")
            return
        if kind == "input":
            self._newest_seq = max(self._newest_seq, values["seq"])
        self._tell(kind, values, viewer.number, received_ns)

    def _change_share(self, viewer: Viewer, act: str) -> None:
        """Make or end the link to watch, and tell who asked how that stands."""
        if not self._driving.may_share(viewer.number):
            viewer.offer_text(
                pack_text("refused", {"text": "Only who drives, or an administrator, shares the session"})
            )
            return
        if act != "show":
            self._share.make() if act == "make" else self._share.end()
            self._tell("share", {"act": act}, viewer.number)
        viewer.offer_text(pack_text("share", self._share.told))

    def _may_say(self, viewer: Viewer, kind: str, values: Values) -> bool:
        """Who watches may stop the arm and nothing else."""
        if kind == "enable" and viewer is self.viewers.driver:
            return viewer.enables(values["seq"])
        return viewer is self.viewers.driver or (kind == "command" and values["name"] == "stop")

    def _tell(self, kind: str, values: Values, number: int, received_ns: int | None = None) -> None:
        now_ns = self._clock.now_ns() if received_ns is None else received_ns
        times = self._times.get(number)
        t_ns = now_ns if times is None else times.date(kind, values, now_ns)
        event = PageEvent(kind=kind, values=values, viewer=number, t_ns=t_ns, received_ns=now_ns)
        try:
            self._on_event(event)
        except Exception:  # one bad listener must not end the connection that can say stop
            self.counters["failed_events"] += 1
            _log.exception("page event %s failed", kind)

    def _lost(self, frame_id: int, need_key: bool) -> None:
        values: Values = {"frame_id": frame_id, "drawn": False, "need_key": need_key, "t_ms": 0.0, "barcode_ok": None}
        self._tell("ack", values, 0)
