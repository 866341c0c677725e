"""Another bitrate for a running x264, without opening it anew: no key frame, no pause.

libavcodec's wrapper of x264 takes bit_rate, rc_max_rate and rc_buffer_size from its AVCodecContext before every
picture, but PyAV lets only the first be set. The other two are found here by scanning the structure for values that
were put there on purpose, read by way of the kernel, so that a wrong guess is an error and no crash. Where the scan
does not find each exactly once, or a trial encode does not follow, encoders are opened anew instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_SCANNED_BYTES = 1024
_OBJECT_BYTES = 256
_LONG, _INT = struct.Struct("<q"), struct.Struct("<i")
_MARKS = (1_234_000, 1_345_000, 54_000)
"""Bitrate, largest rate and buffer [bit] that nothing else in the structure is likely to hold."""
_TRIAL_FRAMES = 12
_TRIAL_BPS = (2_400_000, 600_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Offsets [bytes] into the object of PyAV, and into libavcodec's structure that it points to."""

    pointer: int
    bit_rate: int
    most_rate: int
    buffer: int


@functools.cache
def rates_can_change_in_place() -> bool:
    """Whether a trial encoder followed another bitrate at once and without a key frame; tried once a process."""
    try:
        return _places() is not None and _trial()
    except Exception:  # whatever goes wrong in another library's memory: encoders are opened anew
        return False


def set_rate(context: Any, *, bit_rate: int, buffer_bits: int) -> bool:
    """Let a PyAV x264 context aim at another bitrate [bit/s] from its next picture on.

    Returns:
        False, with nothing changed, where that cannot be done.
    """
    places = _places()
    if places is None:
        return False
    (address,) = _LONG.unpack(ctypes.string_at(id(context) + places.pointer, _LONG.size))
    for offset, packed in (
        (places.bit_rate, _LONG.pack(bit_rate)),
        (places.most_rate, _LONG.pack(bit_rate)),
        (places.buffer, _INT.pack(buffer_bits)),
    ):
        ctypes.memmove(address + offset, packed, len(packed))
    return True


@functools.cache
def _places() -> _Places | None:
    if sys.platform != "linux" or sys.byteorder != "little":
        return None
    context = _marked_context()
    with _memory() as memory:
        whole = os.pread(memory, _OBJECT_BYTES, id(context))
        found = [
            places
            for pointer in range(0, len(whole) - _LONG.size + 1, _LONG.size)
            if (places := _scan(memory, pointer, *_LONG.unpack_from(whole, pointer))) is not None
        ]
    return found[0] if len(found) == 1 else None


def _marked_context() -> Any:
    """An encoder, opened, whose structure holds the marks."""
    import av

    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 64, 64, "yuv420p"
    context.bit_rate, most_rate, buffer = _MARKS
    context.options = {"maxrate": str(most_rate), "bufsize": str(buffer), "preset": "ultrafast", "tune": "zerolatency"}
    context.thread_count = 1
    from fractions import Fraction

    context.framerate, context.time_base = Fraction(30), Fraction(1, 30)
    context.open()
    return context


def _scan(memory: int, pointer: int, address: int) -> _Places | None:
    """The places if the structure at this address holds every mark exactly once."""
    if not 4096 <= address < 1 << 47:
        return None
    with contextlib.suppress(OSError):
        held = os.pread(memory, _SCANNED_BYTES, address)
        rate, most, buffer = _MARKS
        bit_rate, most_rate = _only(held, _LONG, rate), _only(held, _LONG, most)
        size = _only(held, _INT, buffer)
        if bit_rate is not None and most_rate is not None and size is not None:
            return _Places(pointer=pointer, bit_rate=bit_rate, most_rate=most_rate, buffer=size)
    return None


def _only(held: bytes, kind: struct.Struct, value: int) -> int | None:
    """Where the value stands; None unless it does so exactly once."""
    offsets = range(0, len(held) - kind.size + 1, kind.size)
    found = [offset for offset in offsets if kind.unpack_from(held, offset)[0] == value]
    return found[0] if len(found) == 1 else None


@contextlib.contextmanager
def _memory() -> Iterator[int]:
    """Memory of the process as a file: reading what is not there is an error, not a crash."""
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        yield memory
    finally:
        os.close(memory)


def _trial() -> bool:
    """Encode noise at one bitrate and then at another: it must follow both, without a key frame between."""
    from teletwin.messages import ViewSettings
    from teletwin.view.encoder import Encoder

    width, height, rate_hz = 320, 180, 30.0
    before, after = _TRIAL_BPS
    settings = ViewSettings(width=width, height=height, rate_hz=rate_hz, bitrate_bps=before)
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (4, height, width, 3), dtype=np.uint8)
    sizes: list[int] = []
    keys: list[bool] = []
    with Encoder(settings, in_place=True) as encoder:
        for number in range(2 * _TRIAL_FRAMES):
            if number == _TRIAL_FRAMES:
                encoder.configure(ViewSettings(width=width, height=height, rate_hz=rate_hz, bitrate_bps=after))
            encoded = encoder.encode(pictures[number % len(pictures)], frame_id=number)
            sizes.append(len(encoded.data))
            keys.append(encoded.is_key)
    half = _TRIAL_FRAMES // 2
    rates = [8.0 * rate_hz * float(np.mean(sizes[k : k + half])) for k in (half, len(sizes) - half)]
    return not any(keys[1:]) and 0.4 * before < rates[0] < 1.5 * before and 0.4 * after < rates[1] < 1.5 * after
