"""Robots that tests put together: the UR3e with a tool, two UR3e in one tree, a slide with a beam."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np

from teletwin.robot import JointLimits, Robot, load_ur3e
from teletwin.robot.bodies import Bodies, Capsule
from teletwin.robot.chain import FrameOffset, SerialChain


def with_gripper(robot: Robot, *, length_m: float = 0.12, radius_m: float = 0.03) -> Robot:
    """The UR3e with a capsule in front of its flange."""
    tool = Capsule(link="tool0", a=np.array([0.0, 0.0, 0.02]), b=np.array([0.0, 0.0, length_m]), radius=radius_m)
    touching = ("wrist_1_link", "wrist_2_link", "wrist_3_link")
    return replace(robot, bodies=robot.bodies.with_tool([tool], name="gripper", touching=touching))


def two_arms(*, apart_m: float = 0.5) -> Robot:
    """Two UR3e on one table, the second apart_m along x of the root frame; every two of their links are kept apart."""
    one = load_ur3e()
    chain, n, aside = one.chain, one.chain.joint_count, np.array([apart_m, 0.0, 0.0])
    moved = [np.where(parent < 0, aside, 0.0) for parent in chain.parents]
    frames = {
        f"right_{name}": FrameOffset(
            joint=frame.joint + n if frame.joint >= 0 else -1,
            translation=frame.translation + (aside if frame.joint < 0 else 0.0),
            rotation=frame.rotation,
        )
        for name, frame in chain.frames.items()
    }
    both = {name: np.concatenate([getattr(chain, name)] * 2) for name in ("rotations", "axes", "lower", "upper")}
    tree = SerialChain(
        name="two arms",
        root=chain.root,
        joint_names=(*chain.joint_names, *(f"right_{name}" for name in chain.joint_names)),
        parents=(*chain.parents, *(parent + n if parent >= 0 else -1 for parent in chain.parents)),
        order=(*chain.order, *(j + n for j in chain.order)),
        prismatic=chain.prismatic * 2,
        translations=np.concatenate([chain.translations, chain.translations + np.array(moved)]),
        velocity=np.tile(chain.velocity, 2),
        effort=np.tile(chain.effort, 2),
        frames={**chain.frames, **frames},
        **both,
    )
    twice = {name: np.tile(getattr(one, name), 2) for name in ("default_q", "acceleration_limits", "jerk_limits")}
    return replace(one, chain=tree, bodies=_both(one.bodies), **twice)


def _both(bodies: Bodies) -> Bodies:
    links = list(dict.fromkeys(capsule.link for capsule in bodies.capsules))
    right = [replace(capsule, link=f"right_{capsule.link}") for capsule in bodies.capsules]
    between = [(f"right_{b}", a) for a, b in product(links, links) if {a, b} - set(bodies.mounted)]
    return Bodies(
        capsules=(*bodies.capsules, *right),
        pairs=(*bodies.pairs, *((f"right_{b}", f"right_{a}") for b, a in bodies.pairs), *between),
        names=(*bodies.names, *((f"right_{link}", f"right {bodies.name(link)}") for link in links)),
        mounted=(*bodies.mounted, *(f"right_{link}" for link in bodies.mounted)),
    )


def limits_of_two() -> JointLimits:
    """The joint limits of two UR3e."""
    one = JointLimits()
    return JointLimits(**{name: np.tile(getattr(one, name), 2) for name in one.__dataclass_fields__})


def slide_with_beam() -> tuple[Robot, JointLimits]:
    """A vertical slide that carries a beam which turns about z: two joints, one of them straight; tool at its end."""
    frames = {
        "root": FrameOffset(joint=-1, translation=np.zeros(3), rotation=np.eye(3)),
        "carriage": FrameOffset(joint=0, translation=np.zeros(3), rotation=np.eye(3)),
        "beam": FrameOffset(joint=1, translation=np.zeros(3), rotation=np.eye(3)),
        "tip": FrameOffset(joint=1, translation=np.array([0.3, 0.0, 0.0]), rotation=np.eye(3)),
    }
    chain = SerialChain(
        name="slide",
        root="root",
        joint_names=("lift", "turn"),
        parents=(-1, 0),
        order=(0, 1),
        prismatic=(True, False),
        translations=np.array([[0.0, 0.0, 0.2], [0.0, 0.0, 0.0]]),
        rotations=np.stack([np.eye(3)] * 2),
        axes=np.tile([0.0, 0.0, 1.0], (2, 1)),
        lower=np.array([-0.5, -3.0]),
        upper=np.array([0.3, 3.0]),
        velocity=np.array([0.5, 3.0]),
        effort=np.ones(2),
        frames=frames,
    )
    beam = Capsule(link="beam", a=np.zeros(3), b=np.array([0.3, 0.0, 0.0]), radius=0.04)
    limits = JointLimits(
        lower=chain.lower, upper=chain.upper, velocity=chain.velocity, acceleration=np.array([5.0, 40.0]),
        jerk=np.array([1500.0, 10_000.0]),
    )  # fmt: skip
    robot = Robot(
        chain=chain,
        tool_frame="tip",
        default_q=np.zeros(2),
        acceleration_limits=limits.acceleration,
        jerk_limits=limits.jerk,
        bodies=Bodies(capsules=(beam,), names=(("beam", "beam"),)),
    )
    return robot, limits
