"""Folds a URDF's tree into a chain of c-space joints; the other joints become part of the transforms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.chain import FrameOffset, SerialChain
from teletwin.robot.kinematics import axis_rotation
from teletwin.robot.urdf import MOVABLE, UrdfJoint, UrdfModel


def build_chain(
    model: UrdfModel, *, joint_names: Sequence[str] | None = None, fixed_q: Mapping[str, float] | None = None
) -> SerialChain:
    """Reduce a model to the joints of joint_names, in that order; the rest is fixed at fixed_q, else 0.

    Without joint_names every movable joint is taken, in the file's order.

    Raises:
        RobotError: A name is not that of a movable joint, or is given twice.
    """
    by_name = {joint.name: joint for joint in model.joints}
    names = tuple(joint_names) if joint_names is not None else tuple(j.name for j in model.joints if j.kind in MOVABLE)
    movable = [joint.name for joint in model.joints if joint.kind in MOVABLE]
    for name in names:
        if name not in movable or names.count(name) > 1:
            raise RobotError(f"{model.source}: not a c-space joint", given=name, allowed=", ".join(movable))
    if not names:
        raise RobotError(f"{model.source}: the robot has no movable joint", allowed=", ".join(MOVABLE))
    frames, mounts = _fold(model, names, fixed_q or {})
    joints = [by_name[name] for name in names]
    return SerialChain(
        name=model.name,
        root=model.root,
        joint_names=names,
        parents=tuple(mount.joint for mount in mounts),
        order=tuple(sorted(range(len(names)), key=lambda i: _depth(mounts, i))),
        prismatic=tuple(joint.kind == "prismatic" for joint in joints),
        translations=np.array([mount.translation for mount in mounts]),
        rotations=np.array([mount.rotation for mount in mounts]),
        axes=np.array([joint.axis for joint in joints]),
        lower=np.array([joint.lower for joint in joints]),
        upper=np.array([joint.upper for joint in joints]),
        velocity=np.array([joint.velocity for joint in joints]),
        effort=np.array([joint.effort for joint in joints]),
        frames=frames,
    )


def _depth(mounts: Sequence[FrameOffset], joint: int) -> int:
    depth = 0
    while mounts[joint].joint >= 0:
        joint, depth = mounts[joint].joint, depth + 1
    return depth


def _fold(
    model: UrdfModel, names: tuple[str, ...], fixed_q: Mapping[str, float]
) -> tuple[dict[str, FrameOffset], list[FrameOffset]]:
    """Frames of all links, and where each c-space joint is mounted, walking from the root."""
    children: dict[str, list[UrdfJoint]] = {}
    for joint in model.joints:
        children.setdefault(joint.parent, []).append(joint)
    frames = {model.root: FrameOffset(joint=-1, translation=np.zeros(3), rotation=np.eye(3))}
    mounts: dict[str, FrameOffset] = {}
    waiting = [model.root]
    while waiting:
        link = waiting.pop()
        for joint in children.get(link, []):
            mount = _attach(frames[link], joint.translation, joint.rotation)
            if joint.name in names:
                mounts[joint.name] = mount
                mount = FrameOffset(joint=names.index(joint.name), translation=np.zeros(3), rotation=np.eye(3))
            elif joint.kind != "fixed":
                mount = _attach(mount, *_displacement(joint, float(fixed_q.get(joint.name, 0.0))))
            frames[joint.child] = mount
            waiting.append(joint.child)
    return frames, [mounts[name] for name in names]


def _attach(base: FrameOffset, translation: Array, rotation: Array) -> FrameOffset:
    return FrameOffset(
        joint=base.joint,
        translation=base.translation + base.rotation @ translation,
        rotation=base.rotation @ rotation,
    )


def _displacement(joint: UrdfJoint, q: float) -> tuple[Array, Array]:
    if joint.kind == "prismatic":
        return q * joint.axis, np.eye(3)
    return np.zeros(3), axis_rotation(joint.axis, q)
