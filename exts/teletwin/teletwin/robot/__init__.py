"""Robot descriptions, kinematics and limits; the UR3e's data. Numpy only until a compiled part is asked for."""

from __future__ import annotations

from teletwin.robot.bodies import Bodies, Capsule, load_bodies
from teletwin.robot.chain import FrameOffset, SerialChain
from teletwin.robot.description import CollisionSphere, RobotDescription, load_description
from teletwin.robot.frames import swap_base, swap_base_vector
from teletwin.robot.kinematics import forward, jacobian
from teletwin.robot.model import Robot, load_robot
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits, load_ur3e, tool_pose_in_ur_base

__all__ = [
    "Bodies",
    "Capsule",
    "CollisionSphere",
    "FrameOffset",
    "JointLimits",
    "Robot",
    "RobotDescription",
    "SerialChain",
    "WorkspaceLimits",
    "forward",
    "jacobian",
    "load_bodies",
    "load_description",
    "load_robot",
    "load_ur3e",
    "swap_base",
    "swap_base_vector",
    "tool_pose_in_ur_base",
]
