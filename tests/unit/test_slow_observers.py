"""Observers on slow links: small pictures made once for all, dropped on their own, and nobody else is held up."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from teletwin.bench.viewers.slow_link import slow_link
from teletwin.clock import NS_PER_MS, SystemClock
from teletwin.messages import Frame, ViewSettings
from teletwin.view.decoder import Decoder
from teletwin.view.encoder import Encoder
from teletwin.view.server import PageServer, PageServerCfg
from teletwin.view.server_messages import pack_picture, unpack_frame
from teletwin.view.server_viewers import UNACKED_MAX, PackedFrame, Viewers
from teletwin.view.slow_stream import RATE_HZ, WIDTH_MAX, SlowStream
from teletwin.view.viewer import HeadlessViewer, ShownFrame

S = 1_000_000_000
PERIOD_NS = S // 30


def plain(frame_id: int, *, stands_alone: bool = False) -> PackedFrame:
    return PackedFrame(frame_id=frame_id, stands_alone=stands_alone, message=b"%d" % frame_id)


def take(viewer) -> list[bytes]:
    """What the sender would write now."""
    sent = [*viewer._frames]
    viewer._frames.clear()
    return sent


class Watched:
    """An operator that keeps up and an observer that reads nothing until a test lets it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.lost: list[int] = []
        self.viewers = Viewers(on_lost=lambda i, _: self.lost.append(i), on_need_key=self.asked.append)
        self.quick, self.slow = self.viewers.add(), self.viewers.add()
        self.viewers.let_drive(self.quick.number)
        self.frame_id = 0
        self.show(30)

    @property
    def now_ns(self) -> int:
        return self.frame_id * PERIOD_NS

    def show(self, count: int, *, stands_alone: bool = False) -> None:
        for _ in range(count):
            first = self.frame_id == 0
            self.viewers.send_frame(plain(self.frame_id, stands_alone=first or stands_alone), self.now_ns)
            self.quick.acknowledge(self.frame_id, need_key=False, now_ns=self.now_ns)
            take(self.slow)
            self.frame_id += 1

    def show_small(self, *, taken_after_ns: int | None = None) -> None:
        """The newest picture by the slow stream, and when the observer has taken it."""
        newest = self.frame_id - 1
        self.viewers.send_small(plain(newest, stands_alone=True), self.now_ns)
        if taken_after_ns is not None:
            self.slow.acknowledge(newest, need_key=False, now_ns=self.now_ns + taken_after_ns)


def test_an_observer_that_falls_behind_gets_small_pictures_and_the_operator_loses_none():
    watched = Watched()
    assert watched.viewers.slow_count == 1
    assert watched.slow.pace.is_slow
    assert len(watched.slow.unacked) == UNACKED_MAX
    assert watched.lost == []
    assert watched.asked == [], "nobody's key frame disturbs the operator"


def test_small_pictures_wait_for_those_before_and_the_newest_wins():
    watched = Watched()
    watched.slow.unacked.clear()
    take(watched.slow)
    sent: list[bytes] = []
    for _ in range(6):
        watched.show(6)
        watched.show_small()
        sent += take(watched.slow)
    assert len(sent) == 2
    watched.slow.acknowledge(int(sent[-1]), need_key=False, now_ns=watched.now_ns)
    assert take(watched.slow) == [b"%d" % (watched.frame_id - 1)]


@pytest.mark.parametrize(("taken_after_ms", "comes_back"), [(20, True), (180, False)])
def test_who_takes_small_pictures_promptly_gets_all_again_after_a_while(taken_after_ms, comes_back):
    watched = Watched()
    watched.slow.unacked.clear()
    for _ in range(70):
        watched.show(6)
        watched.show_small(taken_after_ns=taken_after_ms * 1_000_000)
    assert watched.slow.pace.is_slow is not comes_back
    assert bool(watched.asked) == comes_back
    assert len(watched.asked) <= 5, "at most one key frame a second"
    watched.show(1, stands_alone=True)
    assert ((watched.frame_id - 1) in watched.slow.unacked) == comes_back


def test_each_try_comes_after_twice_as_long():
    watched = Watched()
    waits_s = []
    for _ in range(3):
        watched.slow.unacked.clear()
        slow_ns = watched.now_ns
        while watched.slow.pace.is_slow:
            watched.show(6)
            watched.show_small(taken_after_ns=1)
        waits_s.append((watched.now_ns - slow_ns) / S)
        watched.show(1, stands_alone=True)
        watched.show(UNACKED_MAX + 2)
        assert watched.slow.pace.is_slow
    assert waits_s == pytest.approx([10.0, 20.0, 40.0], abs=0.7)


def test_a_slow_observer_that_comes_to_drive_gets_all_pictures():
    watched = Watched()
    watched.viewers.remove(watched.quick)
    assert watched.viewers.driver is None
    assert watched.slow.pace.is_slow, "nobody drives by somebody else's going"
    watched.viewers.let_drive(watched.slow.number)
    assert not watched.slow.pace.is_slow


