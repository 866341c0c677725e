"""OpenXR and ROS 2 as hands, by stand-ins with the shapes that Isaac Sim's own code reads."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from fake_ros import Ros, joint_state

from teletwin.clock import NS_PER_S, VirtualClock
from teletwin.errors import ConfigError, MissingPartError
from teletwin.hand.browser import BrowserHand
from teletwin.hand.clutch import Clutch
from teletwin.kit.hand_input import open_hand_input
from teletwin.kit.openxr_hand import OpenXrHand
from teletwin.kit.ros2_bridge import Ros2Bridge, Ros2Cfg
from teletwin.robot.ur3e import HOME_Q, JOINT_NAMES, tool_pose_in_ur_base


def controller(x=0.0, squeeze=0.0, valid=True):
    pose = SimpleNamespace(
        position=SimpleNamespace(x=x, y=0.1, z=0.2), orientation=SimpleNamespace(x=0.0, y=0.6, z=0.0, w=0.8)
    )
    return SimpleNamespace(
        aim_pose=SimpleNamespace(is_valid=valid, pose=pose), inputs=SimpleNamespace(squeeze_value=squeeze)
    )


class TeleopManager:
    made: ClassVar[list] = []
    answers = True

    def __init__(self):
        self.observers, self.is_open, self.is_destroyed = [], False, False
        self.made.append(self)

    def add_controller_inputs_observer(self, observer):
        self.observers.append(observer)

    def remove_controller_inputs_observer(self, observer):
        self.observers.remove(observer)

    def connect(self, on_status_changed=None):
        self.is_open = self.answers
        return self.answers

    def disconnect(self, on_status_changed=None):
        self.is_open = False

    def destroy(self):
        self.is_destroyed = True


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def teleop(monkeypatch):
    for name in ("isaacsim", "isaacsim.replicator"):
        package = ModuleType(name)
        package.__path__ = []
        monkeypatch.setitem(sys.modules, name, package)
    module = ModuleType("isaacsim.replicator.teleop")
    module.TeleopManager = TeleopManager
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(TeleopManager, "made", [])
    return TeleopManager


def test_a_controller_moves_the_tool_while_it_is_squeezed(teleop, clock):
    home = tool_pose_in_ur_base(HOME_Q)
    hand = BrowserHand(Clutch(tool_pose=home))
    openxr = OpenXrHand(hand.put, clock)
    openxr.open()
    (observer,) = teleop.made[0].observers
    for x, squeeze in ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.35, 1.0)):
        clock.sleep_until(clock.now_ns() + 10_000_000)
        observer(None, controller(x, squeeze))
    moved = hand.poll(clock.now_ns())[-1].pose
    assert np.linalg.norm(moved[:3] - home[:3]) == pytest.approx(0.05, abs=2e-3)


def test_a_finger_that_trembles_neither_opens_nor_closes_the_clutch(clock):
    seen = []
    openxr = OpenXrHand(lambda each: seen.append(each) or True, clock)
    for squeeze in (0.5, 0.7, 0.5, 0.45, 0.3, 0.5):
        openxr.take(None, controller(squeeze=squeeze))
    assert [each.clutch for each in seen] == [False, True, True, True, False, False]
    assert [each.seq for each in seen] == list(range(1, 7))
    assert seen[0].pose[3:] == pytest.approx([0.8, 0.0, 0.6, 0.0])


@pytest.mark.parametrize("lost", [None, controller(valid=False)])
def test_a_lost_controller_is_counted_and_lets_go(clock, lost):
    seen = []
    openxr = OpenXrHand(lambda each: seen.append(each) or True, clock, side="left")
    openxr.take(controller(squeeze=1.0), None)
    openxr.take(lost, controller(squeeze=1.0))
    openxr.take(controller(squeeze=0.5), None)
    assert openxr.lost_count == 1
    assert [each.clutch for each in seen] == [True, False]


def test_closing_leaves_nothing_behind(teleop, clock):
    openxr = OpenXrHand(lambda each: True, clock)
    openxr.open()
    openxr.close()
    openxr.close()
    manager = teleop.made[0]
    assert (manager.observers, manager.is_open, manager.is_destroyed) == ([], False, True)


def test_no_headset_and_no_extension_are_told_with_what_to_do(teleop, clock, monkeypatch):
    monkeypatch.setattr(TeleopManager, "answers", False)
    with pytest.raises(MissingPartError, match="isaacteleop"):
        OpenXrHand(lambda each: True, clock).open()
    assert teleop.made[0].is_destroyed
    monkeypatch.setitem(sys.modules, "isaacsim.replicator.teleop", None)
    with pytest.raises(MissingPartError, match=r"6\.0"):
        OpenXrHand(lambda each: True, clock).open()
    with pytest.raises(ConfigError, match="left, right"):
        OpenXrHand(lambda each: True, clock, side="both")


@pytest.fixture
def ros(monkeypatch):
    ros = Ros()
    manager = SimpleNamespace(set_extension_enabled_immediate=lambda name, on: ros.enabled.append(name))
    application = SimpleNamespace(get_extension_manager=lambda: manager)
    modules = {
        "omni": ModuleType("omni"),
        "omni.kit": ModuleType("omni.kit"),
        "omni.kit.app": SimpleNamespace(get_app=lambda: application),
        "rclpy": ros,
        "sensor_msgs": ModuleType("sensor_msgs"),
        "sensor_msgs.msg": SimpleNamespace(JointState=joint_state),
        "geometry_msgs": ModuleType("geometry_msgs"),
        "geometry_msgs.msg": SimpleNamespace(PoseStamped=object),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return ros


def stamped(x):
    pose = controller(x).aim_pose.pose
    return SimpleNamespace(pose=pose)


def test_joint_states_go_out_and_poses_come_in_with_their_quaternion_turned_round(ros, clock):
    seen = []
    bridge = Ros2Bridge(lambda each: seen.append(each) or True, clock)
    bridge.open()
    clock.sleep_until(clock.now_ns() + 3 * NS_PER_S + 5)
    ros.waiting = [stamped(0.1), stamped(0.2), stamped(0.3)]
    bridge.update(HOME_Q, np.zeros(6))
    topic, message = ros.published[0]
    assert topic == "teletwin/joint_states"
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == divmod(clock.now_ns(), NS_PER_S)
    assert tuple(message.name) == JOINT_NAMES
    assert message.position == pytest.approx(HOME_Q.tolist())
    assert [each.pose[0] for each in seen] == [0.1, 0.2, 0.3]
    assert seen[0].pose[3:] == pytest.approx([0.8, 0.0, 0.6, 0.0])
    assert all(each.clutch for each in seen)
    assert ros.enabled == ["isaacsim.ros2.bridge"]


def test_a_hand_that_fell_silent_lets_go_once(ros, clock):
    seen = []
    bridge = Ros2Bridge(lambda each: seen.append(each) or True, clock, Ros2Cfg(silence_s=0.1))
    bridge.open()
    ros.waiting = [stamped(0.1)]
    for _ in range(30):
        clock.sleep_until(clock.now_ns() + NS_PER_S // 100)
        bridge.update(HOME_Q, np.zeros(6))
    assert [each.clutch for each in seen] == [True, False]


@pytest.mark.parametrize("was_up", [True, False])
def test_ros_is_shut_down_only_by_who_started_it(ros, clock, was_up):
    ros.is_up = was_up
    bridge = Ros2Bridge(lambda each: True, clock)
    bridge.open()
    bridge.close()
    bridge.close()
    assert ros.is_up is was_up
    assert ros.nodes == 0


def test_without_ros_one_line_says_what_to_do(ros, clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(MissingPartError, match="Humble or Jazzy"):
        Ros2Bridge(lambda each: True, clock).open()


class Updates:
    """Kit's update events, as far as one subscriber needs them."""

    def __init__(self):
        self.calls = []

    def subscribe(self, call):
        self.calls.append(call)
        return SimpleNamespace(close=lambda: self.calls.remove(call))


