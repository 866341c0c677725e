"""Hands on the operator's host, every device made: what they say, how they rest, and how they are lost."""

from __future__ import annotations

import math
import sys
import types as python
from typing import ClassVar

import numpy as np
import pytest

from teletwin.clock import SystemClock, VirtualClock
from teletwin.errors import ConfigError, MissingPartError
from teletwin.geometry import compose, invert, quat_from_rotvec, rotation_angle
from teletwin.hand.clutch import ClutchCfg
from teletwin.hand.devices import Deflection, DeviceCfg, DeviceLostError, Placement, device_of
from teletwin.hand.devices.choose import build_device, check_device
from teletwin.hand.devices.feed import DeviceFeed
from teletwin.hand.devices.gamepad import Gamepad
from teletwin.hand.devices.jog import Jog
from teletwin.hand.devices.ros2_pose import Ros2Pose, in_hand_axes
from teletwin.hand.devices.spacemouse import SpaceMouse
from teletwin.hand.recording import still_hand
from teletwin.hand.source import HandSwitch
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.ros2 import Ros2Cfg
from teletwin.ros2 import types as ros2_types
from teletwin.ros2.participant import Ros2Participant
from teletwin.ros2.qos import Profile

MS = 1_000_000
REST = Deflection((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
HOME = tool_pose_in_ur_base(HOME_Q)
NO_TURN = (1.0, 0.0, 0.0, 0.0)


class Made:
    """A device that says what it is told to."""

    name = "made device"

    def __init__(self):
        self.says, self.is_there, self.opened = REST, True, 0

    def open(self):
        if not self.is_there:
            raise DeviceLostError("no made device is found")
        self.opened += 1

    def read(self, now_ns):
        if not self.is_there:
            raise OSError("it was unplugged")
        return self.says

    def close(self):
        pass


class Person:
    """A device, its feed and the hand that it moves, on a virtual clock."""

    def __init__(self, device=None, **cfg):
        self.device, self.now_ms = device or Made(), 0
        self.feed = DeviceFeed(self.device, VirtualClock(), DeviceCfg(**cfg))
        self.hand = HandSwitch(still_hand(HOME), home_pose=HOME, clutch=ClutchCfg(hand_to_base=NO_TURN), loop=False)
        self.hand.feed = self.feed
        self.samples = []

    def wait(self, duration_ms, says=None):
        """Let time pass; return the newest tool pose."""
        if says is not None:
            self.device.says = says
        for _ in range(0, duration_ms, 8):
            self.now_ms += 8
            self.feed.step(self.now_ms * MS)
            self.samples += self.hand.poll(self.now_ms * MS)
        return self.samples[-1].pose


def test_a_push_moves_the_tool_at_the_speed_that_was_set_and_letting_go_rests_it():
    person = Person(device_speed_m_s=0.1, device_dead_zone=0.1)
    assert np.array_equal(person.wait(80), HOME)
    assert person.hand.source == "recording"
    moved = person.wait(400, Deflection((1.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    assert person.hand.source == "person"
    # 50 turns of the loop: the first only closes the clutch.
    assert moved[0] - HOME[0] == pytest.approx(0.1 * 0.392, abs=1e-3)
    rested = person.wait(200, REST)
    np.testing.assert_allclose(rested, moved, atol=1e-3)
    assert not person.hand.browser.clutch.closed
    assert np.diff([sample.t_ns for sample in person.samples]).min() > 0


def test_a_twist_turns_the_tool_about_its_axis():
    person = Person(device_turn_rad_s=1.0, device_dead_zone=0.0)
    turned = person.wait(500, Deflection((0.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    expected = quat_from_rotvec([0.0, 0.492, 0.0])
    relative = compose(np.array([0, 0, 0, *turned[3:]]), invert(np.array([0, 0, 0, *HOME[3:]])))
    assert rotation_angle(relative[3:], expected) < 0.02


def test_within_the_dead_zone_nothing_moves_and_beyond_it_speed_grows_from_zero():
    cfg = DeviceCfg(device_dead_zone=0.2, device_speed_m_s=1.0)

    def way(value):
        jog = Jog(cfg)
        for k in range(11):
            jog.push(Deflection((value, 0.0, 0.0), (0.0, 0.0, 0.0)), 10 * MS * k)
        return jog.pose[0]

    assert way(0.19) == way(-0.2) == way(math.nan) == 0.0
    assert way(0.21) == pytest.approx(0.1 * 0.01 / 0.8)
    assert way(-1.0) == way(-30.0) == pytest.approx(-0.1)


def test_a_stalled_reader_does_not_make_the_hand_leap():
    jog = Jog(DeviceCfg(device_speed_m_s=1.0, device_dead_zone=0.0))
    push = Deflection((1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    jog.push(push, 0)
    jog.push(push, 3_000 * MS)
    assert jog.pose[0] <= 0.051


def test_an_unplugged_device_holds_says_so_and_goes_on_without_a_jump_when_it_is_back():
    person = Person()
    push = Deflection((0.0, 1.0, 0.0), (0.0, 0.0, 0.0))
    before = person.wait(300, push)
    person.device.is_there = False
    held = person.wait(1500)
    np.testing.assert_allclose(held, before, atol=1e-12)
    assert not person.hand.browser.clutch.closed
    assert "the made device is gone and the hand rests (it was unplugged): plug it in again" in person.hand.warning
    person.device.is_there = True
    person.wait(1100)
    assert person.hand.warning == ""
    steps = np.linalg.norm(np.diff([sample.pose[:3] for sample in person.samples], axis=0), axis=1)
    assert steps.max() < 0.25 * 0.012
    assert person.samples[-1].pose[1] > held[1]


def test_a_device_that_is_not_there_at_the_start_is_an_error_and_one_that_is_works_by_its_own_thread():
    missing = Made()
    missing.is_there = False
    with pytest.raises(DeviceLostError, match="no made device is found"):
        DeviceFeed(missing, SystemClock()).__enter__()
    there, clock = Made(), SystemClock()
    there.says = Deflection((1.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    with DeviceFeed(there, clock) as feed:
        clock.sleep_until(clock.now_ns() + 100 * MS)
        inputs = feed.inputs()
    assert len(inputs) > 3
    assert [each.seq for each in inputs] == list(range(1, len(inputs) + 1))


def test_poses_that_are_none_are_left_out():
    person = Person()
    person.wait(80, Placement(np.full(7, np.nan), True, 10))
    assert person.hand.source == "recording"


def test_names_of_hands():
    assert device_of("spacemouse") == ("spacemouse", "")
    assert device_of("ros2:/pen/pose") == ("ros2", "/pen/pose")
    assert device_of("handwriting") is None
    assert device_of("line:seed=3") is None
    for name in ("leader", "ros2", "gamepad:1"):
        with pytest.raises(ConfigError, match="a hand is not named so"):
            device_of(name)
    with pytest.raises(ConfigError, match="ROS 2 topic"):
        check_device("ros2:pose")
    with pytest.raises(ConfigError, match="cannot be read"):
        check_device("leader:nowhere.json")
    built = build_device("gamepad", clock=VirtualClock(), ros2=Ros2Cfg(), hand_to_base=np.array(NO_TURN))
    assert isinstance(built, Gamepad)
    with pytest.raises(ConfigError, match="device_dead_zone"):
        DeviceCfg(device_dead_zone=0.9)


def test_a_spacemouse_is_pushed_right_away_and_up(monkeypatch):
    axes = {"x": 0.1, "y": 0.2, "z": 0.3, "roll": 0.4, "pitch": 0.5, "yaw": 0.6, "t": 7.0}
    real = python.SimpleNamespace(read=lambda: python.SimpleNamespace(**axes), close=lambda: None)
    convention = python.SimpleNamespace(HID_Z_UP="z up")
    library = python.SimpleNamespace(AxisConvention=convention, open=lambda axis_convention: real)
    monkeypatch.setitem(sys.modules, "pyspacemouse", library)
    mouse = SpaceMouse()
    mouse.open()
    pushed = Deflection(move=(0.1, 0.3, -0.2), turn=(0.4, 0.6, -0.5))
    assert mouse.read(0) == pushed
    assert mouse.read(100_000_000) == pushed
    assert mouse.read(300_000_000).move == (0.0, 0.0, 0.0), "no report any more: its battery is empty"
    axes["t"] = 7.5
    assert mouse.read(400_000_000) == pushed
    mouse.close()

    def nothing(axis_convention):
        raise RuntimeError("No connected devices")

    monkeypatch.setattr(library, "open", nothing)
    with pytest.raises(DeviceLostError, match=r"no SpaceMouse is found; given: No connected devices; .*hands.md"):
        mouse.open()
    monkeypatch.setitem(sys.modules, "pyspacemouse", None)
    with pytest.raises(MissingPartError, match=r"teletwin\[hands\]"):
        mouse.open()


class Pad:
    axes: ClassVar = {
        "LEFTX": 16384,
        "LEFTY": -32767,
        "RIGHTX": 0,
        "RIGHTY": 0,
        "TRIGGERLEFT": 0,
        "TRIGGERRIGHT": 32767,
    }
    is_attached = True

    def __init__(self, index=0):
        pass

    def attached(self):
        return self.is_attached

    def get_axis(self, name):
        return self.axes[name]

    def get_button(self, name):
        return name == "LEFTSHOULDER"

    def quit(self):
        pass


def made_pygame(monkeypatch, count):
    game = python.ModuleType("pygame")
    for name in Pad.axes:
        setattr(game, f"CONTROLLER_AXIS_{name}", name)
    for name in ("LEFTSHOULDER", "RIGHTSHOULDER"):
        setattr(game, f"CONTROLLER_BUTTON_{name}", name)
    game.display = python.SimpleNamespace(init=lambda: None)
    game.event = python.SimpleNamespace(pump=lambda: None, get=lambda: [object()])
    controller = python.ModuleType("pygame._sdl2.controller")
    controller.init, controller.get_count = (lambda: None), (lambda: count)
    controller.is_controller, controller.Controller = (lambda index: index == count - 1), Pad
    for name, module in (("pygame", game), ("pygame._sdl2.controller", controller)):
        monkeypatch.setitem(sys.modules, name, module)


def test_a_gamepad_has_the_sticks_and_buttons_of_the_page(monkeypatch):
    for name in ("SDL_VIDEODRIVER", "SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "SDL_NO_SIGNAL_HANDLERS"):
        monkeypatch.setenv(name, "1")
    made_pygame(monkeypatch, 2)
    pad = Gamepad()
    pad.open()
    said = pad.read(0)
    assert said.move == pytest.approx((0.5, 1.0, -1.0), abs=1e-3)
    assert said.turn == (0.0, 0.0, 1.0)
    monkeypatch.setattr(Pad, "is_attached", False)
    with pytest.raises(DeviceLostError, match="unplugged"):
        pad.read(0)
    made_pygame(monkeypatch, 0)
    with pytest.raises(DeviceLostError, match="no gamepad is found"):
        Gamepad().open()


def test_axes_of_rep_103_are_turned_into_the_hands():
    def moved(before, after):
        pair = [in_hand_axes(np.array(each), "rep103") for each in (before, after)]
        return pair[1][:3] - pair[0][:3]

    start = [1.0, 2.0, 3.0, 1, 0, 0, 0]
    np.testing.assert_allclose(moved(start, [1.1, 2.0, 3.0, 1, 0, 0, 0]), [0, 0, -0.1], atol=1e-12)
    np.testing.assert_allclose(moved(start, [1.0, 2.1, 3.0, 1, 0, 0, 0]), [-0.1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(moved(start, [1.0, 2.0, 3.1, 1, 0, 0, 0]), [0, 0.1, 0], atol=1e-12)
    left = in_hand_axes(np.array([0, 0, 0, *quat_from_rotvec([0, 0, 0.4])]), "rep103")
    none = in_hand_axes(np.array([0.0, 0, 0, 1, 0, 0, 0]), "rep103")
    turn = compose(np.array([0, 0, 0, *left[3:]]), invert(np.array([0, 0, 0, *none[3:]])))
    assert rotation_angle(turn[3:], quat_from_rotvec([0, 0.4, 0])) < 1e-9


@pytest.mark.live
def test_a_pen_on_a_topic_moves_the_hand_and_its_silence_opens_the_clutch():
    cfg, clock = Ros2Cfg(ros2_domain=80, ros2_interface="127.0.0.1", ros2_peers="127.0.0.1"), SystemClock()
    stamp = ros2_types.make("builtin_interfaces/msg/Time", sec=1, nanosec=0)
    header = ros2_types.make("std_msgs/msg/Header", stamp=stamp, frame_id="pen")

    def pose(x, w=1.0):
        point = ros2_types.make("geometry_msgs/msg/Point", x=x, y=0.0, z=0.0)
        turn = ros2_types.make("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=w)
        placed = ros2_types.make("geometry_msgs/msg/Pose", position=point, orientation=turn)
        return ros2_types.make(ros2_types.POSE_STAMPED, header=header, pose=placed)

    with Ros2Participant(cfg, clock) as pen, DeviceFeed(Ros2Pose("/pen/pose", cfg, clock), clock) as feed:
        publisher = pen.publisher("/pen/pose", ros2_types.POSE_STAMPED, Profile.COMMAND)
        end_ns = clock.now_ns() + 5_000 * MS
        while not publisher.listener_count and clock.now_ns() < end_ns:
            clock.sleep_until(clock.now_ns() + 5 * MS)
        for k in range(20):
            publisher.send(pose(0.01 * k))
            publisher.send(pose(9.9, w=0.0))
            publisher.send(pose(0.01 * k))
            clock.sleep_until(clock.now_ns() + 10 * MS)
        clock.sleep_until(clock.now_ns() + 400 * MS)
        inputs = feed.inputs()
    xs = [each.pose[0] for each in inputs]
    assert xs == sorted(xs)
    assert xs[-1] == pytest.approx(0.19)
    assert [each.clutch for each in inputs] == [True] * (len(inputs) - 1) + [False]


def pen_message(x, *, sent_ms, turn=(1.0, 0.0, 0.0, 0.0)):
    stamp = ros2_types.make("builtin_interfaces/msg/Time", sec=sent_ms // 1000, nanosec=sent_ms % 1000 * MS)
    point = ros2_types.make("geometry_msgs/msg/Point", x=x, y=0.0, z=0.0)
    w, a, b, c = turn
    placed = ros2_types.make(
        "geometry_msgs/msg/Pose",
        position=point,
        orientation=ros2_types.make("geometry_msgs/msg/Quaternion", x=a, y=b, z=c, w=w),
    )
    header = ros2_types.make("std_msgs/msg/Header", stamp=stamp, frame_id="map")
    return ros2_types.make(ros2_types.POSE_STAMPED, header=header, pose=placed)


class Graph:
    """Where no messages come but those that a test hands over."""

    def spin(self):
        return None


def pen(**cfg):
    device = Ros2Pose("/phantom/pose", Ros2Cfg(**cfg), VirtualClock(start_ns=0))
    device._graph = Graph()
    return device


def test_a_pens_poses_count_from_when_they_were_sent():
    device, told = pen(), []
    late_ms = np.random.default_rng(1).exponential(8.0, 90)
    for k, late in enumerate(late_ms):
        device._take(pen_message(0.001 * k, sent_ms=500_000 + 33 * k), round((33 * k + 1000 + late) * MS))
        told.append(device.read(0).t_ns)
    gaps_ms = np.diff(told[20:]) / MS
    np.testing.assert_allclose(gaps_ms, 33.0, atol=0.6)


def test_a_header_whose_time_stands_still_is_not_believed():
    device = pen()
    for k in range(5):
        device._take(pen_message(0.01 * k, sent_ms=7), (100 + 30 * k) * MS)
        assert device.read(0).t_ns == (100 + 30 * k) * MS


def test_a_pens_button_closes_the_clutch_and_letting_go_opens_it_at_once():
    device = pen(ros2_hand_button="grey")
    device._take(pen_message(0.0, sent_ms=10), 100 * MS)
    assert not device.read(100 * MS).closed
    device._press(ros2_types.make(ros2_types.PEN_BUTTONS, grey_button=1, white_button=0), 110 * MS)
    device._take(pen_message(0.1, sent_ms=20), 120 * MS)
    assert device.read(120 * MS).closed
    device._press(ros2_types.make(ros2_types.PEN_BUTTONS, grey_button=0, white_button=1), 125 * MS)
    assert not device.read(126 * MS).closed


def test_omni_axes_have_places_with_z_up_and_turns_of_the_pen():
    start, end = (in_hand_axes(np.array(each), "omni") for each in ([0.0, 0, 0, 1, 0, 0, 0], [0.0, 1, 2, 1, 0, 0, 0]))
    np.testing.assert_allclose(end[:3] - start[:3], [0.0, 2.0, -1.0], atol=1e-12)
    turned = in_hand_axes(np.array([0, 0, 0, *quat_from_rotvec([0.3, 0.0, 0.0])]), "omni")
    np.testing.assert_allclose(turned[3:], quat_from_rotvec([0.3, 0.0, 0.0]), atol=1e-12)
