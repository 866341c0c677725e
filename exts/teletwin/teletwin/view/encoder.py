"""Pictures to bytes: H.264 that never waits for another picture, or JPEG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError, MissingPartError, StreamError
from teletwin.messages import ViewSettings
from teletwin.view.rate_in_place import rates_can_change_in_place, set_rate

CODECS = ("h264", "jpeg")
VBV_FRAMES = 1.0
ASK_FACTOR = 1.2
"""A rate buffer of one frame leaves about a fifth of the rate unused: ask for that much more."""
RATE_STEP = 0.05
"""Smaller changes of bitrate or frame rate are not worth a key frame."""
KEY_INTERVAL_FRAMES = 600
JPEG_QUALITY_RANGE = (20, 92)
JPEG_GAIN = 22.0
"""Steps of quality for each factor e in size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One encoded picture: H.264 Annex B with its parameter sets in band, or a JPEG file."""

    data: bytes
    is_key: bool
    codec: str


class Encoder:
    """Encodes pictures by ViewSettings; the same pictures give the same bytes. Not for several threads.

    H.264: x264 ultrafast, zerolatency, baseline, a rate buffer of one frame. Another bitrate or frame rate is taken
    in place where a trial has shown that this works (`rate_in_place`). Another size or codec, and elsewhere every
    change, opens the encoder anew, which costs a few milliseconds and a key frame; how often is limited elsewhere.

    Args:
        settings: What to begin with.
        in_place: Whether rates change in place; by default where the trial says so, made at the first change.
    """

    def __init__(self, settings: ViewSettings | None = None, *, in_place: bool | None = None) -> None:
        self.settings = settings or ViewSettings()
        self._in_place = in_place
        self._opened_hz = self.settings.rate_hz
        _check(self.settings)
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Drop the codec; nothing can be encoded afterwards."""
        self._context = None

    def configure(self, settings: ViewSettings) -> bool:
        """Use other settings from the next picture on; returns whether the encoder was opened anew."""
        _check(settings)
        if not _differs(self.settings, settings):
            return False
        same_picture = _shape(self.settings) == _shape(settings)
        self.settings = settings
        if same_picture and self._context is not None and self._set_rate(settings):
            return False
        self._open()
        return True

    def _set_rate(self, settings: ViewSettings) -> bool:
        """Another rate in place; x264 goes on allotting bits by the frame rate with which it was opened."""
        works = rates_can_change_in_place() if self._in_place is None else self._in_place
        asked = ASK_FACTOR * settings.bitrate_bps * self._opened_hz / settings.rate_hz
        buffer_bits = max(round(asked * VBV_FRAMES / self._opened_hz), 1000)
        return works and set_rate(self._context, bit_rate=round(asked), buffer_bits=buffer_bits)

    def encode(self, picture: NDArray[np.uint8], *, frame_id: int, force_key: bool = False) -> Encoded:
        """Encode one RGB picture (height, width, 3) of the settings' size.

        Raises:
            StreamError: The picture has another size.
        """
        if picture.shape != (self.settings.height, self.settings.width, 3):
            allowed = f"({self.settings.height}, {self.settings.width}, 3)"
            raise StreamError("a picture of the wrong size", given=picture.shape, allowed=allowed)
        if self.settings.codec == "jpeg":
            return self._encode_jpeg(picture)
        if self._context is None:
            raise StreamError("the encoder is closed")
        return self._encode_h264(picture, frame_id, force_key)

    def _open(self) -> None:
        self._context: Any = None
        self._quality = 70.0
        self._opened_hz = self.settings.rate_hz
        if self.settings.codec == "h264":
            self._context = open_x264(self.settings)
            av = _import_av()
            self._frame = av.VideoFrame(self.settings.width, self.settings.height, "rgb24")
            self._kinds = av.video.frame.PictureType
            self._reformat = av.video.reformatter.VideoReformatter().reformat

    def _encode_h264(self, picture: NDArray[np.uint8], frame_id: int, force_key: bool) -> Encoded:
        plane = self._frame.planes[0]
        if plane.line_size == picture.shape[1] * 3:
            plane.update(np.ascontiguousarray(picture))
        else:  # rows are padded
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : picture.shape[1] * 3] = picture.reshape(
                picture.shape[0], -1
            )
        frame = self._reformat(self._frame, format="yuv420p", interpolation="FAST_BILINEAR")
        frame.pts = frame_id
        frame.pict_type = self._kinds.I if force_key else self._kinds.NONE
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise StreamError("x264 held a picture back", given=f"{len(packets)} packets", allowed="one a picture")
        return Encoded(data=bytes(packets[0]), is_key=bool(packets[0].is_keyframe), codec="h264")

    def _encode_jpeg(self, picture: NDArray[np.uint8]) -> Encoded:
        try:
            import simplejpeg
        except ImportError:
            raise MissingPartError("the package simplejpeg is missing", mend="pip install simplejpeg") from None
        data = simplejpeg.encode_jpeg(
            np.ascontiguousarray(picture), quality=round(self._quality), colorspace="RGB", colorsubsampling="420"
        )
        wanted = self.settings.bitrate_bps / self.settings.rate_hz / 8.0
        low, high = JPEG_QUALITY_RANGE
        self._quality = min(max(self._quality + JPEG_GAIN * 0.5 * math.log(wanted / len(data)), low), high)
        return Encoded(data=data, is_key=True, codec="jpeg")


