"""Entering the RTDE arm: a report from before the control program ran is no fault."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from teletwin.arm import WATCHDOG_S, rtde
from teletwin.clock import VirtualClock

PLAYING, STOPPED = 2, 1


class Reports:
    """Runtime states that the controller's newest report shows, look by look; the last one stays."""

    def __init__(self, *states):
        self._states = list(states)

    def getRuntimeState(self):
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def getSafetyStatusBits(self):
        return 1

    def getTimestamp(self):
        return 0.0

    def getOutputIntRegister(self, number):
        return 0

    def getActualQ(self):
        return [0.0] * 6

    def getActualQd(self):
        return [0.0] * 6


@pytest.fixture
def guards():
    return []


@pytest.fixture
def kicks():
    return []


@pytest.fixture
def sent():
    """Speeds of the set-points: their numbers."""
    return []


@pytest.fixture
def entered(monkeypatch, guards, kicks, sent):
    def enter(*states, clock=None, is_guarded=True):
        control = SimpleNamespace(
            servoStop=lambda *_: True,
            servoJ=lambda q, speed, *_: sent.append(speed) or True,
            kickWatchdog=lambda: kicks.append(1) or True,
        )
        link = SimpleNamespace(
            alive=True,
            receive=Reports(*states),
            control=control,
            close=lambda: None,
            start_program=lambda: True,
            guard=lambda silence_s: guards.append(silence_s) or is_guarded,
        )
        monkeypatch.setattr(rtde, "connect", lambda host: link)
        monkeypatch.setattr(rtde, "ask_dashboard", lambda *_: [])
        return rtde.RtdeArm(clock=clock or VirtualClock())

    return enter


def test_a_report_older_than_the_program_is_waited_out(entered):
    with entered(STOPPED, STOPPED, STOPPED, PLAYING) as arm:
        assert arm.state().fault == ""


def test_a_program_that_never_runs_is_a_fault(entered):
    with entered(STOPPED) as arm:
        assert "program is not running" in arm.state().fault


def test_clearing_waits_out_older_reports_too(entered):
    arm = entered(PLAYING, STOPPED, STOPPED, STOPPED, STOPPED, PLAYING)
    with arm:
        while arm.state().fault == "":
            pass
        arm.clear_fault()
        while arm.busy:
            time.sleep(0.001)
        assert arm.state().fault == ""


def test_a_host_that_stood_still_does_not_take_its_controller_for_lost_but_one_that_looks_in_vain_does(entered):
    clock = VirtualClock()
    with entered(PLAYING, clock=clock) as arm:
        clock.sleep_until(clock.now_ns() + 2_000_000_000)
        assert arm.state().fault == "", "reports may only wait to be taken"
        for _ in range(30):
            clock.sleep_until(clock.now_ns() + 20_000_000)
            arm.state()
        assert "lost" in arm.state().fault


def test_the_watchdog_is_set_before_anything_moves_and_for_every_program(entered, guards):
    with entered(*[PLAYING] * 5, STOPPED, PLAYING) as arm:
        arm.state()
        assert guards == []
        arm.servo(np.zeros(6))
        arm.servo(np.zeros(6))
        assert guards == [WATCHDOG_S]
        while arm.state().fault == "":
            pass
        arm.clear_fault()
        while arm.busy:
            time.sleep(0.001)
        arm.servo(np.zeros(6))
        assert guards == [WATCHDOG_S, WATCHDOG_S]


def test_a_controller_that_takes_no_watchdog_is_sent_nothing(entered, sent):
    with entered(PLAYING, is_guarded=False) as arm:
        arm.servo(np.zeros(6))
        arm.servo(np.zeros(6))
        assert "watchdog" in arm.state().fault
    assert sent == []


def test_looks_kick_the_watchdog_while_no_set_points_do(entered, kicks):
    clock = VirtualClock(start_ns=1_000_000_000)
    with entered(PLAYING, clock=clock) as arm:
        arm.servo(np.zeros(6))
        for _ in range(100):
            clock.sleep_until(clock.now_ns() + 2_000_000)
            arm.state()
    assert len(kicks) >= 15


def test_set_points_are_numbered_by_the_periods_between_them_however_late_within_one(entered, sent):
    clock = VirtualClock(start_ns=1_000_000_000)
    start_ns = clock.now_ns()
    with entered(PLAYING, clock=clock) as arm:
        for period, late_us in ((0, 0), (1, 900), (2, 100), (3, 1200), (5, 0), (6, 1300), (7, 0), (9, 400)):
            clock.sleep_until(start_ns + period * 2_000_000 + late_us * 1000)
            arm.servo(np.zeros(6))
    assert np.diff(np.round(1e3 * np.array(sent))).tolist() == [1, 1, 1, 2, 1, 1, 2]
