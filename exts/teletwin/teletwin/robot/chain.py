"""The moving part of a robot: its c-space joints and the frames that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameOffset:
    """A frame that is fixed to the body behind a c-space joint."""

    joint: int
    """Index of the joint that carries the frame; -1 is the root."""
    translation: Array
    """Origin (3,) [m] in the frame of that joint."""
    rotation: Array
    """Axes (3, 3) in the frame of that joint."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SerialChain:
    """A serial arm, or a tree, reduced to its c-space joints; every other joint is folded into the transforms.

    Joint i moves its frame against the frame of joint parents[i] (-1: root), where translations[i] (3,) [m]
    and rotations[i] (3, 3) place it at q_i = 0, about or along axes[i], a unit vector in its own frame.
    """

    name: str
    root: str
    joint_names: tuple[str, ...]
    parents: tuple[int, ...]
    order: tuple[int, ...]
    """The joint indices with every parent before its children."""
    prismatic: tuple[bool, ...]
    translations: Array
    rotations: Array
    axes: Array
    lower: Array
    """Smallest positions (n,) [rad or m]."""
    upper: Array
    velocity: Array
    """Largest speeds (n,) [rad/s or m/s]."""
    effort: Array
    """Largest efforts (n,) [Nm or N]."""
    frames: Mapping[str, FrameOffset]
    """Every link of the description by name."""

    @property
    def joint_count(self) -> int:
        """Number of c-space joints."""
        return len(self.joint_names)

    def frame(self, name: str) -> FrameOffset:
        """The frame of a link.

        Raises:
            RobotError: The description has no such link.
        """
        if name not in self.frames:
            raise RobotError(f"robot {self.name} has no frame of this name", given=name, allowed=", ".join(self.frames))
        return self.frames[name]

    def ancestors(self, joint: int) -> tuple[int, ...]:
        """Indices of the joints that move the frame of `joint`, itself included, root side first."""
        path: list[int] = []
        while joint >= 0:
            path.append(joint)
            joint = self.parents[joint]
        return tuple(reversed(path))

    def check_q(self, q: Array) -> Array:
        """Return q as float64 (..., n).

        Raises:
            RobotError: Its last dimension is not the number of joints.
        """
        values = np.asarray(q, dtype=np.float64)
        if values.ndim == 0 or values.shape[-1] != self.joint_count:
            raise RobotError("joint vector of the wrong size", given=values.shape, allowed=f"(..., {self.joint_count})")
        return values
