"""ROS 2 at the edges without a ROS installation: its names, its types (by rosbags) and its QoS over DDS."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from teletwin.errors import ConfigError

HandAxes = Literal["touch", "rep103", "omni"]
HandButton = Literal["", "grey", "white"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ros2Cfg:
    """Where the ROS 2 graph is; what is not given comes from the environment variables that ROS 2 itself reads."""

    ros2_domain: int = -1
    """Domain of the ROS 2 graph, 0 ... 230; -1 takes ROS_DOMAIN_ID, or 0."""
    ros2_peers: str = ""
    """Hosts to look for without multicast, 'host' or 'host:port' with spaces between; ROS_STATIC_PEERS else."""
    ros2_interface: str = ""
    """Address of the network interface; loopback under ROS_LOCALHOST_ONLY=1, else as DDS chooses."""
    ros2_joint_prefix: str = ""
    """What the driver's tf_prefix puts before the names of joints."""
    ros2_hand_axes: HandAxes = "touch"
    """Axes of a hand's topic: 'touch' is x right, y up, z towards the person, as a haptic pen has them; 'rep103' is
    x ahead, y left, z up; 'omni' has places x right, y ahead, z up and turns as 'touch', as omni_driver tells them."""
    ros2_hand_button: HandButton = ""
    """Button of a haptic pen that must be held for the tool to follow, 'grey' or 'white' (omni_msgs/OmniButtonEvent on
    the topic 'button' beside that of the pose); empty: it follows while poses come."""

    def __post_init__(self) -> None:
        """Refuse a domain that cannot be."""
        if not -1 <= self.ros2_domain <= 230:
            raise ConfigError("ros2_domain is out of range", given=self.ros2_domain, allowed="-1 ... 230")

    def domain(self, environment: Mapping[str, str] = os.environ) -> int:
        """Number of the domain.

        Raises:
            ConfigError: ROS_DOMAIN_ID is no such number.
        """
        if self.ros2_domain >= 0:
            return self.ros2_domain
        text = environment.get("ROS_DOMAIN_ID", "") or "0"
        if not text.isdecimal() or int(text) > 230:
            raise ConfigError("ROS_DOMAIN_ID is no domain", given=text, allowed="0 ... 230")
        return int(text)

    def peers(self, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
        """Hosts to look for by unicast."""
        text = self.ros2_peers or environment.get("ROS_STATIC_PEERS", "")
        return tuple(text.replace(";", " ").replace(",", " ").split())

    def interface(self, environment: Mapping[str, str] = os.environ) -> str:
        """Address of the network interface; empty lets DDS choose."""
        only_here = environment.get("ROS_LOCALHOST_ONLY") == "1"
        return self.ros2_interface or ("127.0.0.1" if only_here else "")
