"""The operator's pictures once more, small and seldom: made once for every observer whose link cannot take them all."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from teletwin.clock import NS_PER_S
from teletwin.errors import TeletwinError
from teletwin.messages import ViewSettings
from teletwin.view.decoder import Decoder
from teletwin.view.encoder import Encoder
from teletwin.view.server_messages import Values, pack_picture, unpack_frame
from teletwin.view.server_viewers import PackedFrame

RATE_HZ = 5.0
BITRATE_BPS = 200_000
"""With the numbers that go beside the pictures less than 300 kb/s."""
WIDTH_MAX = 320
_WAITING_MAX = 30
"""A second of pictures; more of them mean that this machine has no time for observers."""
_LATER = 10
"""Niceness of the thread: control and the operator's own pictures come first."""


class SlowStream:
    """Decodes every picture, draws a few of them again as JPEGs, on a thread of its own that gives way to others.

    `on_picture` is called on that thread.
    """

    def __init__(self, on_picture: Callable[[PackedFrame], None]) -> None:
        self._on_picture = on_picture
        self._waiting: deque[PackedFrame] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._follows = self._is_over = False
        self._transcoder = _Transcoder()

    def take(self, frame: PackedFrame) -> bool:
        """Queue a picture, without waiting; False when a key frame must come first."""
        with self._news:
            if len(self._waiting) >= _WAITING_MAX:
                self._forget()
            self._follows = self._follows or frame.stands_alone
            if self._follows:
                self._waiting.append(frame)
                self._news.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="slow-stream", daemon=True)
            self._thread.start()
        return self._follows

    def rest(self) -> None:
        """Nobody needs it now."""
        if self._follows:
            with self._news:
                self._forget()

    def close(self) -> None:
        """End the thread."""
        with self._news:
            self._is_over = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join(1.0)

    def _forget(self) -> None:
        self._waiting.clear()
        self._follows = False

    def _run(self) -> None:
        _give_way()
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._is_over)
                if self._is_over:
                    return
                frame = self._waiting.popleft()
            try:
                picture = self._transcoder.picture(frame)
            except TeletwinError as error:
                logging.getLogger(__name__).warning("no small pictures for slow viewers: %s", error)
                return
            if picture is not None:
                self._on_picture(picture)
            elif self._transcoder.need_key:
                with self._news:
                    self._forget()


class _Transcoder:
    """One picture in, at most one small picture out."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._encoder = Encoder(ViewSettings(width=WIDTH_MAX, height=180, rate_hz=RATE_HZ, codec="jpeg"))
        self._made_ns = -NS_PER_S
        self.need_key = False

    def picture(self, frame: PackedFrame) -> PackedFrame | None:
        """The small picture; None where none is due, or where the pictures before are missing."""
        header, data = unpack_frame(frame.message)
        is_due = abs(header["t_ready_ns"] - self._made_ns) > 0.9 * NS_PER_S / RATE_HZ
        if header["codec"] == "jpeg" and not is_due:
            return None
        size = _size(header)
        pixels = self._decoder.decode(data, codec=header["codec"], is_key=header["key"], size=size if is_due else None)
        self.need_key = header["codec"] != "jpeg" and self._decoder.need_key
        if pixels is None or not is_due:
            return None
        self._made_ns = header["t_ready_ns"]
        return self._pack(header, pixels)

    def _pack(self, header: Values, pixels: Any) -> PackedFrame:
        height, width = pixels.shape[:2]
        settings = ViewSettings(width=width, height=height, rate_hz=RATE_HZ, codec="jpeg", bitrate_bps=BITRATE_BPS)
        self._encoder.configure(settings)
        data = self._encoder.encode(pixels, frame_id=header["frame_id"]).data
        small = {**header, "codec": "jpeg", "key": True, "width": width, "height": height, "barcode": False}
        return PackedFrame(frame_id=header["frame_id"], stands_alone=True, message=pack_picture(small, data))


def _size(header: Values) -> tuple[int, int]:
    """Width and height, even, with the picture's proportions."""
    share = min(WIDTH_MAX / header["width"], 1.0)
    return 2 * round(share * header["width"] / 2), max(2 * round(share * header["height"] / 2), 64)


def _give_way() -> None:
    """Run this thread after the others, where the system knows priorities of threads."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LATER)