def coded(count: int, codec: str, *, width: int = 640, height: int = 360) -> list[PackedFrame]:
    """Pictures (count) at 30 Hz of a bar that walks."""
    settings = ViewSettings(width=width, height=height, rate_hz=30.0, codec=codec)
    frames = []
    with Encoder(settings) as encoder:
        for number in range(count):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[:, 4 * number : 4 * number + 64] = (250, 120, 0)
            made = encoder.encode(picture, frame_id=number)
            header = {
                "frame_id": number,
                "codec": codec,
                "key": made.is_key,
                "width": width,
                "height": height,
                "barcode": True,
                "t_ready_ns": number * PERIOD_NS,
            }
            stands_alone = made.is_key or codec == "jpeg"
            message = pack_picture(header, made.data)
            frames.append(PackedFrame(frame_id=number, stands_alone=stands_alone, message=message))
    return frames


def small_pictures(frames: list[PackedFrame], *, count: int) -> tuple[list[PackedFrame], list[bool]]:
    """What the slow stream makes of them, and which of them it could follow."""
    out: list[PackedFrame] = []
    enough = threading.Semaphore(0)
    stream = SlowStream(lambda frame: (out.append(frame), enough.release()))
    follows = [stream.take(frame) for frame in frames]
    for _ in range(count):
        assert enough.acquire(timeout=10.0)
    stream.close()
    return out, follows


@pytest.mark.parametrize("codec", ["h264", "jpeg"])
def test_the_slow_stream_shows_the_same_small_and_seldom(codec):
    small, follows = small_pictures(coded(25, codec), count=5)
    assert all(follows)
    assert len(small) == 5, f"25 pictures at 30 Hz are 5 at {RATE_HZ:g} Hz"
    for frame in small:
        header, data = unpack_frame(frame.message)
        assert frame.stands_alone
        assert (header["codec"], header["key"], header["barcode"]) == ("jpeg", True, False)
        picture = Decoder().decode(data, codec="jpeg", is_key=True)
        assert picture is not None
        assert picture.shape == (header["height"], header["width"], 3) == (180, WIDTH_MAX, 3)
        left = 2 * frame.frame_id
        assert picture[90, left + 16, 0] > 200
        assert picture[90, left + 60, 0] < 50
        assert len(data) * 8 * RATE_HZ < 300_000


def test_the_slow_stream_begins_at_a_key_frame_and_after_a_rest_anew():
    frames = coded(12, "h264")
    small, follows = small_pictures(frames[3:] + frames[:1], count=1)
    assert follows == [False] * 9 + [True]
    assert [frame.frame_id for frame in small] == [0]
    stream = SlowStream(lambda frame: None)
    assert stream.take(frames[0])
    stream.rest()
    assert not stream.take(frames[1])
    stream.close()


def noise_frame(frame_id: int, data: bytes, t_ready_ns: int) -> Frame:
    pose = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
    return Frame(
        frame_id=frame_id,
        codec="jpeg",
        is_key=True,
        width=640,
        height=360,
        input_seq=1,
        pose_t_ns=1,
        shown_pose=pose,
        shadow_poses=np.tile(pose, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={},
        t_ready_ns=t_ready_ns,
        data=data,
    )


@pytest.mark.live
def test_over_a_slow_link_pictures_stay_young_and_the_operator_gets_all():
    clock = SystemClock()
    squares = np.random.default_rng(0).integers(0, 255, (9, 16, 3), np.uint8).repeat(40, axis=0).repeat(40, axis=1)
    data = Encoder(ViewSettings(codec="jpeg")).encode(squares, frame_id=0).data
    quick: list[int] = []
    slow: list[tuple[int, float]] = []

    def note(frame: ShownFrame) -> None:
        slow.append((frame.width, (frame.received_ns - frame.t_ready_ns) / NS_PER_MS))

    server = PageServer(PageServerCfg(port=0), clock=clock, on_event=lambda _: None)
    with server, slow_link(server.port, rate_bps=1e6) as port:
        first = HeadlessViewer(server.url, clock, lambda frame: quick.append(frame.frame_id), decodes=False)
        with first, HeadlessViewer(f"http://127.0.0.1:{port}/", clock, note, decodes=False) as second:
            for frame_id in range(90):
                server.publish_frame(noise_frame(frame_id, data, clock.now_ns()))
                server.publish_telemetry({"number": frame_id, "filling": "x" * 2000})
                time.sleep(1.0 / 30.0)
            time.sleep(0.1)
            heard = second.telemetry["number"]
    assert quick == list(range(90)), "the operator's pictures wait for nobody"
    newest = slow[-4:]
    assert {width for width, _ in newest} == {WIDTH_MAX}
    assert max(age_ms for _, age_ms in newest) < 700.0
    assert heard > 60
