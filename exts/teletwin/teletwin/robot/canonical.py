"""The chain in the form that compiled kinematics want: parents first, every joint about or along its own z axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.chain import FrameOffset, SerialChain

MAX_JOINTS = 31
"""Ancestors are kept as bits of a signed 32-bit integer."""

Indices = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class CanonicalChain:
    """Chain with joints renumbered so that parents come first and turned so that each moves about its z axis."""

    order: Indices
    """(n,) c-space index of each renumbered joint."""
    parents: Indices
    """(n,) renumbered parent, -1 for the root."""
    masks: Indices
    """(n,) bit k is set when renumbered joint k moves this joint's frame."""
    prismatic: Indices
    translations: Array
    rotations: Array
    _numbers: tuple[int, ...]
    _turns: Array

    def place(self, frame: FrameOffset) -> tuple[int, Array, Array]:
        """Renumbered joint, translation (3,) [m] and rotation (3, 3) of a frame of the original chain."""
        if frame.joint < 0:
            return -1, frame.translation, frame.rotation
        turn = self._turns[frame.joint]
        return self._numbers[frame.joint], turn.T @ frame.translation, turn.T @ frame.rotation


def _turn_to(axis: Array) -> Array:
    """A rotation (3, 3) that carries z to the unit vector axis (3,)."""
    if axis[2] > 1.0 - 1e-15:
        return np.eye(3)
    helper = np.eye(3)[int(np.argmin(np.abs(axis)))]
    x = np.cross(helper, axis)
    x /= np.linalg.norm(x)
    return np.column_stack([x, np.cross(axis, x), axis])


def canonical(chain: SerialChain) -> CanonicalChain:
    """Renumber and turn the joints of a chain.

    Raises:
        RobotError: It has more joints than the compiled kinematics take.
    """
    if chain.joint_count > MAX_JOINTS:
        raise RobotError("too many joints", given=chain.joint_count, allowed=f"at most {MAX_JOINTS}")
    number = {joint: k for k, joint in enumerate(chain.order)}
    turns = np.array([_turn_to(axis) for axis in chain.axes])
    translations, rotations = [], []
    for joint in chain.order:
        parent = chain.parents[joint]
        base = turns[parent].T if parent >= 0 else np.eye(3)
        translations.append(base @ chain.translations[joint])
        rotations.append(base @ chain.rotations[joint] @ turns[joint])
    return CanonicalChain(
        order=np.array(chain.order, dtype=np.int32),
        parents=np.array([number.get(chain.parents[joint], -1) for joint in chain.order], dtype=np.int32),
        masks=np.array([sum(1 << number[k] for k in chain.ancestors(joint)) for joint in chain.order], dtype=np.int32),
        prismatic=np.array([chain.prismatic[joint] for joint in chain.order], dtype=np.int32),
        translations=np.array(translations),
        rotations=np.array(rotations),
        _numbers=tuple(number[joint] for joint in range(chain.joint_count)),
        _turns=turns,
    )
