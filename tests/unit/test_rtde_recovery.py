"""A virtual controller that did not run is met again by itself; a robot that fell silent stays a fault."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from teletwin.arm import rtde
from teletwin.arm.set_point_number import WATCHDOG_ENDED
from teletwin.clock import NS_PER_MS, NS_PER_S, VirtualClock

PLAYING, STOPPED = 2, 1


class Controller:
    """Both ends of a connection that a test lets fall silent, break, or lose its program."""

    def __init__(self):
        self.alive, self.is_refused = True, False
        self.stamp, self.runtime, self.register = 0.0, PLAYING, 0
        self.programs, self.guards, self.set_points = 0, 0, 0
        self.receive = SimpleNamespace(
            getRuntimeState=lambda: self.runtime,
            getSafetyStatusBits=lambda: 1,
            getTimestamp=lambda: self.stamp,
            getOutputIntRegister=lambda number: self.register,
            getActualQ=lambda: [0.0] * 6,
            getActualQd=lambda: [0.0] * 6,
        )
        self.control = SimpleNamespace(
            servoStop=lambda *_: True, servoJ=self._servo, kickWatchdog=lambda: True, isConnected=lambda: self.alive
        )

    def _servo(self, *_):
        self.set_points += 1
        return True

    def start_program(self):
        self.programs += 1
        self.runtime, self.register = PLAYING, 0
        return True

    def renewed(self):
        self.alive = True
        return self

    def guard(self, silence_s):
        self.guards += 1
        return True

    def close(self):
        pass


@pytest.fixture
def controller(monkeypatch):
    made = Controller()
    monkeypatch.setattr(rtde, "connect", lambda host: made)
    monkeypatch.setattr(rtde, "ask_dashboard", lambda *_: [])
    monkeypatch.setattr(rtde, "_WATCH_PERIOD_S", 0.005)
    return made


@pytest.fixture
def clock():
    return VirtualClock(start_ns=NS_PER_S)


def arm_of(clock, *, is_virtual):
    return rtde.RtdeArm(rtde.RtdeArmCfg(recovers=is_virtual, watchdog_s=5.0), clock=clock)


def look(arm, clock, controller, seconds, *, hears):
    state = arm.state()
    for _ in range(int(seconds / 0.01)):
        clock.sleep_until(clock.now_ns() + 10 * NS_PER_MS)
        controller.stamp += 0.01 * hears
        state = arm.state()
    return state


def looks_until(arm, clock, controller, is_so, *, hears):
    """For what the arm's own thread does, in true time."""
    end_s = time.monotonic() + 10.0
    while not is_so():
        assert time.monotonic() < end_s
        look(arm, clock, controller, 0.01, hears=hears)
        time.sleep(0.001)


def test_a_virtual_controller_that_did_not_run_is_no_fault_and_is_followed_again_when_it_runs(controller, clock):
    with arm_of(clock, is_virtual=True) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        state = look(arm, clock, controller, 3.0, hears=False)
        assert state.fault == ""
        assert arm.busy
        assert clock.now_ns() - state.t_ns > 2 * NS_PER_S, "its last report keeps its age: nobody takes it for new"
        sent = controller.set_points
        arm.servo(np.zeros(6))
        assert controller.set_points == sent, "nothing is sent blindly"
        assert look(arm, clock, controller, 0.1, hears=True).fault == ""
        looks_until(arm, clock, controller, lambda: arm.recovered_count == 1 and not arm.busy, hears=True)


def test_a_robot_that_did_the_same_stays_a_fault(controller, clock):
    with arm_of(clock, is_virtual=False) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        look(arm, clock, controller, 3.0, hears=False)
        assert "lost" in look(arm, clock, controller, 5.0, hears=True).fault
        assert arm.recovered_count == 0
        assert controller.programs == 0


def test_a_program_that_the_virtual_watchdog_ended_is_started_again_with_a_watchdog_of_its_own(controller, clock):
    with arm_of(clock, is_virtual=True) as arm:
        arm.servo(np.zeros(6))
        look(arm, clock, controller, 0.5, hears=True)
        controller.runtime, controller.register = STOPPED, WATCHDOG_ENDED
        looks_until(arm, clock, controller, lambda: arm.recovered_count == 1, hears=True)
        assert controller.programs == 1
        assert arm.state().fault == ""
        arm.servo(np.zeros(6))
        assert controller.guards == 2


@pytest.mark.parametrize(("is_virtual", "register"), [(False, WATCHDOG_ENDED), (False, 0), (True, 0)])
def test_a_program_that_a_robots_watchdog_or_a_person_ended_stays_a_fault(controller, clock, is_virtual, register):
    with arm_of(clock, is_virtual=is_virtual) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        controller.runtime, controller.register = STOPPED, register
        assert "program" in look(arm, clock, controller, 0.1, hears=True).fault
        controller.runtime = PLAYING
        assert "program" in look(arm, clock, controller, 1.0, hears=True).fault
        assert controller.programs == 0


def test_a_broken_connection_to_a_virtual_controller_that_lives_is_made_again(controller, clock):
    with arm_of(clock, is_virtual=True) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        controller.alive = False
        assert look(arm, clock, controller, 0.01, hears=False).fault == ""
        looks_until(arm, clock, controller, lambda: arm.recovered_count == 1, hears=True)


def test_a_virtual_controller_that_has_ended_is_a_fault_at_once(controller, clock):
    with arm_of(clock, is_virtual=True) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        controller.alive, controller.is_refused = False, True
        assert "lost" in look(arm, clock, controller, 0.01, hears=False).fault


def test_a_virtual_controller_that_never_comes_back_is_a_fault_in_the_end(controller, clock):
    with arm_of(clock, is_virtual=True) as arm:
        look(arm, clock, controller, 0.5, hears=True)
        assert look(arm, clock, controller, 25.0, hears=False).fault == ""
        assert "lost" in look(arm, clock, controller, 7.0, hears=False).fault
