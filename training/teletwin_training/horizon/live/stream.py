"""The learner's end of the channel: rows come in on a thread of their own, the newest are kept."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from teletwin.errors import MessageError
from teletwin.session.lesson_channel import MESSAGE_BYTES_MAX, Row, unpack_row

KEPT_ROWS = 4096
"""Rows that wait to be learned from; older ones are dropped and counted."""


class RowStream:
    """Listens for one session; a context manager. `end` may be called from any thread."""

    def __init__(self, path: str | Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._session: socket.socket | None = None
        self._rows: deque[Row] = deque(maxlen=KEPT_ROWS)
        self._news = threading.Condition()
        self._ended = False
        self._state: Mapping[str, object] | None = None
        self._thread = threading.Thread(target=self._receive, name="rows", daemon=True)
        self.received_count = 0
        self.bad_count = 0
        """Messages that were no rows."""
        self.dropped_count = 0
        """Rows that learning was too slow for."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._thread.join(1.0)
        self._socket.close()

    def next(self) -> Row | None:
        """Wait for the next row; None when the session has ended and all rows are taken."""
        with self._news:
            self._news.wait_for(lambda: self._rows or self._ended)
            return self._rows.popleft() if self._rows else None

    def say(self, message: Mapping[str, object]) -> None:
        """Tell the session; one that comes later is told the newest state."""
        if message.get("kind") == "state":
            self._state = message
        session = self._session
        if session is not None:
            with contextlib.suppress(OSError):
                session.send(json.dumps(message).encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def end(self) -> None:
        """Let everybody go who waits here."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        for each in (self._socket, self._session):
            if each is not None:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> None:
        with contextlib.suppress(OSError):
            self._session, _ = self._socket.accept()
            if self._state is not None:
                self.say(self._state)
            with self._session:
                while data := self._session.recv(MESSAGE_BYTES_MAX):
                    self._take(data)
        self.end()

    def _take(self, data: bytes) -> None:
        try:
            row = unpack_row(data)
        except MessageError:
            self.bad_count += 1
            return
        with self._news:
            self.dropped_count += len(self._rows) == KEPT_ROWS
            self._rows.append(row)
            self.received_count += 1
            self._news.notify_all()
