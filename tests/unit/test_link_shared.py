"""The bottleneck that pictures and updates to the operator share."""

import numpy as np
import pytest

from teletwin.clock import NS_PER_MS, VirtualClock
from teletwin.errors import ConfigError
from teletwin.geometry import IDENTITY_POSE
from teletwin.link.memory import MemoryNetwork
from teletwin.link.shared import SharedBottleneck
from teletwin.messages import ArmState, Frame, Mode, Note, TwinStatus, zeros

S, MS = 1_000_000_000, NS_PER_MS


def _frame(number, size):
    return Frame(
        frame_id=number, codec="h264", is_key=False, width=640, height=360, input_seq=0, pose_t_ns=0,
        shown_pose=IDENTITY_POSE, shadow_poses=np.tile(IDENTITY_POSE, (2, 1)),
        horizon_used_s=0.0, stages_ms={}, t_ready_ns=S,
        data=bytes(size),
    )  # fmt: skip


def _status(t_ns):
    arm = ArmState(t_ns=t_ns, q=zeros(6), qd=zeros(6), q_shadows=np.zeros((2, 6)), pose_t_ns=0, mode=Mode.HOLD)
    return TwinStatus(
        t_ns=t_ns, arm=arm, q_command=zeros(6), uplink_age_ms=1.0, horizon_used_s=0.0,
        horizon_orientation_used_s=0.0, downstream_s=0.0,
    )  # fmt: skip


class _Rig:
    def __init__(self, shared_mbps):
        self.clock = VirtualClock(start_ns=S)
        network = MemoryNetwork(self.clock, seed=1, session_id=1)
        self.operator = network.link("operator", shared_mbps=shared_mbps)
        self.twin, self.renderer = network.link("twin"), network.link("renderer")

    def collect(self, duration_ms):
        got = []
        for _ in range(duration_ms):
            got += self.operator.receive()
            self.clock.sleep_until(self.clock.now_ns() + MS)
        return got


def test_items_leave_spaced_by_the_rate_and_what_would_wait_too_long_is_dropped():
    bottleneck = SharedBottleneck(1.0)
    entered = [bottleneck.enter(number, 1000, S) for number in range(40)]
    assert entered.count(True) == 26, "26 kB are 208 ms at 1 Mb/s"
    left = bottleneck.leave(2 * S)
    assert [number for _, number in left] == list(range(26))
    assert [t_ns - S for t_ns, _ in left[:3]] == [8 * MS, 16 * MS, 24 * MS]


def test_another_rate_holds_at_once_for_what_waits():
    bottleneck = SharedBottleneck(1.0)
    for number in range(10):
        bottleneck.enter(number, 1000, S)
    assert len(bottleneck.leave(S + 8 * MS)) == 1
    bottleneck.rate_mbps = 8.0
    assert [t_ns - S for t_ns, _ in bottleneck.leave(2 * S)][-1] == 17 * MS
    bottleneck.rate_mbps = 0.0
    assert bottleneck.is_idle


def test_a_reader_who_comes_late_finds_the_same_times_and_no_more_drops():
    def run(reads_ms):
        bottleneck, left, kept = SharedBottleneck(1.0), [], 0
        for step in range(60):
            kept += bottleneck.enter(step, 1000, S + 10 * step * MS)
            if step % reads_ms == 0:
                left += bottleneck.leave(S + 10 * step * MS)
        return kept, left + bottleneck.leave(9 * S)

    assert run(1) == run(59)
    assert run(1)[0] == 60


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), 1e6])
def test_a_bandwidth_that_cannot_be_is_refused(bad):
    with pytest.raises(ConfigError, match="bandwidth"):
        SharedBottleneck(bad)


def test_pictures_and_updates_share_the_way_and_notes_never_wait():
    rig = _Rig(shared_mbps=1.0)
    rig.renderer.send("operator", _frame(1, 12_000))
    rig.twin.send("operator", _status(S))
    rig.renderer.send("operator", Note(kind="warning", values={"text": "now"}))
    arrivals_ms = {type(item.message).__name__: (item.t_arrived_ns - S) / MS for item in rig.collect(250)}
    assert arrivals_ms["Note"] == 0.0
    assert 96.0 < arrivals_ms["Frame"] < 112.0
    assert arrivals_ms["TwinStatus"] > arrivals_ms["Frame"], "the update waits behind the picture"


def test_a_picture_tells_the_rate_of_the_shared_way_and_a_squeeze_holds_at_once():
    rig = _Rig(shared_mbps=8.0)
    for number, mbps in enumerate((8.0, 1.5, 4.0)):
        rig.operator.set_shared(mbps)
        rig.renderer.send("operator", _frame(number, 12_000))
        (item,) = rig.collect(120)
        assert 8e-3 * item.burst.byte_count / item.burst.span_ms == pytest.approx(mbps, rel=0.01)


def test_without_a_limit_nothing_waits():
    rig = _Rig(shared_mbps=0.0)
    rig.renderer.send("operator", _frame(1, 50_000))
    (item,) = rig.collect(2)
    assert item.t_arrived_ns == S
    assert item.burst.span_ms == 0.0
