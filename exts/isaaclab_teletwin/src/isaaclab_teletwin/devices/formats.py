"""What teleoperation devices hand out, as poses and back: motions of a step, or poses in either order of quaternions.

A row is [motion or pose, anything else]; what else there is (a gripper's word) is left as it is.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import IDENTITY_POSE, Array, quat_conjugate, quat_from_rotvec, quat_multiply, quat_to_rotvec


class Format(Protocol):
    """Reads one device's rows; it may remember the last pose."""

    width: int
    """Numbers of a row that are motion or pose."""

    def reset(self) -> None:
        """Forget the last pose."""
        ...

    def read(self, row: Array) -> Array:
        """Pose (7,), wxyz, of a row (width,)."""
        ...

    def write(self, pose: Array) -> Array:
        """Row (width,) of a pose (7,), wxyz."""
        ...

    def nothing(self, row: Array) -> Array:
        """Row (width,) to hand out while nothing has arrived; row is the device's newest."""
        ...


class DeltaFormat:
    """Motions of a step, (6,): position [m], rotation vector [rad], both in the base's axes, as a keyboard gives them.

    They are added up where the hand is; what is handed out is how far the pose has gone since the last step, so the
    sums of both are the same once the hand rests.
    """

    width = 6

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Both ends are at one pose again."""
        self._sent, self._known = np.array(IDENTITY_POSE), np.array(IDENTITY_POSE)

    def read(self, row: Array) -> Array:
        """The pose after this motion."""
        self._sent = np.concatenate(
            [self._sent[:3] + row[:3], quat_multiply(quat_from_rotvec(row[3:]), self._sent[3:])]
        )
        self._sent[3:] /= np.linalg.norm(self._sent[3:])
        return self._sent

    def write(self, pose: Array) -> Array:
        """The motion from the last pose that was written to this one."""
        turn = quat_multiply(pose[3:], quat_conjugate(self._known[3:]))
        out = np.concatenate([pose[:3] - self._known[:3], quat_to_rotvec(turn)])
        self._known = np.array(pose)
        return out

    def nothing(self, row: Array) -> Array:
        """No motion."""
        return np.zeros(self.width)


class PoseFormat:
    """Poses, (7,): position [m] and quaternion, in the order "xyzw" (Isaac Lab 3) or "wxyz" (before)."""

    width = 7

    def __init__(self, order: str) -> None:
        self._to_ours = [3, 0, 1, 2] if order == "xyzw" else [0, 1, 2, 3]
        self._from_ours = [1, 2, 3, 0] if order == "xyzw" else [0, 1, 2, 3]

    def reset(self) -> None:
        """Nothing is remembered."""

    def read(self, row: Array) -> Array:
        """The pose, its quaternion of unit length."""
        quat = row[3:][self._to_ours]
        norm = float(np.linalg.norm(quat))
        return np.concatenate([row[:3], quat / norm if norm > 0.0 else quat])

    def write(self, pose: Array) -> Array:
        """The pose in the device's order."""
        return np.concatenate([pose[:3], pose[3:][self._from_ours]])

    def nothing(self, row: Array) -> Array:
        """The pose that the hand began at."""
        return row


FORMATS = ("delta", "pose-xyzw", "pose-wxyz")
"""Names of what a device hands out."""


def build_format(name: str) -> Format:
    """A format by name.

    Raises:
        ConfigError: No format has this name.
    """
    if name == "delta":
        return DeltaFormat()
    if name in FORMATS:
        return PoseFormat(name.removeprefix("pose-"))
    raise ConfigError("no format of a device has this name", given=name, allowed=", ".join(FORMATS))
