"""The controllers of ros2_control that take set-points from a topic, and how each is told one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.ros2 import types


class SetPoint(Protocol):
    """Writes the message of one set-point."""

    def __call__(self, q: Array, names: tuple[str, ...]) -> Any:
        """The message for joints q [rad] (n,) of these names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A controller as seen from outside."""

    topic: str
    """Below the controller's own name."""
    type_name: str
    set_point: SetPoint
    period_ns: int
    """Set-points are sent no more often [ns]; 0 sends every one."""


_TRAJECTORY_PERIOD_NS = 8 * NS_PER_MS
_REACH_NS = 24 * NS_PER_MS
"""A trajectory of one point ends so much later: long enough that the next has come, short enough not to lag much."""


def positions(q: Array, names: tuple[str, ...]) -> Any:
    """A std_msgs/Float64MultiArray; the controller knows the order of its joints, which must be the UR's own."""
    layout = types.make("std_msgs/msg/MultiArrayLayout", dim=[], data_offset=0)
    return types.make(types.FLOAT64_MULTI_ARRAY, layout=layout, data=np.array(q, dtype=np.float64))


def trajectory(q: Array, names: tuple[str, ...]) -> Any:
    """A trajectory_msgs/JointTrajectory of one point, stamped zero, which starts it at once.

    It tells no velocities: newer controllers refuse a trajectory that ends in motion.
    """
    zero = types.make("builtin_interfaces/msg/Time", sec=0, nanosec=0)
    reach = types.make("builtin_interfaces/msg/Duration", sec=_REACH_NS // NS_PER_S, nanosec=_REACH_NS % NS_PER_S)
    nothing = np.zeros(0)
    point = types.make(
        "trajectory_msgs/msg/JointTrajectoryPoint",
        positions=np.array(q, dtype=np.float64),
        velocities=nothing,
        accelerations=nothing,
        effort=nothing,
        time_from_start=reach,
    )
    header = types.make("std_msgs/msg/Header", stamp=zero, frame_id="")
    return types.make(types.JOINT_TRAJECTORY, header=header, joint_names=list(names), points=[point])


_TRAJECTORY = Controller(
    topic="joint_trajectory",
    type_name=types.JOINT_TRAJECTORY,
    set_point=trajectory,
    period_ns=_TRAJECTORY_PERIOD_NS,
)
CONTROLLERS: Mapping[str, Controller] = {
    "forward_position_controller": Controller(
        topic="commands", type_name=types.FLOAT64_MULTI_ARRAY, set_point=positions, period_ns=0
    ),
    "scaled_joint_trajectory_controller": _TRAJECTORY,
    "joint_trajectory_controller": _TRAJECTORY,
}
"""By name."""
DEFAULT_CONTROLLER = "forward_position_controller"


def controller_of(name: str) -> Controller:
    """The controller of this name.

    Raises:
        ConfigError: There is none.
    """
    if name not in CONTROLLERS:
        raise ConfigError("unknown ROS 2 controller", given=name, allowed=", ".join(CONTROLLERS))
    return CONTROLLERS[name]
