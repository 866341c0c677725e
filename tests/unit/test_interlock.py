"""After an outage the arm moves by a fresh act alone; the enabling input counts by its own heartbeats."""

from __future__ import annotations

import pytest

from teletwin.messages import Mode
from teletwin.safety import NEVER_NS, EnablingInput, RestartInterlock
from teletwin.session.intent import DriverIntent

MS = 1_000_000


def interlock() -> RestartInterlock:
    return RestartInterlock(restart_after_ns=500 * MS, started="the host was started")


def test_what_is_heard_first_after_a_start_moves_nothing_and_the_next_act_does():
    lock = interlock()
    lock.notice_silence(NEVER_NS, "the operator")
    assert not lock.allows(0)
    lock.hear(7)
    assert not lock.allows(7), "it may have been pressed before this host was there"
    assert lock.outage == "the host was started"
    lock.hear(8)
    assert lock.allows(8)


def test_a_short_silence_spends_nothing_a_long_one_every_act_so_far_and_the_first_that_is_heard():
    lock = interlock()
    for act in (1, 2):
        lock.hear(act)
    lock.notice_silence(500 * MS, "the operator")
    assert lock.allows(2)
    lock.notice_silence(501 * MS, "the operator")
    assert not lock.allows(2)
    assert not lock.is_armed
    assert lock.outage == "the operator was not heard for more than 0.5 s"
    lock.hear(3)
    assert not lock.allows(3), "pressed during the outage"
    lock.hear(4)
    assert lock.allows(4)
    assert lock.trip_count == 1


def test_a_spent_act_is_not_taken_back_by_hearing_it_again():
    lock = interlock()
    lock.hear(1)
    lock.hear(2)
    lock.spend("Stop was pressed")
    lock.hear(2)
    assert not lock.allows(2)
    assert lock.outage == "Stop was pressed"
    lock.hear(3)
    assert lock.allows(3)


def test_the_enabling_input_is_held_while_its_heartbeats_come():
    held = EnablingInput(is_needed=True)
    assert not held.is_held(0)
    held.hear(1, 10 * MS)
    assert held.is_held(110 * MS)
    assert not held.is_held(111 * MS)
    held.hear(1, 112 * MS)
    assert not held.is_held(112 * MS), "the same heartbeat again is none"
    held.hear(2, 113 * MS)
    assert held.is_held(113 * MS)
    assert held.pass_time(800 * MS) == 687 * MS, "a heartbeat that stays away is an outage after a while"
    held.hear(0, 801 * MS)
    assert not held.is_held(801 * MS)
    assert held.pass_time(3000 * MS) == 0, "let go is no outage: whoever presses again acts"


def test_without_a_need_for_it_nobody_must_hold_anything():
    assert EnablingInput(is_needed=False).is_held(0)


def test_every_press_is_another_act_and_an_outage_takes_engage_back_once():
    kept: list[tuple[str, object]] = []
    intent = DriverIntent(first_act=(1 << 32) - 2, audit=lambda kind, values: kept.append((kind, dict(values))))
    intent.press(Mode.ENGAGED)
    first = intent.act
    intent.withdraw("the arm was not heard for 0.6 s")
    assert intent.mode is Mode.HOLD
    intent.withdraw("again")
    assert intent.outage == "the arm was not heard for 0.6 s"
    intent.press(Mode.ENGAGED)
    assert intent.outage == ""
    assert intent.act not in (first, 0), "numbers go round without nought"
    assert [kind for kind, _ in kept] == ["press", "withdrawn", "press"]


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.OFF])
def test_a_person_who_presses_something_else_takes_the_wait_for_a_ready_arm_back(mode):
    intent = DriverIntent()
    intent.engage_when_ready()
    intent.press(mode)
    assert not intent.awaits_ready
