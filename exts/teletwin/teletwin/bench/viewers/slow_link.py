"""A slow access link in front of a TCP server: what comes back from it passes at so many bits a second, late."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

_PIECE = 1400
_BUFFER = 8192
"""As little as the kernel takes: what the link cannot pass has to wait at the server, as on a real one."""


@contextlib.contextmanager
def slow_link(port: int, *, rate_bps: float, delay_s: float = 0.02) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to `port` over a link of rate_bps towards the client; delay_s each way."""
    loop, listening = asyncio.new_event_loop(), threading.Event()
    own_port: list[int] = []

    async def serve() -> None:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.CancelledError):  # the link is taken away
                await _carry(reader, writer, port, rate_bps=rate_bps, delay_s=delay_s)

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        own_port.append(server.sockets[0].getsockname()[1])
        listening.set()

    def run() -> None:
        starting = loop.create_task(serve())
        loop.run_forever()
        ending = [starting, *asyncio.all_tasks(loop)]
        for task in ending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*ending, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, name="slow-link", daemon=True)
    thread.start()
    listening.wait(10.0)
    try:
        yield own_port[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, *, rate_bps: float, delay_s: float
) -> None:
    """One connection."""
    upstream = socket.socket()
    upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    upstream.setblocking(False)
    await asyncio.get_running_loop().sock_connect(upstream, ("127.0.0.1", port))
    from_server, to_server = await asyncio.open_connection(sock=upstream, limit=_PIECE)
    ways = (
        _pump(from_server, writer, rate_bps=rate_bps, delay_s=delay_s),
        _pump(reader, to_server, rate_bps=1e9, delay_s=delay_s),
    )
    tasks = [asyncio.create_task(way) for way in ways]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for each in (writer, to_server):
        each.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, rate_bps: float, delay_s: float) -> None:
    """Pass bytes on in their order: one after the other at the rate, each delay_s after it left."""
    loop = asyncio.get_running_loop()
    free_s = 0.0
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(_PIECE):
            free_s = max(free_s, loop.time()) + 8.0 * len(piece) / rate_bps
            await asyncio.sleep(max(free_s - loop.time(), 0.0))
            loop.call_later(delay_s, writer.write, piece)
        await asyncio.sleep(2.0 * delay_s)  # what is still under way
