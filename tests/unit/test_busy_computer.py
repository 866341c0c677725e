"""A computer that keeps the session's roles from running is told from somebody who is silent."""

from __future__ import annotations

import pytest

from teletwin.clock import NS_PER_MS
from teletwin.messages import Mode
from teletwin.session.busy import BusyComputer
from teletwin.session.intent import DriverIntent
from teletwin.session.starvation import Starvation

PIDS = {"controller": 1, "arm": 2, "twin": 3, "operator": 4, "renderer": 5}


class Machine:
    """Roles that wait for cores as told, time that passes as told."""

    def __init__(self, pids=None, *, is_virtual=True):
        self.waited_s = dict.fromkeys(range(1, 6), 10.0)
        self.now_ns, self.told, self.said = 0, [], []
        self.pids = PIDS if pids is None else pids
        self.starvation = Starvation(find=lambda: self.pids, waited=self.waited_s.__getitem__)
        self.intent = DriverIntent()
        self.busy = BusyComputer(
            self.starvation, self.intent, is_virtual=is_virtual, warn=self.told.append, say=self.said.append
        )
        self.pass_time(0.2)

    def pass_time(self, seconds, *, waits=(), step_s=0.2):
        for _ in range(round(seconds / step_s)):
            self.now_ns += round(step_s * 1e3) * NS_PER_MS
            self.busy.watch(self.now_ns)
        for pid in waits:
            self.waited_s[pid] += seconds

    def outage(self, *, waits=()):
        """Engaged, then nothing of the twin for a second, in which processes wait for a core."""
        self.intent.press(Mode.ENGAGED)
        self.pass_time(1.0, waits=waits)
        self.intent.withdraw("the twin was not heard for more than 0.5 s", by_silence=True)
        self.pass_time(0.4)


def test_a_long_wait_for_a_core_is_told_on_the_page_and_once_on_the_terminal():
    machine = Machine()
    for _ in range(3):
        machine.pass_time(1.0, waits=[PIDS["twin"]])
        machine.pass_time(0.2)
    assert "this computer is busy: the twin waited" in machine.told[0]
    assert len(machine.told) == 3
    assert len(machine.said) == 1
    assert machine.busy.results()["starved_s"] == {"twin": pytest.approx(3.0)}


def test_a_role_that_is_suspended_or_hangs_waits_for_no_core_and_pictures_may_wait():
    machine = Machine()
    machine.pass_time(5.0)
    machine.pass_time(5.0, waits=[PIDS["renderer"]])
    machine.pass_time(1.0)
    assert machine.told == []
    assert machine.starvation.starved_ns < 0


def test_many_short_waits_between_two_late_looks_are_no_long_one():
    machine = Machine()
    machine.waited_s[PIDS["arm"]] += 1.0
    machine.pass_time(2.0, step_s=2.0)
    assert machine.starvation.starved_ns < 0


def test_the_virtual_arm_engages_again_by_itself_after_a_silence_that_was_the_computers_own():
    machine = Machine()
    machine.outage(waits=[PIDS["twin"]])
    assert machine.intent.awaits_ready
    assert machine.busy.resumed_count == 1
    assert machine.intent.outage.startswith("this computer is busy: the twin was not heard")


def test_a_wait_that_shows_only_after_the_outage_explains_it_too():
    machine = Machine()
    machine.outage()
    assert not machine.intent.awaits_ready
    machine.waited_s[PIDS["controller"]] += 1.2
    machine.pass_time(0.2)
    assert machine.intent.awaits_ready


@pytest.mark.parametrize(
    "machine",
    [
        Machine(is_virtual=False),
        Machine({"operator": 4}),
        Machine({"operator": 4, "twin": 3, "renderer": 5}),
    ],
    ids=["real robot", "roles elsewhere", "arm elsewhere"],
)
def test_with_a_robot_or_roles_on_other_computers_a_person_presses_engage(machine):
    machine.outage(waits=[PIDS["twin"], PIDS["operator"]])
    machine.pass_time(10.0)
    assert not machine.intent.awaits_ready
    assert machine.intent.mode is Mode.HOLD
    assert machine.busy.resumed_count == 0


def test_a_silence_that_no_wait_explains_asks_for_a_persons_act():
    machine = Machine()
    machine.outage()
    machine.pass_time(5.0)
    machine.pass_time(1.0, waits=[PIDS["twin"]])  # much later
    machine.pass_time(0.4)
    assert not machine.intent.awaits_ready


@pytest.mark.parametrize("mode", [Mode.HOLD, Mode.OFF])
def test_what_a_person_pressed_meanwhile_stands(mode):
    machine = Machine()
    machine.outage(waits=[PIDS["twin"]])
    machine.intent.press(mode)
    machine.pass_time(1.0)
    assert not machine.intent.awaits_ready
    assert machine.intent.mode is mode


def test_a_driver_who_leaves_or_a_fault_meanwhile_ends_it():
    machine = Machine()
    machine.outage(waits=[PIDS["twin"]])
    machine.intent.withdraw("the page that drove has gone")
    machine.pass_time(1.0)
    assert not machine.intent.awaits_ready
    machine.outage()
    machine.intent.withdraw("protective stop: find its cause, then clear")
    machine.waited_s[PIDS["twin"]] += 1.0
    machine.pass_time(0.4)
    assert not machine.intent.awaits_ready
