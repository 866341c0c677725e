"""The UR3e's joint drives: one source for the embedded simulator, the USD, the arms in Isaac Sim and in Isaac Lab."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from xml.etree import ElementTree

from teletwin.assets import asset_path
from teletwin.errors import RobotError
from teletwin.robot.ur3e import JOINT_NAMES

Values = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDrives:
    """A drive for each joint, in the order of `JOINT_NAMES`.

    Torque = stiffness * (target - position) + damping * (target's speed - speed), the first part within the effort.
    Gravity is no matter of the drives: a UR compensates it, so it is off for the robot's links wherever it stands.
    """

    stiffness: Values
    """[N m/rad]."""
    damping: Values
    """[N m s/rad]."""
    armature: Values
    """Inertia of motor and gear, seen at the joint [kg m^2]."""
    effort: Values
    """Largest torque of the position drive, either way [N m]."""


@cache
def load_drives() -> JointDrives:
    """The drives as `assets/robots/ur3e/ur3e.xml` has them, where MuJoCo reads them; loaded once.

    Raises:
        RobotError: A joint has no such drive.
    """
    path = asset_path("robots", "ur3e", "ur3e.xml")
    root = ElementTree.parse(path).getroot()

    def values(pattern: str, attribute: str) -> Values:
        found = [root.find(pattern.format(name.removesuffix("_joint"))) for name in JOINT_NAMES]
        words = [element.get(attribute, "") if element is not None else "" for element in found]
        if not all(words):
            raise RobotError(
                "a joint of the UR3e has no drive", given=f"{path}: {words}", allowed=f"six of {attribute}"
            )
        return tuple(float(word.split()[-1]) for word in words)

    return JointDrives(
        stiffness=values(".//position[@joint='{}']", "kp"),
        damping=values(".//velocity[@joint='{}']", "kv"),
        armature=values(".//joint[@name='{}']", "armature"),
        effort=values(".//position[@joint='{}']", "forcerange"),
    )
