"""The viewer without a browser: decodes, acknowledges, stamps, and comes back."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from teletwin.clock import SystemClock
from teletwin.errors import StreamError
from teletwin.messages import Frame
from teletwin.view.server import PageEvent, PageServer, PageServerCfg
from teletwin.view.viewer import HeadlessViewer, ShownFrame

pytestmark = pytest.mark.live
CLOCK = SystemClock()


def pictures(count: int) -> list[tuple[bytes, bool]]:
    """A bright bar that moves over grey, as H.264: (data, is_key)."""
    import av

    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 128, 64, "yuv420p"  # type: ignore[attr-defined]
    codec.time_base = Fraction(1, 30)
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    packets = []
    for index in range(count):
        image = np.full((64, 128, 3), 90, np.uint8)
        image[:, 8 * index : 8 * index + 16] = 230
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts = index
        packets.extend((bytes(packet), packet.is_keyframe) for packet in codec.encode(frame))  # type: ignore[attr-defined]
    return packets


def make_frame(frame_id: int, data: bytes, is_key: bool, codec: str = "h264") -> Frame:
    pose = np.array([0.0, 0.1, 0.2, 1.0, 0.0, 0.0, 0.0])
    return Frame(
        frame_id=frame_id,
        codec=codec,
        is_key=is_key,
        width=128,
        height=64,
        input_seq=0,
        pose_t_ns=5,
        shown_pose=pose,
        shadow_poses=np.tile(pose, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=CLOCK.now_ns(),
        data=data,
    )


class Watch:
    """A server and a viewer of it, with what each of them saw."""

    def __init__(self, url_token: str = "") -> None:
        self.shown: list[ShownFrame] = []
        self.events: list[PageEvent] = []
        self._news = threading.Condition()
        self.server = PageServer(PageServerCfg(port=0, token=url_token or None), clock=CLOCK, on_event=self._hear)

    def _hear(self, event: PageEvent) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def see(self, frame: ShownFrame) -> None:
        self.shown.append(frame)

    def wait(self, kind: str, count: int) -> list[PageEvent]:
        with self._news:
            found = self._news.wait_for(lambda: len([e for e in self.events if e.kind == kind]) >= count, 5)
        assert found, f"no {kind}"
        return [e for e in self.events if e.kind == kind]


def test_pictures_are_decoded_one_for_one_and_acknowledged_with_their_time() -> None:
    watch = Watch("a-token-of-good-length")
    with watch.server, HeadlessViewer(watch.server.url, CLOCK, watch.see):
        for index, (data, is_key) in enumerate(pictures(6)):
            watch.server.publish_frame(make_frame(index, data, is_key))
            acks = watch.wait("ack", index + 1)
    assert [frame.frame_id for frame in watch.shown] == list(range(6))
    for index, frame in enumerate(watch.shown):
        assert frame.pixels[:, 8 * index + 2 : 8 * index + 14].mean() > 200
        assert frame.t_ready_ns <= frame.received_ns <= frame.decoded_ns
        assert frame.shown_pose[2] == 0.2
    assert all(ack.values["drawn"] and ack.t_ns <= ack.received_ns for ack in acks)


def test_after_a_gap_the_viewer_asks_for_a_key_frame_and_decodes_nothing_before_it() -> None:
    watch = Watch()
    stream = pictures(4)
    with watch.server, HeadlessViewer(watch.server.url, CLOCK, watch.see) as viewer:
        for frame_id, index in ((0, 0), (1, 1), (3, 3), (4, 3), (5, 0)):
            watch.server.publish_frame(make_frame(frame_id, *stream[index]))
        acks = watch.wait("ack", 5)
    assert [frame.frame_id for frame in watch.shown] == [0, 1, 5]
    assert [ack.values["need_key"] for ack in acks] == [False, False, True, True, False]
    assert viewer.counters["gaps"] == 1


def test_a_damaged_picture_is_counted_and_jpeg_works_too() -> None:
    import simplejpeg

    watch = Watch()
    image = np.full((64, 128, 3), 120, np.uint8)
    with watch.server, HeadlessViewer(watch.server.url, CLOCK, watch.see) as viewer:
        watch.server.publish_frame(make_frame(1, b"\x00\x01\x02", True))
        watch.server.publish_frame(make_frame(2, b"no jpeg", False, "jpeg"))
        watch.server.publish_frame(make_frame(3, simplejpeg.encode_jpeg(image), False, "jpeg"))
        watch.wait("ack", 3)
        assert viewer.counters["errors"] == 2
    assert [frame.frame_id for frame in watch.shown] == [3]
    assert abs(watch.shown[0].pixels.mean() - 120) < 3


def test_the_viewer_speaks_hears_telemetry_and_comes_back() -> None:
    watch = Watch()
    with watch.server:
        port = watch.server.port
        viewer = HeadlessViewer(watch.server.url, CLOCK, watch.see)
        viewer.__enter__()
        viewer.say({"type": "command", "name": "engage"})
        assert watch.wait("command", 1)[0].values["name"] == "engage"
        watch.server.publish_telemetry({"mode": "engaged"})
        viewer.say({"type": "command", "name": "hold"})
        watch.wait("command", 2)
    again = Watch()
    try:
        with PageServer(PageServerCfg(port=port), clock=CLOCK, on_event=again._hear) as server:
            again.wait("viewers", 1)
            server.publish_frame(make_frame(0, *pictures(1)[0]))
            assert any(ack.values["drawn"] for ack in again.wait("ack", 1))
    finally:
        viewer.__exit__(None, None, None)
    assert viewer.telemetry["mode"] == "engaged"
    assert viewer.counters["connections"] == 2


def test_a_server_that_does_not_answer_gives_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teletwin.view.viewer.START_TIMEOUT_S", 0.2)
    with (
        pytest.raises(StreamError, match="does not answer"),
        HeadlessViewer("http://127.0.0.1:9/", CLOCK, lambda _: None),
    ):
        pass


def test_the_page_folder_holds_no_address_of_another_host() -> None:
    page = Path(__file__).parents[2] / "exts/teletwin/teletwin/view/page"
    for file in (path for path in page.rglob("*") if path.is_file()):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file.name
        assert "https://" not in text, file.name
