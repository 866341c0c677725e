"""H.264 by the GPU's encoder where there is one, by x264 elsewhere; both give the same kind of stream."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import MissingPartError, StreamError
from teletwin.messages import ViewSettings
from teletwin.view.encoder import ASK_FACTOR, KEY_INTERVAL_FRAMES, Encoded, Encoder

CODEC = "h264_nvenc"
OPTIONS = {
    "preset": "p1",
    "tune": "ull",
    "zerolatency": "1",
    "delay": "0",
    "rc": "cbr",
    "profile": "baseline",
    "forced-idr": "1",
    "b_ref_mode": "disabled",
}
"""Fastest preset, ultra low latency, no reordering: one packet a picture, as from x264."""


class PictureEncoder(Protocol):
    """Turns pictures into bytes."""

    def encode(self, picture: NDArray[np.uint8], *, frame_id: int, force_key: bool = False) -> Encoded:
        """Encode one RGB picture (height, width, 3)."""
        ...

    def configure(self, settings: ViewSettings) -> bool:
        """Use other settings; tell whether the encoder was opened anew."""
        ...

    def close(self) -> None:
        """Let the codec go."""
        ...


class NvencEncoder:
    """`h264_nvenc` through PyAV; opened anew when the settings change. Not for several threads.

    Raises:
        MissingPartError: PyAV, the codec or a GPU with an encoder is missing.
    """

    def __init__(self, settings: ViewSettings) -> None:
        self._av: Any = _import_av()
        self.settings = settings
        self._context: Any = None
        self._open()

    def configure(self, settings: ViewSettings) -> bool:
        """Use other settings from the next picture on; tell whether the encoder was opened anew."""
        changed = settings != self.settings
        if changed:
            self.settings = settings
            self._open()
        return changed

    def encode(self, picture: NDArray[np.uint8], *, frame_id: int, force_key: bool = False) -> Encoded:
        """Encode one RGB picture (height, width, 3) of the settings' size.

        Raises:
            StreamError: The encoder held the picture back.
        """
        kinds = self._av.video.frame.PictureType
        frame = self._av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts = frame_id
        frame.pict_type = kinds.I if force_key else kinds.NONE
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise StreamError("NVENC held a picture back", given=f"{len(packets)} packets", allowed="one a picture")
        return Encoded(data=bytes(packets[0]), is_key=bool(packets[0].is_keyframe), codec="h264")

    def close(self) -> None:
        """Let the codec go."""
        self._context = None

    def _open(self) -> None:
        settings = self.settings
        rate = Fraction(settings.rate_hz).limit_denominator(1000)
        try:
            context = self._av.CodecContext.create(CODEC, "w")
            context.width, context.height, context.pix_fmt = settings.width, settings.height, "yuv420p"
            context.framerate, context.time_base = rate, 1 / rate
            context.bit_rate = round(ASK_FACTOR * settings.bitrate_bps)
            context.gop_size, context.max_b_frames = KEY_INTERVAL_FRAMES, 0
            context.options = OPTIONS
            context.open()
        except Exception as error:
            raise MissingPartError("this machine has no NVENC", given=str(error), allowed="x264") from None
        self._context = context


def open_encoder(settings: ViewSettings, wish: str) -> tuple[PictureEncoder, str]:
    """An encoder by wish ('auto', 'nvenc', 'x264') and its name.

    Raises:
        MissingPartError: NVENC was asked for and is not there, or neither is.
    """
    if settings.codec == "h264" and wish in ("auto", "nvenc"):
        try:
            return NvencEncoder(settings), "nvenc"
        except MissingPartError:
            if wish == "nvenc":
                raise
    return Encoder(settings), "x264" if settings.codec == "h264" else settings.codec


def _import_av() -> Any:
    try:
        av = importlib.import_module("av")
        importlib.import_module("av.video.frame")
    except ImportError:
        raise MissingPartError("the package av (PyAV) is missing", mend="see docs/isaac.md, packages") from None
    return av
