"""What every arm does: the simulated one, ur_rtde driving the virtual controller, and one behind ROS 2 topics."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from ros2_driver import Driver

from teletwin.arm import Arm
from teletwin.arm.ros2 import Ros2Arm, Ros2ArmCfg
from teletwin.arm.rtde import RtdeArm, RtdeArmCfg
from teletwin.arm.simulated import SimulatedArm, SimulatedArmCfg
from teletwin.clock import Clock, SystemClock, VirtualClock
from teletwin.ros2 import Ros2Cfg

TICK_NS = 2_000_000
HOST = "127.0.0.61"
ROS2 = Ros2Cfg(ros2_domain=78, ros2_interface="127.0.0.1", ros2_peers="127.0.0.1")
CONTROLLER = "forward_position_controller"


@dataclass
class Rig:
    arm: Arm
    clock: Clock
    start: np.ndarray

    def run(self, set_points):
        """Send one set-point (or None) a servo tick; return the measured joints of every tick."""
        due, measured = self.clock.now_ns(), []
        for q in set_points:
            if q is not None:
                self.arm.servo(q)
            due += TICK_NS
            self.clock.sleep_until(due)
            if isinstance(self.arm, SimulatedArm):
                self.arm.advance()
            measured.append(self.arm.state())
        return measured


@pytest.fixture(scope="module")
def controller():
    # Each test goes on from where the last one ended, in the end through where the table would be.
    command = [sys.executable, "-m", "teletwin.arm.virtual_ur", "--host", HOST, "--scene", "bare"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "listens" in process.stdout.readline()
    yield HOST
    process.terminate()
    assert process.wait(5) == 0


@pytest.fixture(scope="module")
def driver():
    with Driver(ROS2, CONTROLLER) as driver:
        yield driver


@pytest.fixture(params=["simulated", *(pytest.param(name, marks=pytest.mark.live) for name in ("rtde", "ros2"))])
def rig(request):
    if request.param == "simulated":
        clock = VirtualClock()
        arm = SimulatedArm(clock, SimulatedArmCfg(scene="bare"))
    elif request.param == "ros2":
        request.getfixturevalue("driver")
        clock = SystemClock()
        arm = Ros2Arm(Ros2ArmCfg(controller=CONTROLLER, ros2=ROS2), clock=clock)
    else:
        clock = SystemClock()
        arm = RtdeArm(RtdeArmCfg(host=request.getfixturevalue("controller")), clock=clock)
    with arm:
        yield Rig(arm, clock, arm.state().q.copy())


def test_it_reports_six_finite_joints_and_no_fault(rig):
    state = rig.arm.state()
    assert state.q.shape == state.qd.shape == (6,)
    assert np.isfinite(state.q).all()
    assert np.isfinite(state.qd).all()
    assert state.fault == ""


def test_it_follows_set_points_some_tens_of_milliseconds_late(rig):
    speed = 0.4
    ramp = [rig.start + speed * 0.002 * k for k in range(250)]
    states = rig.run([*ramp, *[ramp[-1]] * 400])  # a tick that this machine missed is made up for within 0.4 s
    late = [(ramp[k] - states[k].q) / speed for k in range(150, 250)]
    assert 0.02 < np.median(late) < 0.08
    np.testing.assert_allclose(states[-1].q, ramp[-1], atol=2e-3)


def test_it_holds_when_set_points_stop_coming(rig):
    goal = rig.start + 0.05
    states = rig.run([goal] * 150 + [None] * 150)
    np.testing.assert_allclose(states[-1].q, goal, atol=2e-3)
    assert np.abs(states[-1].qd).max() < 1e-2


def test_it_stops_on_request_and_goes_on_with_later_set_points(rig):
    ramp = [rig.start + 0.5 * 0.002 * k for k in range(150)]
    rig.run(ramp)
    rig.arm.stop()
    states = rig.run([None] * 200)
    assert np.abs(states[-1].qd).max() < 1e-2
    here = states[-1].q.copy()
    states = rig.run([here + 0.02] * 200)
    np.testing.assert_allclose(states[-1].q, here + 0.02, atol=2e-3)


def test_a_set_point_that_is_not_finite_moves_nothing_and_is_counted(rig):
    before = rig.arm.refused_count
    states = rig.run([np.full(6, np.nan)] * 50 + [np.full(6, np.inf)] * 50)
    np.testing.assert_allclose(states[-1].q, rig.start, atol=1e-4)
    assert rig.arm.refused_count == before + 100


def test_times_do_not_run_backwards(rig):
    times = [state.t_ns for state in rig.run([rig.start] * 100)]
    assert (np.diff(times) >= 0).all()


def test_states_are_copies_that_later_motion_does_not_change(rig):
    state = rig.arm.state()
    kept = state.q.copy()
    rig.run([rig.start + 0.05] * 100)
    np.testing.assert_array_equal(state.q, kept)
