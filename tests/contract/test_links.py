"""What every link promises, for those in memory, over UDP and over DDS topics alike."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import numpy as np
import pytest

from teletwin.clock import SystemClock, VirtualClock
from teletwin.errors import ConfigError
from teletwin.geometry import IDENTITY_POSE
from teletwin.link.dds import DdsLink
from teletwin.link.memory import MemoryNetwork
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.messages import (
    CURVE_KNOTS,
    ForecastPacket,
    Frame,
    FrameAck,
    Horizons,
    JointCommand,
    LinkSettings,
    Mode,
    Note,
    zeros,
)

MS = 1_000_000
KEY = bytes(range(32))
S = 1_000_000_000
OVER_SOCKETS = {"udp": UdpLink, "dds": DdsLink}


def _forecast(slot):
    curve = np.tile(IDENTITY_POSE, (CURVE_KNOTS, 1))
    return ForecastPacket(t_ns=slot, pose=curve[0], curve=curve, horizons=Horizons(), mode=Mode.ENGAGED, slot=slot)


def _frame(number, size=20_000):
    return Frame(
        frame_id=number,
        codec="h264",
        is_key=True,
        width=640,
        height=360,
        input_seq=0,
        pose_t_ns=0,
        shown_pose=IDENTITY_POSE,
        shadow_poses=np.tile(IDENTITY_POSE, (2, 1)),
        horizon_used_s=0.0,
        stages_ms={"draw": 1.0},
        t_ready_ns=0,
        data=np.random.default_rng(number).bytes(size),
    )


class _Rig:
    """Operator, twin and renderer joined by one kind of link; the twin forwards to the renderer."""

    def __init__(self, stack, kind, *, operator_offset_ns=0, seed=1, **settings):
        link = LinkSettings(**settings)
        if kind == "memory":
            self.clock = VirtualClock(start_ns=S)
            shifted = _Shifted(self.clock, operator_offset_ns)
            network = MemoryNetwork(self.clock, seed=seed, session_id=7)
            self.operator = network.link("operator", links={"twin": link, "renderer": link}, clock=shifted)
            self.twin = network.link("twin", links={"operator": link})
            self.renderer = network.link("renderer", links={"operator": link}, relays={"operator": "twin"})
            return
        over = OVER_SOCKETS[kind]
        self.clock = SystemClock()
        common = {"session_id": 7, "seed": seed, "key": KEY}
        self.renderer = stack.enter_context(
            over(
                UdpLinkCfg(
                    role="renderer",
                    peers={"operator": None, "twin": None},
                    relays={"operator": "twin"},
                    links={"operator": link},
                    **common,
                ),
                self.clock,
            )
        )
        renderer = ("127.0.0.1", self.renderer.port)
        cfg = UdpLinkCfg(
            role="twin", peers={"operator": None, "renderer": renderer}, links={"operator": link}, **common
        )
        self.twin = stack.enter_context(over(cfg, self.clock))
        peers = {"twin": ("127.0.0.1", self.twin.port), "renderer": renderer}
        cfg = UdpLinkCfg(role="operator", peers=peers, links={"twin": link, "renderer": link}, **common)
        shifted = SystemClock(offset_ns=operator_offset_ns)
        self.operator = stack.enter_context(over(cfg, shifted))
        self._introduce()

    def _introduce(self):
        """Until each knows that the others are no recordings: with a key nothing counts before."""
        pairs = ((self.operator, "twin"), (self.operator, "renderer"), (self.twin, "operator"), (self.twin, "renderer"))
        until_ns = self.clock.now_ns() + 5 * S
        while not all(one.is_clock_known(peer) for one, peer in (*pairs, (self.renderer, "operator"))):
            assert self.clock.now_ns() < until_ns, "the roles never heard each other"
            self.collect(self.twin, 0.005)

    def collect(self, link, duration_s, *, each=lambda step: None):
        """What arrives at link while time passes in steps of 5 ms, all roles alive."""
        got = []
        for step in range(round(duration_s / 0.005)):
            each(step)
            for one in (self.operator, self.twin, self.renderer):
                items = one.receive()
                got += items if one is link else []
            self.clock.sleep_until(self.clock.now_ns() + 5 * MS)
        return got + link.receive()


class _Shifted:
    def __init__(self, clock, offset_ns):
        self._clock, self._offset_ns = clock, offset_ns

    def now_ns(self):
        return self._clock.now_ns() + self._offset_ns

    def sleep_until(self, t_ns):
        self._clock.sleep_until(t_ns - self._offset_ns)


@pytest.fixture(params=["memory", *(pytest.param(kind, marks=pytest.mark.live) for kind in OVER_SOCKETS)])
def rig(request):
    with ExitStack() as stack:
        yield lambda **settings: _Rig(stack, request.param, **settings)


def test_a_message_arrives_as_sent_with_its_sender_and_number(rig):
    r = rig()
    r.operator.send("twin", _forecast(1))
    r.operator.send("twin", _forecast(2))
    got = r.collect(r.twin, 0.02)
    assert [item.message.slot for item in got] == [1, 2]
    assert got[0].peer == "operator"
    assert got[1].seq == got[0].seq + 1
    assert got[0].message.mode is Mode.ENGAGED


def test_the_imitated_delay_stands_between_sending_and_arrival(rig):
    r = rig(delay_ms=40.0)
    r.operator.send("twin", _forecast(1))
    assert r.collect(r.twin, 0.02) == []
    (item,) = r.collect(r.twin, 0.1)
    assert 39 * MS < item.t_arrived_ns - item.t_sent_ns < 60 * MS


def test_the_times_of_a_host_whose_clock_lies_are_mapped_to_the_own_clock(rig):
    r = rig(delay_ms=20.0, operator_offset_ns=3 * S)

    def talk(step):
        r.operator.send("twin", _forecast(step))

    got = r.collect(r.twin, 0.4, each=talk)
    assert r.twin.is_clock_known("operator")
    assert r.twin.offset_ns("operator") == pytest.approx(3 * S, abs=10 * MS)
    assert r.operator.offset_ns("twin") == pytest.approx(-3 * S, abs=10 * MS)
    ages_ms = [(item.t_arrived_ns - item.t_sent_ns) / MS for item in got[len(got) // 2 :]]
    assert np.median(ages_ms) == pytest.approx(20.0, abs=10.0)


def test_clocks_become_known_without_any_message(rig):
    r = rig(delay_ms=10.0, operator_offset_ns=-2 * S)
    r.collect(r.twin, 0.5)
    assert r.twin.is_clock_known("operator")
    assert r.twin.offset_ns("operator") == pytest.approx(-2 * S, abs=10 * MS)


def test_duplicates_and_overtaken_states_are_dropped_and_counted(rig):
    r = rig(delay_ms=15.0, duplication=0.3, reordering=0.3)
    got = r.collect(r.twin, 1.0, each=lambda step: r.operator.send("twin", _forecast(step)))
    slots = [item.message.slot for item in got]
    assert slots == sorted(set(slots))
    counters = r.twin.counters()
    assert counters["replayed"] > 10
    assert counters["late"] > 10
    counts = r.twin.streams()["operator", "twin", "forecast"]
    assert (counts.late, counts.received) == (counters["late"], len(slots))


def test_frames_of_many_datagrams_arrive_once_and_whole_in_spite_of_loss(rig):
    r = rig(delay_ms=5.0, loss=0.02, duplication=0.1)

    def film(step):
        if step % 4 == 0:
            r.renderer.send("operator", _frame(step))

    got = r.collect(r.operator, 1.0, each=film)
    assert len(got) >= 40
    assert len({item.message.frame_id for item in got}) == len(got)
    assert all(item.message.data == _frame(item.message.frame_id).data for item in got)
    assert r.operator.counters()["rebuilt_pieces"] > 0


def test_a_reliable_note_arrives_exactly_once_through_heavy_loss(rig):
    r = rig(delay_ms=10.0, loss=0.4)
    for number in range(5):
        r.operator.send_reliable("twin", Note(kind="stop", values={"number": number}))
    got = r.collect(r.twin, 2.5)
    assert sorted(item.message.values["number"] for item in got) == [0, 1, 2, 3, 4]


def test_the_twin_forwards_packets_of_the_operator_to_the_renderer(rig):
    r = rig(delay_ms=10.0, operator_offset_ns=S)
    r.collect(r.renderer, 0.4)
    r.operator.send("twin", _forecast(11))
    for item in r.collect(r.twin, 0.05):
        r.twin.forward("renderer", item.raw)
    (item,) = r.collect(r.renderer, 0.05)
    assert (item.peer, item.message.slot) == ("operator", 11)
    assert 0 < item.t_arrived_ns - item.t_sent_ns < 200 * MS


def test_nobody_else_forwards_for_the_operator(rig):
    r = rig()
    r.collect(r.twin, 0.3)
    r.operator.send("twin", _forecast(11))
    (item,) = r.collect(r.twin, 0.03)
    r.twin.forward("operator", item.raw)
    assert r.collect(r.operator, 0.03) == []
    assert r.operator.counters()["misdirected"] == 1


def test_old_packets_are_dropped_as_stale_once_the_clocks_are_known(rig):
    r = rig(delay_ms=10.0)
    r.collect(r.twin, 0.4, each=lambda step: r.operator.send("twin", _forecast(step)))
    r.twin.set_link("operator", LinkSettings(delay_ms=1500.0))
    r.collect(r.twin, 0.005)  # what enters within the same 2 ms of the imitated path still has the former delay
    r.operator.send("twin", _forecast(10_000))
    got = r.collect(r.twin, 1.7)
    assert all(item.message.slot != 10_000 for item in got)
    assert r.twin.counters()["stale"] == 1


def test_every_total_has_a_name_from_the_start(rig):
    r = rig()
    names = {"received", "late", "replayed", "stale", "invalid", "other_session", "missing", "imitated_loss"}
    assert names <= r.twin.counters().keys()
    assert set(r.twin.counters().values()) == {0}


def test_what_cannot_be_written_or_sent_is_counted_and_never_raised(rig):
    r = rig()
    r.operator.send("twin", Note(kind="odd", values={"what": object()}))
    r.operator.send("arm", FrameAck(frame_id=1))
    assert r.collect(r.twin, 0.02) == []
    assert r.operator.counters()["unwritable"] == 1
    assert r.operator.counters()["unsent"] == 1


def test_in_memory_a_seed_repeats_bit_for_bit():
    def run(seed):
        with ExitStack() as stack:
            r = _Rig(stack, "memory", seed=seed, delay_ms=60.0, jitter_ms=10.0, loss=0.05, duplication=0.02)
            got = r.collect(r.twin, 2.0, each=lambda step: r.operator.send("twin", _forecast(step)))
            return [(item.seq, item.t_sent_ns, item.t_arrived_ns, item.raw) for item in got], r.twin.counters()

    assert run(1) == run(1)
    assert run(1)[0] != run(2)[0]


@pytest.mark.live
def test_a_role_that_starts_again_is_heard_again_from_its_new_port():
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}), clock) as arm:
        for start in range(2):
            cfg = UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", arm.port)})
            with UdpLink(cfg, clock) as twin:
                until = clock.now_ns() + 3 * S
                got = []
                while not got and clock.now_ns() < until:
                    twin.send("arm", _command())
                    arm.wait(0.02)
                    got = arm.receive()
                assert got, f"start {start}"
            clock.sleep_until(clock.now_ns() + 5 * MS)


@pytest.mark.live
def test_with_a_key_a_role_that_starts_again_elsewhere_proves_itself_and_is_heard_again():
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, key=KEY), clock) as arm:
        for start in range(2):
            peers = {"arm": ("127.0.0.1", arm.port)}
            with UdpLink(UdpLinkCfg(role="twin", peers=peers, key=KEY), clock) as twin:
                until = clock.now_ns() + 4 * S
                got = []
                while not got and clock.now_ns() < until:
                    twin.send("arm", _command())
                    arm.wait(0.02)
                    got = arm.receive()
                    twin.receive()
                assert got, f"start {start}"
        assert arm.counters()["restarted"] == 1


@pytest.mark.live
def test_wait_ends_when_a_delayed_datagram_is_due_not_when_it_comes():
    clock = SystemClock()
    link = {"twin": LinkSettings(delay_ms=50.0)}
    with (
        UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}, links=link), clock) as arm,
        UdpLink(UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", arm.port)}), clock) as twin,
    ):
        start_ns = clock.now_ns()
        twin.send("arm", _command())
        assert arm.wait(1.0)
        assert arm.receive() == []
        assert arm.wait(1.0)
        assert len(arm.receive()) == 1
        assert 50 * MS <= clock.now_ns() - start_ns < 500 * MS
        assert not arm.wait(0.0)


@pytest.mark.live
def test_a_reader_who_comes_late_does_not_make_a_message_older():
    clock = SystemClock()
    with (
        UdpLink(UdpLinkCfg(role="arm", peers={"twin": None}), clock) as arm,
        UdpLink(UdpLinkCfg(role="twin", peers={"arm": ("127.0.0.1", arm.port)}), clock) as twin,
    ):
        twin.send("arm", _command())
        clock.sleep_until(clock.now_ns() + 120 * MS)
        (item,) = arm.receive()
        assert 0 <= item.t_arrived_ns - item.t_sent_ns < 60 * MS


@pytest.mark.live
def test_strangers_and_garbage_on_the_port_are_counted_and_change_nothing():
    clock = SystemClock()
    with (
        UdpLink(UdpLinkCfg(role="arm", session_id=1, peers={"twin": ("127.0.0.1", 9)}), clock) as arm,
        UdpLink(UdpLinkCfg(role="twin", session_id=1, peers={"arm": ("127.0.0.1", arm.port)}), clock) as twin,
        UdpLink(UdpLinkCfg(role="twin", session_id=2, peers={"arm": ("127.0.0.1", arm.port)}), clock) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger,
    ):
        twin.send("arm", _command())  # right session, but not the address that was configured
        other.send("arm", _command())
        stranger.sendto(b"tW" + bytes(200), ("127.0.0.1", arm.port))
        stranger.sendto(bytes(5000), ("127.0.0.1", arm.port))
        clock.sleep_until(clock.now_ns() + 20 * MS)
        assert arm.receive() == []
        counters = arm.counters()
        assert (counters["foreign_address"], counters["invalid"]) == (3, 1)


@pytest.mark.live
def test_a_busy_port_gives_one_clear_line():
    clock = SystemClock()
    with UdpLink(UdpLinkCfg(role="arm"), clock) as arm:
        again = UdpLink(UdpLinkCfg(role="twin", port=arm.port), clock)
        with pytest.raises(ConfigError, match=f"cannot listen.*{arm.port}"):
            again.__enter__()


def test_beyond_loopback_a_key_is_required():
    with pytest.raises(ConfigError, match="needs a session secret"):
        UdpLinkCfg(role="arm", bind="0.0.0.0")
    with pytest.raises(ConfigError, match="needs a session secret"):
        UdpLinkCfg(role="arm", peers={"twin": ("192.0.2.1", 5000)})
    UdpLinkCfg(role="arm", bind="0.0.0.0", key=KEY)


def _command():
    return JointCommand(
        t_ns=1,
        q=zeros(6),
        qd=zeros(6),
        q_shadows=np.zeros((2, 6)),
        qd_shadows=np.zeros((2, 6)),
        pose_t_ns=0,
        mode=Mode.HOLD,
    )
