"""A browser, and a source of moving pictures that keeps to the page's credit."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from teletwin.bench.browser import chromium_path
from teletwin.clock import SystemClock
from teletwin.messages import Frame
from teletwin.view.barcode import write_barcode
from teletwin.view.server import PageEvent, PageServer, PageServerCfg

CHROMIUM = chromium_path()
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CREDIT = 2


class H264:
    """x264 as the renderer uses it: no delay, Annex B, key frames on demand."""

    def __init__(self, width: int, height: int) -> None:
        import av

        self._av = av
        self._codec = av.CodecContext.create("libx264", "w")
        self._codec.width, self._codec.height = width, height  # type: ignore[attr-defined]
        self._codec.pix_fmt = "yuv420p"  # type: ignore[attr-defined]
        self._codec.time_base = Fraction(1, 1000)
        self._codec.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "g": "100000"}
        self._count = 0

    def encode(self, picture: NDArray[np.uint8], key: bool) -> tuple[bytes, bool]:
        frame = self._av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = self._count
        self._count += 33
        if key:
            frame.pict_type = self._av.video.frame.PictureType.I
        packets = self._codec.encode(frame)  # type: ignore[attr-defined]
        return b"".join(bytes(packet) for packet in packets), any(packet.is_keyframe for packet in packets)


class FakeTwin:
    """Pictures of a ball that follows the hand, and telemetry; frames start when inputs come."""

    def __init__(
        self,
        *,
        port: int = 0,
        rate_hz: float = 30.0,
        codec: str = "h264",
        size: tuple[int, int] = (640, 360),
        token: str | None = None,
        engaged: bool = True,
    ) -> None:
        self.clock = SystemClock()
        self.engaged = engaged
        """What the host answers when control is to change."""
        self.server = PageServer(
            PageServerCfg(port=port, token=token),
            clock=self.clock,
            on_event=self._hear,
            on_stop=self._hear,
            is_engaged=lambda: self.engaged,
            hello={"version": "0.1.0", "policies": ["rule", "fixed"], "forecasters": ["arma", "autoreg", "linear"]},
        )
        self.server.barcode = True
        self.telemetry: dict[str, object] = {"mode": "engaged", "hand": "recording"}
        self.events: list[PageEvent] = []
        self.codec = codec
        self.most_unacked = 0
        self.lose_frame_id = -1
        self.silent = threading.Event()
        """Set: no telemetry any more."""
        self.frozen = threading.Event()
        """Set: no pictures any more."""
        self._size, self._period_s = size, 1.0 / rate_hz
        self._hand = np.zeros(3)
        self._input_seq = 0
        self._need_key = True
        self._unacked: set[int] = set()
        self._frame_id = 0
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=self._stream), threading.Thread(target=self._tell)]

    def __enter__(self) -> Self:
        self.server.__enter__()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self.server.__exit__(None, None, None)

    def of(self, kind: str) -> list[PageEvent]:
        return [event for event in list(self.events) if event.kind == kind]

    def wait(self, kind: str, count: int = 1, timeout_s: float = 10.0) -> list[PageEvent]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.of(kind)) >= count, timeout_s), f"no {kind} came"
        return self.of(kind)

    def commands(self) -> list[str]:
        return [event.values["name"] for event in self.of("command")]

    def mtp_samples(self) -> list[tuple[int, float]]:
        return [sample for event in self.of("mtp") for sample in event.values["samples"]]

    def _hear(self, event: PageEvent) -> None:
        with self._news:
            self.events.append(event)
            if event.kind == "input":
                self._hand, self._input_seq = event.values["hand"][:3], event.values["seq"]
            if event.kind == "ack":
                self._unacked.discard(event.values["frame_id"])
            self._need_key |= event.kind == "need_key" or bool(event.values.get("need_key"))
            if event.kind == "settings" and "codec" in event.values["values"]:
                self.codec = event.values["values"]["codec"]
            self._news.notify_all()

    def picture(self) -> NDArray[np.uint8]:
        width, height = self._size
        y, x = np.mgrid[0:height, 0:width]
        picture = np.empty((height, width, 3), np.uint8)
        picture[..., 0], picture[..., 1], picture[..., 2] = 40 + 20 * y // height, 48, 60
        centre_x, centre_y = width / 2 + self._hand[0] * height / 0.7, height / 2 - self._hand[1] * height / 0.7
        picture[(x - centre_x) ** 2 + (y - centre_y) ** 2 < 900] = (240, 90, 40)
        return picture

    def _encode(self, encoder: H264, codec: str, input_seq: int) -> tuple[bytes, bool]:
        picture = self.picture()
        write_barcode(picture, frame_id=self._frame_id, input_seq=input_seq)
        if codec == "jpeg":
            import simplejpeg

            return simplejpeg.encode_jpeg(picture, 80), False
        key, self._need_key = self._need_key, False
        return encoder.encode(picture, key)

    def _stream(self) -> None:
        encoder = H264(*self._size)
        while not self._stop.is_set():
            started = time.monotonic()
            if len(self._unacked) < CREDIT and not self.frozen.is_set():
                self._publish(encoder)
            self._stop.wait(max(0.0, self._period_s - (time.monotonic() - started)))

    def _publish(self, encoder: H264) -> None:
        self._frame_id += 1
        codec, input_seq = self.codec, self._input_seq
        data, is_key = self._encode(encoder, codec, input_seq)
        with self._news:
            self._unacked.add(self._frame_id)
            self.most_unacked = max(self.most_unacked, len(self._unacked))
        frame = Frame(
            frame_id=self._frame_id,
            codec=codec,
            is_key=is_key,
            width=self._size[0],
            height=self._size[1],
            input_seq=input_seq,
            pose_t_ns=self.clock.now_ns(),
            shown_pose=np.array([0.0, 0, 0, 1, 0, 0, 0]),
            shadow_poses=np.tile([0.0, 0, 0, 1, 0, 0, 0], (2, 1)),
            horizon_used_s=0.08,
            stages_ms={"encode": 1.0},
            t_ready_ns=self.clock.now_ns(),
            data=data,
        )
        if self._frame_id == self.lose_frame_id:
            self._unacked.discard(self._frame_id)
            return
        self.server.publish_frame(frame)

    def _tell(self) -> None:
        while not self._stop.wait(0.05):
            if self.silent.is_set():
                continue
            self.server.publish_telemetry({**lifelike(time.monotonic()), **self.telemetry})


def lifelike(t_s: float) -> dict[str, object]:
    """Telemetry as a good session gives it."""
    wave = 0.5 + 0.5 * math.sin(1.3 * t_s) * math.sin(0.37 * t_s + 1)
    noise = math.sin(17 * t_s) * math.sin(29.7 * t_s)
    aol = 148 + 14 * math.sin(0.9 * t_s) + 6 * noise
    return {
        "mode": "engaged",
        "fault": "",
        "control_error_mm": 1.6 + 2.4 * wave**2 + 0.7 * noise**2,
        "control_error_shadow_mm": 7 + 15 * wave + 1.5 * noise,
        "display_error_mm": 1.2 + 1.7 * wave**2 + 0.6 * noise**2,
        "display_error_shadow_mm": 5 + 11 * wave + 1.2 * noise,
        "orientation_error_deg": 0.8,
        "orientation_error_shadow_deg": 2.6,
        "aol_ms": aol,
        "mtp_ms": 156 + 9 * noise + 8 * math.sin(0.9 * t_s),
        "effective_mtp_ms": 17 + 7 * noise,
        "horizon_control_ms": aol + 22,
        "horizon_render_ms": 139 + 6 * math.sin(0.9 * t_s),
        "frame_rate_hz": 30 + 0.4 * noise,
        "bitrate_mbps": 1.72 + 0.18 * noise,
        "recording": False,
        "hand": "recording",
        "hand_xyz": [0.12 * math.sin(2.1 * t_s), 0.09 * math.sin(3.4 * t_s), 0.03 * math.sin(t_s)],
        "link": {"delay_ms": 60, "jitter_ms": 10, "loss": 0.01},
        "policy": "rule",
        "forecaster": "arma",
        "warnings": [],
        "counters": {"stale": 0},
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A browser for one file: Playwright keeps an event loop running that others' tests must not meet."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    with playwright.sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()
