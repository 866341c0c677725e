"""Choices that need a package which is not there are refused before anything starts, with the way to get it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from teletwin.cli.demo import DemoOptions
from teletwin.cli.options import read_options
from teletwin.cli.run import RunOptions
from teletwin.clock import SystemClock
from teletwin.errors import ConfigError, MissingPartError
from teletwin.link.dds import DdsLink
from teletwin.link.udp import UdpLink, UdpLinkCfg
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.ros2 import Ros2Cfg
from teletwin.session import parts
from teletwin.session.build import build_arm, build_feed, build_hand
from teletwin.session.config import SessionCfg
from teletwin.session.role_cfg import RoleCfg, from_json, to_json
from teletwin.session.wiring import open_link


def test_a_link_over_dds_without_dds_names_the_extra(monkeypatch):
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    parts.check_parts(SessionCfg())
    with pytest.raises(MissingPartError, match=r"--link dds needs cyclonedds.*pip install 'teletwin\[dds\]'"):
        parts.check_parts(SessionCfg(link="dds"))


def test_opening_it_anyway_says_the_same(monkeypatch):
    monkeypatch.setitem(sys.modules, "cyclonedds", None)
    monkeypatch.setitem(sys.modules, "cyclonedds.core", None)
    with pytest.raises(MissingPartError, match=r"teletwin\[dds\]"):
        DdsLink(UdpLinkCfg(role="arm"), SystemClock()).__enter__()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"robot": "ros2"}, r"--robot ros2 needs rosbags.*teletwin\[ros2\]"),
        ({"hand": "ros2:/pen/pose"}, r"--hand ros2:/pen/pose needs rosbags.*teletwin\[ros2\]"),
        ({"hand": "gamepad"}, r"--hand gamepad needs pygame.*teletwin\[hands\]"),
    ],
)
def test_arms_and_hands_name_their_extras_too(monkeypatch, choice, message):
    monkeypatch.setattr(parts, "find_spec", lambda name: None)
    with pytest.raises(MissingPartError, match=message):
        parts.check_parts(SessionCfg(**choice))


def test_a_session_over_ros_2_starts_no_controller_and_crosses_a_pipe():
    for robot in ("ros2", "ros2:scaled_joint_trajectory_controller"):
        session = SessionCfg(robot=robot, hand="spacemouse", ros2=Ros2Cfg(ros2_domain=4), link="dds")
        assert not session.starts_controller
        assert from_json(to_json(RoleCfg(role="arm", session=session))).session == session
        assert session.is_real
    assert not SessionCfg().is_real
    with pytest.raises(ConfigError, match="unknown robot; given: rtde:x"):
        SessionCfg(robot="rtde:x")


def test_the_choices_become_the_parts_of_the_session():
    clock, session = SystemClock(), SessionCfg(link="dds", robot="ros2", hand="spacemouse")
    assert isinstance(open_link(RoleCfg(role="arm", session=session), clock), DdsLink)
    assert isinstance(open_link(RoleCfg(role="arm"), clock), UdpLink)
    assert build_arm(session, controller_host="", clock=clock).topic == "/forward_position_controller/commands"
    assert build_feed(session, clock) is not None
    assert build_feed(SessionCfg(), clock) is None
    home = tool_pose_in_ur_base(HOME_Q)
    samples = build_hand(session).poll(1_000_000_000)
    np.testing.assert_allclose([sample.pose for sample in samples], [home] * len(samples), atol=1e-12)


@pytest.mark.parametrize("command", [DemoOptions, RunOptions])
def test_every_command_takes_the_choices(command):
    words = ["--link", "dds", "--robot", "ros2", "--hand", "gamepad", "--device-dead-zone", "0.2", "--ros2-domain", "5"]
    words += ["--role", "arm"] if command is RunOptions else []
    session = read_options(command, words, command="x", description="").session
    assert (session.link, session.robot, session.hand) == ("dds", "ros2", "gamepad")
    assert (session.device.device_dead_zone, session.ros2.ros2_domain) == (0.2, 5)


def test_an_unknown_link_is_refused():
    with pytest.raises(ConfigError, match="unknown link; given: carrier-pigeon; allowed: udp, dds"):
        SessionCfg(link="carrier-pigeon")