def opened(name, clock, updates, events):
    world = SimpleNamespace(q=HOME_Q, qd=np.zeros(6))
    return open_hand_input(name, tell=events.append, on_update=updates.subscribe, world=world, clock=clock)


def test_a_ros_hand_reaches_the_operators_desk_as_the_pages_does_until_the_end(ros, clock):
    updates, events = Updates(), []
    with opened("ros2", clock, updates, events):
        ros.waiting = [stamped(0.4)]
        updates.calls[0]()
    (event,) = events
    assert (event.kind, event.values["clutch"], event.values["hand"][0]) == ("input", True, 0.4)
    assert event.viewer < 0
    assert updates.calls == []
    assert ros.nodes == 0


def test_an_openxr_hand_is_let_go_at_the_end(teleop, clock):
    with opened("openxr", clock, Updates(), []):
        assert teleop.made[0].is_open
    assert teleop.made[0].is_destroyed


def test_an_idle_hand_does_not_take_the_clutch_from_the_page_and_letting_go_is_told_once(teleop, clock):
    events = []
    with opened("openxr", clock, Updates(), events):
        (observer,) = teleop.made[0].observers
        for squeeze in (0.0, 0.0, 1.0, 1.0, 0.0, 0.0):
            observer(None, controller(squeeze=squeeze))
    assert [event.values["clutch"] for event in events] == [True, True, False]


def test_the_page_alone_opens_nothing(clock):
    updates = Updates()
    with opened("page", clock, updates, []):
        assert updates.calls == []
