"""The device that a name stands for."""

from __future__ import annotations

from teletwin.clock import Clock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.devices import HandDevice, device_of
from teletwin.ros2 import Ros2Cfg


def check_device(hand: str) -> bool:
    """Whether the hand is a device; what its name carries is read, the device is not asked.

    Raises:
        ConfigError: What stands behind the colon cannot be used.
    """
    found = device_of(hand)
    if found is None:
        return False
    name, rest = found
    if name == "leader":
        from teletwin.hand.devices.leader_file import read_leader_file

        read_leader_file(rest)
    elif name == "ros2":
        from teletwin.ros2.names import dds_topic

        dds_topic(rest)
    return True


def build_device(hand: str, *, clock: Clock, ros2: Ros2Cfg, hand_to_base: Array) -> HandDevice:
    """The device, not yet opened.

    Args:
        hand: 'spacemouse', 'gamepad', 'leader:FILE' or 'ros2:/topic'.
        clock: The operator's.
        ros2: Where the graph of a topic is.
        hand_to_base: Rotation wxyz of the hand's axes into the UR base.

    Raises:
        ConfigError: It is no device, or its file or topic cannot be used.
    """
    found = device_of(hand)
    if found is None:
        raise ConfigError("not a hand on this host", given=hand)
    name, rest = found
    if name == "spacemouse":
        from teletwin.hand.devices.spacemouse import SpaceMouse

        return SpaceMouse()
    if name == "gamepad":
        from teletwin.hand.devices.gamepad import Gamepad

        return Gamepad()
    if name == "leader":
        from teletwin.hand.devices.leader import Leader
        from teletwin.hand.devices.leader_file import read_leader_file

        return Leader(read_leader_file(rest), hand_to_base=hand_to_base)
    from teletwin.hand.devices.ros2_pose import Ros2Pose

    return Ros2Pose(rest, ros2, clock)