def open_x264(settings: ViewSettings) -> Any:
    """An x264 encoder (PyAV codec context) for the settings, one thread so that its bytes repeat."""
    av = _import_av()
    try:
        context = av.CodecContext.create("libx264", "w")
    except Exception:
        raise MissingPartError("PyAV has no x264", mend="pip install av (wheels from PyPI have it)") from None
    from fractions import Fraction

    rate = Fraction(settings.rate_hz).limit_denominator(1000)
    asked = round(ASK_FACTOR * settings.bitrate_bps)
    context.width, context.height, context.pix_fmt = settings.width, settings.height, "yuv420p"
    context.framerate, context.time_base = rate, 1 / rate
    context.bit_rate, context.thread_count, context.max_b_frames = asked, 1, 0
    context.gop_size = KEY_INTERVAL_FRAMES
    parameters = {
        "scenecut": 0,
        "repeat-headers": 1,
        "annexb": 1,
        "force-cfr": 1,
        "colormatrix": "smpte170m",  # what the conversion from RGB uses
        "colorprim": "smpte170m",
        "transfer": "smpte170m",
        "range": "tv",
        "log-level": -1,
    }
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "forced-idr": "1",
        "maxrate": str(asked),
        "bufsize": str(max(round(asked * VBV_FRAMES / settings.rate_hz), 1000)),
        "x264-params": ":".join(f"{key}={value}" for key, value in parameters.items()),
    }
    context.open()
    return context


def _import_av() -> Any:
    try:
        import av
        import av.video.frame
        import av.video.reformatter
    except ImportError:
        raise MissingPartError("the package av (PyAV) is missing", mend="pip install av") from None
    return av


def _differs(old: ViewSettings, new: ViewSettings) -> bool:
    if _shape(old) != _shape(new):
        return True
    ratios = (new.bitrate_bps / old.bitrate_bps, new.rate_hz / old.rate_hz)
    return any(abs(ratio - 1.0) > RATE_STEP for ratio in ratios)


def _shape(settings: ViewSettings) -> tuple[int, int, str]:
    return settings.width, settings.height, settings.codec


def _check(settings: ViewSettings) -> None:
    if settings.codec not in CODECS:
        raise ConfigError("an unknown codec", given=settings.codec, allowed=", ".join(CODECS))
    sizes_fit = 64 <= settings.width <= 3840 and 64 <= settings.height <= 2160
    if not sizes_fit or settings.width % 2 or settings.height % 2:
        given = f"{settings.width}x{settings.height}"
        raise ConfigError("a picture of this size", given=given, allowed="even, 64x64 ... 3840x2160")
    if not (math.isfinite(settings.rate_hz) and 1.0 <= settings.rate_hz <= 240.0):
        raise ConfigError("a frame rate out of range", given=f"{settings.rate_hz} Hz", allowed="1 ... 240 Hz")
    if not 50_000 <= settings.bitrate_bps <= 100_000_000:
        raise ConfigError("a bitrate out of range", given=f"{settings.bitrate_bps} b/s", allowed="50 kb/s ... 100 Mb/s")
