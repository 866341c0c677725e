"""The UR3e: its chain, names, home pose and the limits that stand last before the arm."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from teletwin.assets import asset_path
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.frames import swap_base
from teletwin.robot.kinematics import forward
from teletwin.robot.model import Robot, load_robot

JOINT_NAMES = (
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
)
TOOL_FRAME = "tool0"
SHOULDER_HEIGHT_M = 0.15185
"""The shoulder's centre is (0, 0, this) in the UR base."""


def _constant(*values: float) -> Array:
    array = np.array(values)
    array.setflags(write=False)
    return array


HOME_Q: Array = _constant(0.0, -1.2, 1.4, -1.77, -1.57, 0.0)
"""Posture from which a session starts: tool near (-0.382, -0.131, 0.244) m in the UR base, clear of the table."""

_RANGE = np.array([2.0, 2.0, 1.0, 2.0, 2.0, 2.0]) * np.pi
_SPEED = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0]) * np.pi


@dataclass(frozen=True, kw_only=True, eq=False)
class JointLimits:
    """Hard limits of joint motion, each (6,); the defaults are the UR3e's, the range less 0.01 rad."""

    lower: Array = field(default_factory=lambda: -_RANGE + 0.01)
    """[rad]."""
    upper: Array = field(default_factory=lambda: _RANGE - 0.01)
    """[rad]."""
    velocity: Array = field(default_factory=_SPEED.copy)
    """[rad/s]."""
    acceleration: Array = field(default_factory=lambda: np.full(6, 40.0))
    """[rad/s^2]."""
    jerk: Array = field(default_factory=lambda: np.full(6, 10_000.0))
    """[rad/s^3]."""

    def __post_init__(self) -> None:
        shapes = {np.shape(v) for v in (self.lower, self.upper, self.velocity, self.acceleration, self.jerk)}
        if len(shapes) != 1:
            raise ConfigError("joint limits of different sizes", given=sorted(shapes), allowed="one size")
        if not np.all(self.lower < self.upper):
            raise ConfigError("an empty joint range", given=f"{self.lower} ... {self.upper}", allowed="lower < upper")
        if not all(np.all(each > 0.0) for each in (self.velocity, self.acceleration, self.jerk)):
            raise ConfigError("a limit of motion is not positive", allowed="velocity, acceleration and jerk > 0")


@dataclass(frozen=True, kw_only=True)
class WorkspaceLimits:
    """Where the tool may be: a ball about the shoulder, above the table; UR base frame."""

    radius_m: float = 0.48
    """Largest distance of the tool from the shoulder's centre."""
    height_min_m: float = 0.02
    """Smallest height of the tool; the table's surface is at 0."""
    shoulder: tuple[float, float, float] = (0.0, 0.0, SHOULDER_HEIGHT_M)

    def __post_init__(self) -> None:
        if not self.radius_m > 0.0:
            raise ConfigError("the workspace has no size", given=self.radius_m, allowed="radius_m > 0")
        if not self.height_min_m < self.shoulder[2] + self.radius_m:
            raise ConfigError("the workspace is empty", given=self.height_min_m, allowed="below its highest point")

    def contains(self, position: Array, *, margin_m: float = 0.0) -> bool:
        """Tell whether a tool position (3,) [m] lies inside, by at least margin_m [m]."""
        x, y, z = float(position[0]), float(position[1]), float(position[2])
        dx, dy, dz = x - self.shoulder[0], y - self.shoulder[1], z - self.shoulder[2]
        reach = self.radius_m - margin_m
        return z >= self.height_min_m + margin_m and reach > 0.0 and dx * dx + dy * dy + dz * dz <= reach * reach


@cache
def load_ur3e() -> Robot:
    """The UR3e with tool0 as its controlled frame (the DH frame 6, the controller's flange); loaded once."""
    return load_robot(
        urdf=asset_path("robots", "ur3e", "ur3e.urdf"),
        description=asset_path("robots", "ur3e", "ur3e_robot_description.yaml"),
        tool_frame=TOOL_FRAME,
        bodies=asset_path("robots", "ur3e", "ur3e_bodies.yaml"),
    )


def tool_pose_in_ur_base(q: Array) -> Array:
    """Tool poses (..., 7) of the UR3e at joint positions q (..., 6) [rad], in the UR controller's base frame."""
    return swap_base(forward(load_ur3e().chain, q, TOOL_FRAME))
