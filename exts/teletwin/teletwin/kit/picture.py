"""From the camera's pixels to encoded pictures, off Kit's main thread, the newest only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import SystemClock
from teletwin.kit.camera import CameraSource, Rendered
from teletwin.kit.nvenc import PictureEncoder, open_encoder
from teletwin.messages import Frame, ViewSettings
from teletwin.session.allocation.ladder import MeasuredCosts
from teletwin.session.renderer import RendererLoop, StartedFrame
from teletwin.session.slowdown import lengthen
from teletwin.view.barcode import write_barcode


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """One picture on its way through the encoder."""

    started: StartedFrame
    pixels: NDArray[np.uint8]
    read_ms: float


class Pictures(Protocol):
    """What the twin's host needs of pictures; unlike `session.renderer.Picture` they are never drawn on demand."""

    encoder_name: str
    compute_share: float
    """Imitate a machine that takes this much longer."""
    costs: MeasuredCosts | None
    """What pictures took when they were tried; None where none was."""

    def apply(self, settings: ViewSettings) -> None:
        """Take another size, rate or codec."""
        ...

    def pressed(self, is_late: bool) -> None:
        """Told after every picture whether the machine holds the rate."""
        ...

    def is_ours(self, event: Any) -> bool:
        """Whether a new frame of Kit's is one of these pictures."""
        ...

    def read(self) -> Rendered | None:
        """The frame that has just been told of; None while there is none."""
        ...

    def encode(self, pixels: NDArray[np.uint8], started: StartedFrame) -> tuple[bytes, bool]:
        """Encoded bytes and whether they are a key frame; called on the encoder's thread."""
        ...

    def close(self) -> None:
        """Let the codec go."""
        ...


class KitPicture:
    """The camera's pixels and their encoder."""

    def __init__(self, settings: ViewSettings, source: CameraSource, *, encoder: str) -> None:
        self._settings, self._source, self._wish = settings, source, encoder
        self._clock = SystemClock()
        self.compute_share, self.costs = 1.0, None
        self._encoder: PictureEncoder
        self._encoder, self.encoder_name = open_encoder(settings, encoder)

    def is_ours(self, event: Any) -> bool:
        """Whether a new frame of Kit's is the camera's."""
        return self._source.is_ours(event)

    def read(self) -> Rendered | None:
        """The frame that has just been told of; None while there is none."""
        return self._source.read()

    def encode(self, pixels: NDArray[np.uint8], started: StartedFrame) -> tuple[bytes, bool]:
        """Mark and encode on the encoder's thread, by the settings with which the picture was begun."""
        start_s = time.perf_counter()
        if started.settings != self._settings:
            self._configure(started.settings)
        if self._settings.barcode:
            write_barcode(pixels, frame_id=started.frame_id, input_seq=started.shown.input_seq)
        encoded = self._encoder.encode(pixels, frame_id=started.frame_id, force_key=started.force_key)
        lengthen(time.perf_counter() - start_s, self.compute_share, self._clock)
        return encoded.data, encoded.is_key

    def apply(self, settings: ViewSettings) -> None:
        """Take another size for the camera now; the encoder follows with the first picture begun by it."""
        self._source.resize(settings.width, settings.height)

    def pressed(self, is_late: bool) -> None:
        """Kit's own renderer decides about shadows."""

    def close(self) -> None:
        """Let the codec go."""
        self._encoder.close()

    def _configure(self, settings: ViewSettings) -> None:
        if settings.codec != self._settings.codec:
            self._encoder.close()
            self._encoder, self.encoder_name = open_encoder(settings, self._wish)
        else:
            self._encoder.configure(settings)
        self._settings = settings


class PictureLine:
    """Starts a picture when the renderer's loop wants one, encodes it on another thread, sends it from there.

    `lock` guards the renderer's loop and link, which both threads use; neither holds it while it encodes.
    """

    def __init__(
        self,
        loop: RendererLoop,
        picture: Pictures,
        executor: Executor,
        *,
        lock: threading.Lock,
        on_fault: Callable[[str], None],
    ) -> None:
        self._loop, self._picture, self._executor, self._lock = loop, picture, executor, lock
        self._on_fault = on_fault
        self._busy: Future[Any] | None = None
        self.sent_count = self.skipped_count = 0
        self.encode_ms = 0.0
        self.simulation_s = 0.0
        """Simulated time that the newest picture shows [s]."""

    def offer(self, now_ns: int, *, show: Callable[[float], float], render_ms: float = 0.0) -> None:
        """A frame is there at now_ns that took render_ms; take it if one is wanted and the encoder is free.

        `show` turns the shown world to the frame's own simulated time and returns that of the session [s].
        """
        with self._lock:  # the encoder's thread notes what it sends in what this looks at
            if not self._loop.wants_frame(now_ns):
                return
        if self._busy is not None and not self._busy.done():
            self.skipped_count += 1
            return
        start_s = time.perf_counter()
        rendered, settings = self._picture.read(), self._loop.settings
        if rendered is None or rendered.pixels.shape[:2] != (settings.height, settings.width):
            return  # the renderer warms up, or the picture still has its old size
        self.simulation_s = show(rendered.simulation_s)
        with self._lock:
            started = self._loop.begin(now_ns)
        job = _Job(started=started, pixels=rendered.pixels, read_ms=render_ms + 1e3 * (time.perf_counter() - start_s))
        self._busy = self._executor.submit(self._encode, job)

    def _encode(self, job: _Job) -> None:
        """On the encoder's thread."""
        try:
            frame = self._finish(job)
            with self._lock:
                self._loop.send(frame)
            self.sent_count += 1
        except Exception as error:
            self._on_fault(f"pictures: {error}")

    def _finish(self, job: _Job) -> Frame:
        started, start_s = job.started, time.perf_counter()
        data, is_key = self._picture.encode(job.pixels, started)
        self.encode_ms = 1e3 * (time.perf_counter() - start_s)
        stages = {"draw": job.read_ms, "encode": self.encode_ms, "simulation_clock": 1e3 * self.simulation_s}
        with self._lock:
            return self._loop.finish(started, data, is_key=is_key, stages=stages)
