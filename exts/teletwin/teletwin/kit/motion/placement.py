"""Where the arm stands in Isaac's stage, and targets in its frame."""

from __future__ import annotations

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import IDENTITY_POSE, Array, compose, quat_normalize
from teletwin.robot.frames import swap_base
from teletwin.robot.ur3e import JOINT_NAMES
from teletwin.twin import ToolTarget


class Placement:
    """Poses from the UR base frame into the stage (wxyz on both sides, metres)."""

    def __init__(self, ur_base: Array | None = None) -> None:
        self._ur_base = None if ur_base is None else np.array(ur_base, dtype=np.float64)
        root = swap_base(IDENTITY_POSE)
        self.base_link: Array = root if self._ur_base is None else compose(self._ur_base, root)
        """Pose (7,) of the URDF's base_link in the stage: the UR base turned by 180 degrees about z."""

    def in_stage(self, pose: Array) -> Array:
        """A tool pose (7,) of the UR base frame in the stage, its quaternion of length one; a new array."""
        out = np.array(pose, dtype=np.float64) if self._ur_base is None else compose(self._ur_base, pose)
        out[3:] = quat_normalize(out[3:])
        return out


def is_finite(target: ToolTarget | None) -> bool:
    """Tell whether a target's pose can be followed; no target can."""
    return target is None or (bool(np.isfinite(target.pose).all()) and bool(target.pose[3:].any()))


def check_joints(names: list[str], *, source: str) -> None:
    """Refuse a description whose joints are not the UR3e's, in its order.

    Raises:
        RobotError: Joints are missing, more, or in another order.
    """
    if tuple(names) != JOINT_NAMES:
        raise RobotError(
            f"{source} does not drive a UR3e", given=", ".join(names) or "no joints", allowed=", ".join(JOINT_NAMES)
        )
