"""The page's HTTP and WebSocket endpoints. Imports aiohttp: only PageServer imports this, when it starts."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web  # noqa: TID253

from teletwin.clock import Clock
from teletwin.errors import MessageError
from teletwin.safety import RateLimits
from teletwin.view.ear import Ear
from teletwin.view.server_cfg import PageServerCfg, is_loopback
from teletwin.view.server_messages import MESSAGE_BYTES_MAX, PageEvent, Values, pack_text, parse_message
from teletwin.view.server_viewers import PackedFrame, Viewer, Viewers
from teletwin.view.slow_stream import SlowStream

PAGE = Path(__file__).parent / "page"
HEARTBEAT_S = 10.0
CLOSE_TIMEOUT_S = 0.3
"""How long a viewer may take to say goodbye when the server stops."""
VIEWERS_MAX = 32
"""Who comes later is told so."""
REFUSALS_HZ, REFUSALS_BURST = 1.0, 20.0
"""How often an address may be wrong about the token; beyond that it is not even compared."""
BACKDATE_MAX_NS = 1_000_000_000
"""How far back the page may date an input or a draw; anything else counts from its receipt."""
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
_log = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PageApp:
    """Serves the static page and one WebSocket per viewer; everything here runs on the server's loop."""

    def __init__(
        self,
        cfg: PageServerCfg,
        *,
        clock: Clock,
        on_event: Callable[[PageEvent], None],
        hello: Callable[[], Values],
    ) -> None:
        self._cfg = cfg
        self._clock = clock
        self._on_event = on_event
        self._hello = hello
        self._sockets: set[web.WebSocketResponse] = set()
        self._newest_seq = 0
        self.counters = {"bad_messages": 0, "refused": 0, "not_operator": 0, "failed_events": 0, "too_many": 0}
        self._guesses = RateLimits(rate_hz=REFUSALS_HZ, burst=REFUSALS_BURST)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slow = SlowStream(self._small_picture)
        self.viewers = Viewers(on_lost=self._lost, on_need_key=lambda number: self._tell("need_key", {}, number))

    def build(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._index)
        app.router.add_get("/ws", self._socket)
        app.router.add_static("/", PAGE)
        app.on_response_prepare.append(self._add_headers)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._close_sockets)
        return app

    def send_frame(self, frame: PackedFrame) -> None:
        """Offer a picture to every viewer."""
        now_ns = self._clock.now_ns()
        self.viewers.send_frame(frame, now_ns)
        if not self.viewers.slow_count:
            self._slow.rest()
        elif not self._slow.take(frame):
            self.viewers.ask_key(0, now_ns)

    def _small_picture(self, frame: PackedFrame) -> None:
        """Hand a picture of the slow stream over from its thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(lambda: self.viewers.send_small(frame, self._clock.now_ns()))

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)

    async def _start(self, _: web.Application) -> None:
        self._loop = asyncio.get_running_loop()

    async def _close_sockets(self, _: web.Application) -> None:
        self._slow.close()
        closings = (s.close(code=WSCloseCode.GOING_AWAY, message=b"server stops") for s in set(self._sockets))
        await asyncio.gather(*closings, return_exceptions=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Refuse who may not be here: a foreign Host or Origin, a missing token, one guess too many, one too many."""
        refusal = self._foreign(request)
        if not refusal and self._needs_token(request):
            # Only wrong tokens are counted: another site must not be able to lock this page out.
            if not self._guesses.allows(request.remote, self._clock.now_ns(), cost=0.0):
                self.counters["too_many"] += 1
                return web.Response(status=429, text="Too many wrong tokens: try again in a few seconds.")
            if not self._token_fits(request):
                self._guesses.allows(request.remote, self._clock.now_ns())
                refusal = "The address lacks the token: use the one that was printed at the start (?token=...)."
        if refusal:
            self.counters["refused"] += 1
            return web.Response(status=403, text=refusal)
        if request.path == "/ws" and len(self.viewers) >= VIEWERS_MAX:
            self.counters["too_many"] += 1
            return web.Response(status=503, text=f"{VIEWERS_MAX} look at this page already.")
        return await handler(request)

    def _foreign(self, request: web.Request) -> str:
        """Why a request from another site is refused; empty when it is from this one."""
        # A name that only resolves to loopback (DNS rebinding) must not reach a page that asks for no token.
        if is_loopback(self._cfg.host) and not is_loopback(urlsplit(f"//{request.host}").hostname or ""):
            return "This page is for this machine only: open it by 127.0.0.1 or localhost."
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return "Another site may not use this page."
        return ""

    def _needs_token(self, request: web.Request) -> bool:
        """Scripts and styles hold no secret, and a browser fetches them without the page's query."""
        return self._cfg.token is not None and request.path in ("/", "/ws")

    def _token_fits(self, request: web.Request) -> bool:
        given = request.query.get("token", "")
        return hmac.compare_digest(given.encode(errors="replace"), (self._cfg.token or "").encode())

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / "index.html")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            max_msg_size=MESSAGE_BYTES_MAX, compress=False, heartbeat=HEARTBEAT_S, timeout=CLOSE_TIMEOUT_S
        )
        await socket.prepare(request)
        viewer = self.viewers.add()
        self._sockets.add(socket)
        self._greet(viewer)
        self._tell_viewers(viewer.number)
        sender = asyncio.create_task(self._send(socket, viewer))
        ear = Ear()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    self.counters["bad_messages"] += 1
                elif ear.takes(message.data, self._clock.now_ns()):
                    self._receive(viewer, message.data)
                elif ear.is_tired:
                    await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too many messages")
                self.counters["too_many"] += ear.take_dropped()
        finally:
            sender.cancel()
            self._sockets.discard(socket)
            self._leave(viewer)
        return socket

    def _greet(self, viewer: Viewer) -> None:
        role = "operator" if viewer is self.viewers.operator else "observer"
        hello = {**self._hello(), "role": role, "viewer": viewer.number, "input_seq": self._newest_seq}
        viewer.offer_text(pack_text("hello", hello))
        if viewer is self.viewers.operator:
            self._tell("need_key", {}, viewer.number)
        else:
            self.viewers.ask_key(viewer.number, self._clock.now_ns())

    def _leave(self, viewer: Viewer) -> None:
        promoted = self.viewers.remove(viewer)
        if promoted and self.viewers.operator is not None:
            self._greet(self.viewers.operator)
        self._tell_viewers(viewer.number)

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
        if kind == "ping":
            viewer.offer_text(pack_text("pong", {"t_ms": values["t_ms"], "server_ns": received_ns}))
            return
        if kind == "ack":
            viewer.acknowledge(values["frame_id"], need_key=values["need_key"], now_ns=received_ns)
        if not self._may_say(viewer, kind, values):
            self.counters["not_operator"] += kind != "ack" and kind != "mtp"
            return
        if kind == "input":
            self._newest_seq = max(self._newest_seq, values["seq"])
        self._tell(kind, values, viewer.number, received_ns)

    def _may_say(self, viewer: Viewer, kind: str, values: Values) -> bool:
        """Who watches may stop the arm and nothing else."""
        return viewer is self.viewers.operator or (kind == "command" and values["name"] == "stop")

    def _tell(self, kind: str, values: Values, number: int, received_ns: int | None = None) -> None:
        now_ns = self._clock.now_ns() if received_ns is None else received_ns
        at_ns = values.pop("server_ns", None)
        fits = at_ns is not None and now_ns - BACKDATE_MAX_NS <= at_ns <= now_ns
        t_ns = at_ns if fits and at_ns is not None else now_ns
        event = PageEvent(kind=kind, values=values, viewer=number, t_ns=t_ns, received_ns=now_ns)
        try:
            self._on_event(event)
        except Exception:  # one bad listener must not end the connection that can say stop
            self.counters["failed_events"] += 1
            _log.exception("page event %s failed", kind)

    def _tell_viewers(self, number: int) -> None:
        operator = self.viewers.operator
        values: Values = {"count": len(self.viewers), "operator": 0 if operator is None else operator.number}
        self._tell("viewers", values, number)

    def _lost(self, frame_id: int, need_key: bool) -> None:
        values: Values = {"frame_id": frame_id, "drawn": False, "need_key": need_key, "t_ms": 0.0, "barcode_ok": None}
        self._tell("ack", values, 0)
