"""What an arm behind ROS 2 does beyond what every arm does; the far end is made, never a real node."""

from __future__ import annotations

import numpy as np
import pytest
from ros2_driver import NAMES, Driver

from teletwin.arm.ros2 import Ros2Arm, Ros2ArmCfg
from teletwin.arm.ros2_controllers import CONTROLLERS
from teletwin.arm.ros2_joints import JointOrder
from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, RobotError
from teletwin.robot.ur3e import JOINT_NAMES
from teletwin.ros2 import Ros2Cfg, types

MS = 1_000_000
ROS2 = Ros2Cfg(ros2_domain=79, ros2_interface="127.0.0.1", ros2_peers="127.0.0.1")
TRAJECTORY = "scaled_joint_trajectory_controller"
clock = SystemClock()


def until(arm, holds, *, limit_s=3.0):
    end_ns = clock.now_ns() + int(limit_s * 1e9)
    while not holds(arm.state()):
        assert clock.now_ns() < end_ns, arm.state()
        clock.sleep_until(clock.now_ns() + 2 * MS)
    return arm.state()


def joint_state(names, position, velocity=()):
    return type("JointState", (), {"name": list(names), "position": position, "velocity": velocity})()


def test_joints_are_found_by_name_in_any_order_and_missing_ones_are_named():
    order = JointOrder(JOINT_NAMES)
    q = np.arange(6.0)
    turned = joint_state(reversed(JOINT_NAMES), q[::-1], -q[::-1])
    np.testing.assert_array_equal(order.read(turned), [q, -q])
    np.testing.assert_array_equal(order.read(joint_state(NAMES, [9.0, *q[::-1]]))[0], q)
    np.testing.assert_array_equal(order.read(joint_state(NAMES, [9.0, *q[::-1]]))[1], np.zeros(6))
    assert order.read(joint_state(JOINT_NAMES[1:], q[1:])) is None
    assert order.missing == ("shoulder_pan_joint",)
    assert order.read(joint_state(JOINT_NAMES, q[:5])) is None
    assert order.read(joint_state(JOINT_NAMES, np.full(6, np.nan))) is None


def test_an_unknown_controller_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"given: twist_controller; allowed: forward_position_controller, scaled"):
        Ros2ArmCfg(controller="twist_controller")


@pytest.mark.parametrize("name", CONTROLLERS)
def test_a_set_point_is_what_the_controller_takes(name):
    q = np.linspace(-1.0, 1.0, 6)
    message = CONTROLLERS[name].set_point(q, JOINT_NAMES)
    again = types.decode(CONTROLLERS[name].type_name, types.encode(message))
    if name == "forward_position_controller":
        np.testing.assert_array_equal(again.data, q)
        return
    (point,) = again.points
    np.testing.assert_array_equal(point.positions, q)
    assert again.joint_names == list(JOINT_NAMES)
    assert (again.header.stamp.sec, again.header.stamp.nanosec) == (0, 0)
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 24 * MS)
    assert len(point.velocities) == 0


@pytest.mark.live
def test_without_joint_states_entering_says_where_it_looked():
    with pytest.raises(RobotError, match=r"nothing on /joint_states; given: ROS 2 domain 79; see ROS_DOMAIN_ID"):
        Ros2Arm(Ros2ArmCfg(ros2=ROS2, meet_s=0.3), clock=clock).__enter__()


@pytest.mark.live
def test_joint_states_without_the_arms_joints_and_a_controller_that_is_not_active_are_told_apart():
    with Driver(ROS2, TRAJECTORY, names=[f"left_{name}" for name in JOINT_NAMES]):
        with pytest.raises(RobotError, match=r"nothing on /joint_states that names shoulder_pan_joint, .*joint-prefix"):
            Ros2Arm(Ros2ArmCfg(ros2=ROS2, meet_s=0.6), clock=clock).__enter__()
        prefixed = Ros2Cfg(
            ros2_domain=79, ros2_interface="127.0.0.1", ros2_peers="127.0.0.1", ros2_joint_prefix="left_"
        )
        with pytest.raises(RobotError, match=r"nobody listens on /forward_position_controller/commands.*activate"):
            Ros2Arm(Ros2ArmCfg(ros2=prefixed, meet_s=0.6), clock=clock).__enter__()


@pytest.mark.live
def test_a_trajectory_controller_gets_trajectories_at_its_own_pace_and_is_braked_evenly():
    with (
        Driver(ROS2, TRAJECTORY) as driver,
        Ros2Arm(Ros2ArmCfg(controller=TRAJECTORY, ros2=ROS2), clock=clock) as arm,
    ):
        start = arm.state().q
        due = clock.now_ns()
        for k in range(150):
            arm.servo(start + 0.5 * 0.002 * k)
            due += 2 * MS
            clock.sleep_until(due)
        assert 30 <= len(driver.got) <= 45
        arm.stop()
        arm.servo(start)
        assert arm.refused_count == 1
        clock.sleep_until(clock.now_ns() + 250 * MS)
        tail = np.array([message.points[0].positions[0] for message in driver.got])
        assert 0.0 < tail[-1] - start[0] - 0.15 < 0.05
        assert (np.diff(tail) >= 0.0).all()
        assert tail[-1] - tail[-2] < 0.25 * np.diff(tail[:30]).max()


@pytest.mark.live
def test_stops_of_the_robot_and_silence_are_shown_latched_and_cleared_by_a_person():
    with Driver(ROS2, TRAJECTORY) as driver, Ros2Arm(Ros2ArmCfg(controller=TRAJECTORY, ros2=ROS2), clock=clock) as arm:
        assert until(arm, lambda state: not state.fault)
        driver.tell_safety(3)
        until(arm, lambda state: state.fault.startswith("protective stop"))
        before = arm.refused_count
        arm.servo(arm.state().q)
        assert arm.refused_count == before + 1
        arm.clear_fault()
        assert arm.state().fault.startswith("protective stop"), "it is still there"
        driver.tell_safety(1)
        clock.sleep_until(clock.now_ns() + 50 * MS)
        assert arm.state().fault, "nobody has cleared it"
        arm.clear_fault()
        assert arm.state().fault == ""
        driver.is_telling = False
        start_ns = clock.now_ns()
        until(arm, lambda state: "silent" in state.fault)
        assert clock.now_ns() - start_ns < 800 * MS
        driver.is_telling = True
        clock.sleep_until(clock.now_ns() + 50 * MS)
        arm.clear_fault()
        assert arm.state().fault == ""
