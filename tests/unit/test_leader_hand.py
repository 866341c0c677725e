"""A leader arm: its file, its servos (made ones), and the hand that they make."""

from __future__ import annotations

import json
import math
import sys
import types as python

import numpy as np
import pytest

from teletwin.errors import ConfigError, MissingPartError
from teletwin.geometry import quat_from_rotvec, quat_rotate
from teletwin.hand.devices import DeviceLostError
from teletwin.hand.devices.leader import Leader
from teletwin.hand.devices.leader_file import read_leader_file
from teletwin.hand.devices.servo_bus import SdkBus, signed
from teletwin.robot.ur3e import JOINT_NAMES, tool_pose_in_ur_base

MS = 1_000_000
NO_TURN = (1.0, 0.0, 0.0, 0.0)


def leader_file(tmp_path, **change):
    joints = {
        name: {"id": k + 1, "zero_ticks": 2000 + k, "sign": -1 if k == 1 else 1} for k, name in enumerate(JOINT_NAMES)
    }
    joints["wrist_3_joint"] = {"fixed_rad": 0.25}
    values = {
        "bus": "feetech",
        "port": "/dev/nowhere",
        "joints": joints,
        "clutch": {"id": 9, "closed_below_ticks": 1500},
    }
    path = tmp_path / "leader.json"
    path.write_text(json.dumps(values | change))
    return path


class Bus:
    def __init__(self):
        self.at = {k + 1: 2000 + k for k in range(5)} | {9: 1000}

    def open(self):
        pass

    def close(self):
        pass

    def ticks(self):
        return None if self.at is None else dict(self.at)


def test_a_leaders_angles_are_the_ur3es_and_its_tool_the_hand(tmp_path):
    bus, frame = Bus(), quat_from_rotvec([0.3, -0.2, 1.0])
    leader = Leader(read_leader_file(leader_file(tmp_path)), hand_to_base=frame, bus=bus)
    leader.open()
    first = leader.read(8 * MS)
    bus.at |= {2: 2001 + 20, 3: 2002 + 30}
    second = leader.read(16 * MS)
    tick = 2.0 * math.pi / 4096
    before, after = np.array([0, 0, 0, 0, 0, 0.25]), np.array([0, -20 * tick, 30 * tick, 0, 0, 0.25])
    moved = quat_rotate(frame, second.pose[:3] - first.pose[:3])
    expected = tool_pose_in_ur_base(after)[:3] - tool_pose_in_ur_base(before)[:3]
    np.testing.assert_allclose(moved, expected, atol=1e-12)
    assert first.closed
    bus.at[9] = 1600
    assert not leader.read(24 * MS).closed


def test_a_leaders_noise_is_no_motion_and_a_misread_joint_none_either(tmp_path):
    bus = Bus()
    leader = Leader(read_leader_file(leader_file(tmp_path)), hand_to_base=np.array(NO_TURN), bus=bus)
    still = leader.read(8 * MS)
    bus.at[1] += 1
    np.testing.assert_array_equal(leader.read(16 * MS).pose, still.pose)
    bus.at[1] += 900
    assert leader.read(24 * MS) is None
    bus.at[1] -= 900
    np.testing.assert_allclose(leader.read(32 * MS).pose, still.pose, atol=2e-3)
    assert leader.misread_count == 1


def test_a_leader_that_does_not_answer_for_long_is_lost(tmp_path):
    bus = Bus()
    leader = Leader(read_leader_file(leader_file(tmp_path)), hand_to_base=np.array(NO_TURN), bus=bus)
    leader.read(8 * MS)
    bus.at = None
    assert leader.read(16 * MS) is None
    with pytest.raises(DeviceLostError, match="does not answer"):
        leader.read(300 * MS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bus": "usb"}, "bus is unknown; given: usb; allowed: feetech, dynamixel"),
        ({"joints": {"elbow_joint": {"id": 1}}}, "joints are not the UR3e's"),
        ({"joints": {name: {"id": 1} for name in JOINT_NAMES}}, "stand twice"),
        ({"joints": {name: {"id": k, "sign": 0} for k, name in enumerate(JOINT_NAMES)}}, r"pan_joint\.sign is no sign"),
        ({"joints": {name: {"fixed_rad": 99} for name in JOINT_NAMES}}, "fixed_rad is out of range"),
        ({"joints": {name: {} for name in JOINT_NAMES}}, r"shoulder_pan_joint\.id is out of range; allowed: 0"),
        ({"baud_rate": "fast"}, "baud_rate is out of range"),
        ({"clutch": {"id": 300}}, "clutch"),
        ({"clutch": 3}, "clutch"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused_where_it_is_wrong(tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        read_leader_file(leader_file(tmp_path, **change))


def test_a_calibration_that_is_no_json_is_refused(tmp_path):
    for text in ("", "[1]", "{}", "\x00"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ConfigError, match="calibration"):
            read_leader_file(tmp_path / "x.json")


class Sdk(python.ModuleType):
    """Either maker's library, as far as it is used: their common shape."""

    def __init__(self, values):
        super().__init__("sdk")
        self.values, self.answer, self.asked = values, 0, []
        self.PortHandler = lambda where: python.SimpleNamespace(
            openPort=lambda: where != "closed", setBaudRate=lambda rate: True, closePort=lambda: None
        )
        self.PacketHandler = lambda protocol: protocol
        self.GroupSyncRead = self.reader

    def reader(self, port, packets, address, length):
        self.asked.append((packets, address, length))
        return python.SimpleNamespace(
            addParam=lambda each: True,
            txRxPacket=lambda: self.answer,
            getData=lambda each, address, length: self.values[each],
        )


@pytest.mark.parametrize(
    ("maker", "module", "raw", "asked"),
    [("feetech", "scservo_sdk", 0x8005, (0, 56, 2)), ("dynamixel", "dynamixel_sdk", 2**32 - 5, (2.0, 132, 4))],
)
def test_both_makers_servos_are_read_with_their_signs(monkeypatch, maker, module, raw, asked):
    sdk = Sdk({1: 2048, 2: raw})
    monkeypatch.setitem(sys.modules, module, sdk)
    bus = SdkBus(maker, "/dev/made", 1_000_000, (1, 2))
    bus.open()
    assert bus.ticks() == {1: 2048, 2: -5}
    assert sdk.asked == [asked]
    sdk.answer = -3001
    assert bus.ticks() is None
    bus.close()
    with pytest.raises(DeviceLostError, match="no leader arm is found; given: closed"):
        SdkBus(maker, "closed", 1_000_000, (1,)).open()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPartError, match=r"teletwin\[hands\]"):
        bus.open()
    assert signed(0x7FFF, byte_count=2, sign_bit=15) == 0x7FFF
