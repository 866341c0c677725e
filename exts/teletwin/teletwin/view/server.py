"""Serves the operator's page: static files, and a WebSocket for pictures, telemetry and what the page says."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import errno
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from teletwin.clock import Clock
from teletwin.errors import ConfigError, StreamError
from teletwin.messages import SCENE_CODEC, Frame
from teletwin.view.scene_codec import pack_state
from teletwin.view.server_cfg import PageServerCfg
from teletwin.view.server_messages import PageEvent, Values, pack_frame, pack_text
from teletwin.view.server_viewers import PackedFrame

if TYPE_CHECKING:
    from teletwin.view.server_app import PageApp

START_TIMEOUT_S = 60.0
"""A thread may wait long for a core that others keep busy; one that fails says so at once."""
STOP_TIMEOUT_S = 2.0
RECEIVE_BYTES = 32_768
"""Of a connection's receive buffer; the system doubles it for its own accounts."""

__all__ = ["PageEvent", "PageServer", "PageServerCfg"]


class PageServer:
    """The page in a thread of its own, or on the host's running asyncio loop when one is given.

    `on_event` is called on that thread or loop for everything that the page says, and must be quick. `on_stop` is
    called there for a Stop that came on its own lane, `on_event` when it is not given; `is_engaged` asks whether the
    arm follows now. The publish methods may be called from any thread, never wait, and do nothing when the server does
    not run.
    """

    def __init__(
        self,
        cfg: PageServerCfg,
        *,
        clock: Clock,
        on_event: Callable[[PageEvent], None],
        on_stop: Callable[[PageEvent], None] | None = None,
        is_engaged: Callable[[], bool] = lambda: True,
        hello: Mapping[str, object] | None = None,
        files: Mapping[str, bytes] | None = None,
        recordings: Callable[[], Mapping[str, Path]] = dict,
        loop: asyncio.AbstractEventLoop | None = None,
        on_thread: Callable[[], None] = lambda: None,
    ) -> None:
        """`hello` goes to each viewer as it comes: version, policies, forecasters, view_height_m, drawn.

        `files` are served by name under /drawn, for good: another content has another name. `recordings` tells what
        may be fetched under /recordings, by name.

        `on_thread` is called first on the server's own thread, to set its priority for example. With `loop` the server
        lives in it; it must be entered and left on another thread than the loop's.
        """
        self.cfg = cfg
        self.port = cfg.port
        self.barcode = False
        """Whether the published pictures carry their number in the pixels; the page then compares."""
        self._clock = clock
        self._on_event, self._on_stop, self._is_engaged = on_event, on_stop or on_event, is_engaged
        self._on_thread = on_thread
        self._hello: Values = dict(hello or {})
        self._files = dict(files or {})
        self._recordings = recordings
        self._host_loop = loop
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._served: concurrent.futures.Future[None] | None = None
        self._app: PageApp | None = None
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._started = threading.Event()

    def __enter__(self) -> Self:
        tls = self._tls_context()
        listener = _listen(self.cfg.host, self.cfg.port)
        self.port = listener.getsockname()[1]
        self._started.clear()
        self._failure = None
        if self._host_loop is not None:
            self._served = asyncio.run_coroutine_threadsafe(self._serve_in_host(listener, tls), self._host_loop)
        else:
            self._thread = threading.Thread(target=self._run, args=(listener, tls), name="page-server", daemon=True)
            self._thread.start()
        if not self._started.wait(START_TIMEOUT_S) or self._failure is not None:
            listener.close()
            raise StreamError("the page's server did not start", given=self._failure) from self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)
        if self._served is not None:
            with contextlib.suppress(concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
                self._served.result(STOP_TIMEOUT_S)

    @property
    def url(self) -> str:
        """The page's link, with the token when there is one."""
        return self._link(self.cfg.token)

    @property
    def admin_url(self) -> str:
        """The link of who may take control back at any time; empty without such a token."""
        return self._link(self.cfg.admin_token) if self.cfg.admin_token else ""

    @property
    def watch_url(self) -> str:
        """The link of who may watch and press Stop; empty without such a token at the start."""
        return self._link(self.cfg.watch_token) if self.cfg.watch_token else ""

    def _link(self, token: str | None) -> str:
        address = self.cfg.url(self.port, socket.gethostname())
        return f"{address}?token={token}" if token else address

    @property
    def viewer_count(self) -> int:
        """How many look at the page now."""
        return len(self._app.viewers) if self._app is not None else 0

    @property
    def counters(self) -> dict[str, int]:
        """Refused connections, bad messages and skipped pictures so far."""
        if self._app is None:
            return {}
        return {**self._app.counters, "skipped_frames": self._app.viewers.skipped_count}

    def publish_frame(self, frame: Frame, *, t_ready_ns: int = 0) -> None:
        """Send a picture to every viewer that can take it; a state with when it was ready, this host's clock [ns]."""
        stands_alone, is_state = frame.is_key or frame.codec == "jpeg", frame.codec == SCENE_CODEC
        message = pack_state(frame, t_ready_ns=t_ready_ns) if is_state else pack_frame(frame, barcode=self.barcode)
        packed = PackedFrame(frame_id=frame.frame_id, stands_alone=stands_alone, message=message, is_state=is_state)
        if self._app is not None:
            self._call(self._app.send_frame, packed)

    def publish_telemetry(self, values: Mapping[str, object]) -> None:
        """Send the newest numbers to every viewer; a viewer that is slow gets only the newest."""
        if self._app is not None:
            self._call(self._app.viewers.send_telemetry, pack_text("telemetry", values))

    def _call(self, function: Callable[[Any], None], argument: object) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        try:
            loop.call_soon_threadsafe(function, argument)
        except RuntimeError:  # the loop closed between the question and the call
            return

    def _tls_context(self) -> ssl.SSLContext | None:
        if self.cfg.tls_cert is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self.cfg.tls_cert, self.cfg.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                "the TLS certificate cannot be used", given=self.cfg.tls_cert, mend="give a PEM chain and its key"
            ) from error
        return context

    def _run(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        try:
            self._on_thread()
            asyncio.run(self._serve(listener, tls))
        except BaseException as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve_in_host(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        try:
            await self._serve(listener, tls)
        except Exception as error:
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        from aiohttp import web

        from teletwin.view.server_app import PageApp
        from teletwin.view.server_log import http_log

        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._app = PageApp(
            self.cfg,
            clock=self._clock,
            on_event=self._on_event,
            on_stop=self._on_stop,
            is_engaged=self._is_engaged,
            hello=lambda: self._hello,
            files=self._files,
            recordings=self._recordings,
        )
        log = http_log(self._app.counters, self._clock)
        runner = web.AppRunner(self._app.build(), access_log=None, logger=log, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, listener, ssl_context=tls).start()
        self._started.set()
        await self._stop.wait()
        await runner.cleanup()


def _listen(host: str, port: int) -> socket.socket:
    """Bind here, in the caller's thread, so that a busy port is one clear line."""
    name = host.strip("[]")
    is_v6 = ":" in name
    is_dual = name == "::" and socket.has_dualstack_ipv6()
    try:
        family = socket.AF_INET6 if is_v6 else socket.AF_INET
        listener = socket.create_server((name, port), family=family, dualstack_ipv6=is_dual)
        # Each connection takes it over: what one turn of the loop can read, and so how long it can take, is bounded.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                "the page's port is in use", given=f"{host}:{port}", mend="stop what uses it, or choose another --port"
            ) from error
        raise ConfigError(
            "the page cannot be served at this address",
            given=f"{host}:{port}",
            allowed="an address of this machine",
            mend=str(error.strerror or error),
        ) from error
