"""Two hosts whose clocks lie: ages on arrival stay true, through drift, through steps, through reboots."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from teletwin.clock import NS_PER_MS, NS_PER_S, ShiftedClock, VirtualClock
from teletwin.link.memory import MemoryNetwork
from teletwin.messages import ArmState, JointCommand, LinkSettings, Mode, Note, zeros

KEY = bytes(range(32))
DELAY_MS = 60.0
_STEP_NS = 5 * NS_PER_MS
_PEER = {"twin": "arm", "arm": "twin"}


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


def _state():
    return ArmState(t_ns=1, q=zeros(6), qd=zeros(6), q_shadows=np.zeros((2, 6)), pose_t_ns=0, mode=Mode.HOLD)


@dataclasses.dataclass
class Heard:
    role: str
    t_s: float
    age_ms: float
    message: object


class Hosts:
    """Twin and arm on hosts of their own, which say something every 50 ms."""

    def __init__(self, *, key=KEY, jitter_ms=0.0, **clocks) -> None:
        self.clock = VirtualClock(start_ns=3000 * NS_PER_S)
        self.network = MemoryNetwork(self.clock, seed=1, session_id=7, key=key)
        self.settings = LinkSettings(delay_ms=DELAY_MS, jitter_ms=jitter_ms)
        self.clocks, self.links, self.heard, self.taken = {}, {}, [], []
        for role in _PEER:
            offset_ms, drift_ppm = clocks.get(role, (0.0, 0.0))
            self.boot(role, offset_ns=int(offset_ms * NS_PER_MS), drift_ppm=drift_ppm)

    def boot(self, role, *, offset_ns, drift_ppm=0.0) -> None:
        if role in self.links:
            self.network.end(role)
        self.clocks[role] = ShiftedClock(self.clock, offset_ns=offset_ns, drift_ppm=drift_ppm)
        self.links[role] = self.network.link(role, links={_PEER[role]: self.settings}, clock=self.clocks[role])

    def talk(self, duration_s, *, period_ms=50) -> list[Heard]:
        """What both hear; kept in `heard` too."""
        before = len(self.heard)
        for step in range(round(duration_s * NS_PER_S / _STEP_NS)):
            if step % (period_ms // 5) == 0:
                self.links["twin"].send("arm", _command())
                self.links["arm"].send("twin", _state())
            for role, link in self.links.items():
                for item in link.receive():
                    age_ms = (item.t_arrived_ns - item.t_sent_ns) / NS_PER_MS
                    self.heard.append(Heard(role, self.clock.now_ns() / NS_PER_S, age_ms, item.message))
            self.clock.sleep_until(self.clock.now_ns() + _STEP_NS)
        return self.heard[before:]

    def overhear(self, role) -> list[bytes]:
        """Every datagram for `role` from now on, as somebody on the way could keep it."""
        link, kept = self.links[role], []
        take = link.take
        link.take = lambda hop, raw: (kept.append(raw), take(hop, raw))
        return kept


def _ages_ms(heard, role=None):
    return np.array([each.age_ms for each in heard if role in (None, each.role)])


def test_five_minutes_of_drift_leave_every_age_true():
    hosts = Hosts(twin=(1e6, 200.0), arm=(-1e6, -200.0))  # one sees the other 400 ppm too fast, that one it too slow
    ages_ms = _ages_ms(hosts.talk(300.0))
    assert len(ages_ms) > 11_900
    assert np.abs(ages_ms - DELAY_MS).max() < 0.5


def test_jitter_and_drift_against_each_other_leave_the_usual_age_true():
    hosts = Hosts(twin=(2e5, 200.0), arm=(-1e6, -200.0), jitter_ms=10.0)
    hosts.talk(60.0)
    later = hosts.talk(60.0)
    for role in _PEER:
        assert np.mean(_ages_ms(later, role)) == pytest.approx(DELAY_MS, abs=3.0)  # 1 ms of it is the draw itself


@pytest.mark.parametrize("step_s", [2.0, -2.0, 0.4, -0.4])
def test_a_clock_that_is_set_anew_while_it_runs_is_followed_within_a_second(step_s):
    hosts = Hosts(arm=(5000.0, 50.0))
    hosts.talk(5.0)
    hosts.clocks["arm"].step(round(step_s * NS_PER_S))
    during = _ages_ms(hosts.talk(1.0 if step_s > 0 else 1.5 - step_s), "twin")
    after = hosts.talk(2.0)
    assert len(after) > 75
    assert np.abs(_ages_ms(after) - DELAY_MS).max() < 2.0
    wrong = during[np.abs(during - DELAY_MS) > 2.0]
    assert np.abs(wrong).max(initial=0.0) <= 1000.0  # neither older than what counts, nor far from the future
    assert wrong.min(initial=0.0) > -400.0


@pytest.mark.parametrize("key", [None, KEY], ids=["open", "keyed"])
@pytest.mark.parametrize("uptime_ms", [-2.9e6, 500.0], ids=["lower", "higher"])
def test_a_peer_that_rebooted_is_heard_again_in_a_moment_with_its_new_clock(key, uptime_ms):
    hosts = Hosts(key=key)
    hosts.talk(3.0)
    hosts.boot("arm", offset_ns=int(uptime_ms * NS_PER_MS))
    again = hosts.talk(2.0)
    twin_hears = [each for each in again if each.role == "twin"]
    assert len(twin_hears) >= 33
    first_s = twin_hears[0].t_s - hosts.clock.now_ns() / NS_PER_S + 2.0
    assert first_s < 0.35  # two round trips and the pause between two words
    settled = [each for each in again if each.t_s > hosts.clock.now_ns() / NS_PER_S - 1.5]
    assert np.abs(_ages_ms(settled) - DELAY_MS).max() < 2.0
    assert hosts.links["twin"].counters()["restarted"] == 1
    assert hosts.links["twin"].offset_ns("arm") == pytest.approx(uptime_ms * NS_PER_MS, abs=NS_PER_MS)


def _note(number):
    return Note(kind="stop", values={"number": number})


def _numbers(heard):
    return [each.message.values["number"] for each in heard if isinstance(each.message, Note)]


def test_what_was_recorded_before_a_reboot_of_either_side_cannot_be_played_back():
    hosts = Hosts()
    hosts.talk(1.0)
    kept = hosts.overhear("arm")
    hosts.links["twin"].send("arm", _note(1))
    assert _numbers(hosts.talk(1.0)) == [1]
    # The receiver has started again and knows nothing: the first thing it hears is the recording.
    hosts.boot("arm", offset_ns=0)
    recording = list(kept)
    for raw in recording:
        hosts.links["arm"].take("twin", raw)
    assert _numbers(hosts.talk(1.0)) == []
    assert hosts.links["arm"].counters()["unknown_key"] >= len(recording) - 1
    # The sender has started again; what its former start said to this very receiver comes back.
    kept = hosts.overhear("arm")
    hosts.links["twin"].send("arm", _note(2))
    assert _numbers(hosts.talk(1.0)) == [2]
    hosts.boot("twin", offset_ns=-2900 * NS_PER_S)
    recording = list(kept)
    hosts.talk(1.0)
    replayed = hosts.links["arm"].counters()["replayed"]
    for raw in recording:
        hosts.links["arm"].take("twin", raw)
    hosts.links["twin"].send("arm", _note(3))
    assert _numbers(hosts.talk(1.0)) == [3]
    assert hosts.links["arm"].counters()["replayed"] >= replayed + len(recording)
    assert np.abs(_ages_ms(hosts.talk(1.0)) - DELAY_MS).max() < 2.0


def test_a_start_that_was_held_back_on_its_way_does_not_displace_its_successor():
    hosts = Hosts()
    hosts.talk(1.0)
    arm = hosts.links["arm"]
    held, take = [], arm.take
    hosts.boot("twin", offset_ns=0)  # hears the arm and answers, but somebody keeps what it says
    arm.take = lambda hop, raw: held.append(raw)
    hosts.talk(1.0)
    arm.take = take
    hosts.boot("twin", offset_ns=0)
    hosts.talk(1.0)
    for raw in held:
        arm.take("twin", raw)
    hosts.links["twin"].send("arm", _note(4))
    heard = hosts.talk(1.0)
    assert _numbers(heard) == [4]
    assert len([each for each in heard if each.role == "arm"]) > 18


def test_without_a_key_a_start_that_is_over_stays_over():
    hosts = Hosts(key=None)
    kept = hosts.overhear("arm")
    hosts.links["twin"].send("arm", _note(1))
    assert _numbers(hosts.talk(1.0)) == [1]
    recording = list(kept)
    hosts.boot("twin", offset_ns=-2900 * NS_PER_S)
    hosts.talk(1.0)
    for raw in recording:
        hosts.links["arm"].take("twin", raw)
    assert _numbers(hosts.talk(0.5)) == []
