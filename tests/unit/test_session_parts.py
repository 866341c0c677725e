"""Choices that need a package which is not there are refused before anything starts, with the way to get it."""

from __future__ import annotations

import sys

import pytest

from teletwin.cli.demo import DemoOptions
from teletwin.cli.options import read_options
from teletwin.cli.run import RunOptions
from teletwin.clock import SystemClock
from teletwin.dds.domain import free_udp_port
from teletwin.errors import ConfigError, MissingPartError
from teletwin.link.dds import DdsLink
from teletwin.link.udp import UdpLinkCfg
from teletwin.messages import Note
from teletwin.ros2 import Ros2Cfg
from teletwin.session import parts
from teletwin.session.config import SessionCfg
from teletwin.session.role_cfg import RoleCfg, from_json, to_json


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
    assert SessionCfg().starts_controller
    with pytest.raises(ConfigError, match="unknown robot; given: rtde:x"):
        SessionCfg(robot="rtde:x")


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


@pytest.mark.live
def test_dds_on_an_address_that_is_not_here_is_one_clear_line():
    with pytest.raises(ConfigError, match=r"DDS cannot listen; given: 203\.0\.113\.7"):
        DdsLink(UdpLinkCfg(role="arm", bind="203.0.113.7", key=b"sixteen bytes ok"), SystemClock()).__enter__()


@pytest.mark.live
def test_dds_on_a_port_that_is_taken_is_one_clear_line():
    with (
        DdsLink(UdpLinkCfg(role="arm"), SystemClock()) as arm,
        pytest.raises(ConfigError, match=f"DDS cannot start; given: interface 127.0.0.1, port {arm.port}"),
    ):
        DdsLink(UdpLinkCfg(role="twin", port=arm.port), SystemClock()).__enter__()


@pytest.mark.live
def test_roles_of_one_host_that_listen_everywhere_find_each_other_over_dds():
    clock, key = SystemClock(), b"sixteen bytes ok"
    ports = {role: free_udp_port("127.0.0.1") for role in ("twin", "renderer")}
    common = {"bind": "0.0.0.0", "key": key, "session_id": 3}
    twin = UdpLinkCfg(role="twin", port=ports["twin"], peers={"renderer": ("127.0.0.1", ports["renderer"])}, **common)
    other = UdpLinkCfg(role="renderer", port=ports["renderer"], peers={"twin": ("127.0.0.1", ports["twin"])}, **common)
    with DdsLink(twin, clock) as one, DdsLink(other, clock) as two:
        one.send_reliable("renderer", Note(kind="x"))
        end_ns, got = clock.now_ns() + 6_000_000_000, []
        while not got and clock.now_ns() < end_ns:
            two.wait(0.01)
            got = two.receive()
            one.receive()
    assert [item.message.kind for item in got] == ["x"]
