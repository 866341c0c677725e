"""Entering the RTDE arm: a report from before the control program ran is no fault."""

import time
from types import SimpleNamespace

import pytest

from teletwin.arm import rtde
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

    def getActualQ(self):
        return [0.0] * 6

    def getActualQd(self):
        return [0.0] * 6


@pytest.fixture
def entered(monkeypatch):
    def enter(*states, clock=None):
        control = SimpleNamespace(servoStop=lambda *_: True)
        link = SimpleNamespace(
            alive=True, receive=Reports(*states), control=control, close=lambda: None, start_program=lambda: True
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
