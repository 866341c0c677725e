"""A hand of Isaac Sim's beside the page's, opened by a setting; without it the session runs on the page's."""

from __future__ import annotations

import gc
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest
from fake import kit
from fake_ros import Ros, joint_state
from kit_session import started, turns_until

pytest.importorskip("pxr", reason="usd-core is not installed")
pytestmark = pytest.mark.live
SETTINGS = {"role": "local", "robot_usd": "teletwin", "page_port": 0, "hand_input": "ros2"}


def ended(fake, extension):
    extension.on_shutdown()
    del extension
    for _ in range(200):
        fake.turn()
        time.sleep(0.01)
    gc.collect()


def run_until_started(fake):
    extension = started(fake, None)
    extension._app.start()
    turns_until(fake, lambda app=extension._app: app.state != "starting")
    assert extension._app.state == "running", extension._app.warnings
    return extension


def test_joints_go_out_over_ros_while_the_session_runs(monkeypatch):
    ros = Ros()
    for name, module in {
        "rclpy": ros,
        "sensor_msgs": ModuleType("sensor_msgs"),
        "sensor_msgs.msg": SimpleNamespace(JointState=joint_state),
        "geometry_msgs": ModuleType("geometry_msgs"),
        "geometry_msgs.msg": SimpleNamespace(PoseStamped=object),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    with kit("5.1", settings=SETTINGS) as fake:
        extension = run_until_started(fake)
        for _ in range(5):
            fake.turn()
        assert len(ros.published) >= 5
        assert ros.nodes == 1
        ended(fake, extension)
        del extension
        assert ros.nodes == 0
        assert fake.leftovers() == []


def test_without_ros_the_session_runs_and_says_why_there_is_no_such_hand(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with kit("6.0", settings=SETTINGS) as fake:
        extension = run_until_started(fake)
        assert any("Humble or Jazzy" in warning for warning in extension._app.warnings)
        ended(fake, extension)
