"""A door from this machine to the page inside the operator's namespace: TCP alone, and unknown to every role."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

from teletwin.bench.three_hosts.namespaces import inside
from teletwin.errors import ConfigError

_LOOPBACK = "127.0.0.1"
_CHUNK = 1 << 16


class PageDoor:
    """Takes connections on loopback here and makes them on loopback in the namespace. A context manager."""

    def __init__(self, namespace: str, *, port: int) -> None:
        self._namespace, self._port = namespace, port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> PageDoor:
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except OSError as error:
            self._stop()
            raise ConfigError("the page's port is taken", given=self._port, mend=error.strerror or "") from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._visit, _LOOPBACK, self._port)

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways until either side closes."""
        with contextlib.closing(writer):
            try:
                there = await self._connect()
            except OSError:
                return
            with contextlib.closing(there[1]):
                await asyncio.gather(_pass_on(reader, there[1]), _pass_on(there[0], writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        with inside(self._namespace):  # not over an await: the thread must be home again before others run
            made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._loop.sock_connect(made, (_LOOPBACK, self._port))
        except OSError:
            made.close()
            raise
        return await asyncio.open_connection(sock=made)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes one way until their end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
