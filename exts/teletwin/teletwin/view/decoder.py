"""Bytes to pictures, for the viewer without a browser."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import MissingPartError, StreamError


class Decoder:
    """Decodes what Encoder made; H.264 starts at a key frame and may change its size at one."""

    def __init__(self) -> None:
        self._context: Any = None
        self.need_key = True
        """Whether a delta picture cannot be decoded now: none came yet, or the stream broke."""

    def decode(
        self, data: bytes, *, codec: str, is_key: bool, size: tuple[int, int] | None = (0, 0)
    ) -> NDArray[np.uint8] | None:
        """The RGB picture (height, width, 3) in `data`, or None when a key frame must come first.

        `size` (width, height) scales it; (0, 0) is its own. With None it is decoded for those after it alone.

        Raises:
            StreamError: A codec that is not known.
        """
        if codec == "jpeg":
            return _scaled(self._decode_jpeg(data), size)
        if codec != "h264":
            raise StreamError("an unknown codec", given=codec, allowed="h264, jpeg")
        if self.need_key and not is_key:
            return None
        return self._decode_h264(data, size)

    def _decode_h264(self, data: bytes, size: tuple[int, int] | None) -> NDArray[np.uint8] | None:
        try:
            import av
            import av.error
        except ImportError:
            raise MissingPartError("the package av (PyAV) is missing", mend="pip install av") from None
        if self._context is None:
            self._context = av.CodecContext.create("h264", "r")
            self._context.thread_type, self._context.thread_count = "SLICE", 1
            self._context.options = {"flags": "low_delay"}
        try:
            frames = self._context.decode(av.Packet(data))
        except av.error.FFmpegError:
            frames = []
        if not frames:  # whatever was lost, only a key frame mends it
            self.need_key, self._context = True, None
            return None
        self.need_key = False
        if size is None:
            return None
        width, height = size
        return frames[-1].to_ndarray(format="rgb24", width=width or None, height=height or None)

    def _decode_jpeg(self, data: bytes) -> NDArray[np.uint8] | None:
        try:
            import simplejpeg
        except ImportError:
            raise MissingPartError("the package simplejpeg is missing", mend="pip install simplejpeg") from None
        try:
            return simplejpeg.decode_jpeg(data, colorspace="RGB")
        except ValueError:
            return None


def _scaled(picture: NDArray[np.uint8] | None, size: tuple[int, int] | None) -> NDArray[np.uint8] | None:
    if picture is None or size is None or size == (0, 0):
        return None if size is None else picture
    import av

    width, height = size
    frame: Any = av.VideoFrame.from_ndarray(picture, format="rgb24")
    return frame.to_ndarray(format="rgb24", width=width, height=height)
