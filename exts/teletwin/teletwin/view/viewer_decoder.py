"""Decodes the pictures of the stream for a viewer without a browser. Imports PyAV when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Whether a picture came out, and its pixels (h, w, 3) RGB when they were asked for."""

    ok: bool
    pixels: NDArray[np.uint8] | None = None


class PictureDecoder:
    """H.264 (Annex B) and JPEG; one picture in, one picture out, none kept back."""

    def __init__(self, *, with_pixels: bool) -> None:
        self._with_pixels = with_pixels
        self._video = _open_video()

    def decode(self, codec: str, data: bytes) -> Decoded:
        """Decode one picture of the stream; damaged data gives ok = False and a fresh decoder."""
        return self._decode_jpeg(data) if codec == "jpeg" else self._decode_video(data)

    def _decode_video(self, data: bytes) -> Decoded:
        import av
        from av.error import FFmpegError

        try:
            frames = self._video.decode(av.Packet(data))
        except FFmpegError:
            frames = []
        if not frames:
            self._video = _open_video()
            return Decoded(ok=False)
        pixels = frames[-1].to_ndarray(format="rgb24") if self._with_pixels else None
        return Decoded(ok=True, pixels=pixels)

    def _decode_jpeg(self, data: bytes) -> Decoded:
        import simplejpeg

        try:
            pixels = simplejpeg.decode_jpeg(data)
        except ValueError:
            return Decoded(ok=False)
        return Decoded(ok=True, pixels=pixels if self._with_pixels else None)


def _open_video() -> Any:
    import av

    video = av.CodecContext.create("h264", "r")
    # Frame threads would keep a picture back for each thread.
    video.thread_count = 1
    video.options = {"flags": "low_delay"}
    return video
