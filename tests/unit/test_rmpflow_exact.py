from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles.rmpflow import rmpflow

from teletwin.geometry import IDENTITY_POSE, compose, quat_normalize, quat_to_matrix
from teletwin.robot import CollisionSphere, Robot, forward, load_ur3e
from teletwin.robot.fold import build_chain
from teletwin.robot.urdf import parse_urdf
from teletwin.twin.rmpflow import RmpFlow, load_ur3e_rmpflow
from teletwin.twin.rmpflow.config import BodyCapsule, BodyController, VelocityCap


def random_urdf(rng, kinds, parents=None):
    """An arm, or a tree by its links' parents, of random geometry; a fixed joint stands before the tool."""
    parents = parents or range(len(kinds))
    text = ['<robot name="random"><link name="l0"/>']
    for i, kind in enumerate(kinds):
        xyz, rpy, axis = rng.uniform(-0.25, 0.25, 3), rng.uniform(-2, 2, 3), rng.normal(size=3)
        limit = "" if kind == "continuous" else '<limit lower="-2" upper="2.5" velocity="3" effort="9"/>'
        text.append(
            f'<link name="l{i + 1}"/><joint name="j{i}" type="{kind}">'
            f'<parent link="l{parents[i]}"/><child link="l{i + 1}"/>'
            f'<origin xyz="{xyz[0]} {xyz[1]} {xyz[2]}" rpy="{rpy[0]} {rpy[1]} {rpy[2]}"/>'
            f'<axis xyz="{axis[0]} {axis[1]} {axis[2]}"/>{limit}</joint>'
        )
    n = len(kinds)
    text.append(
        f'<link name="tool"/><joint name="end" type="fixed"><parent link="l{n}"/><child link="tool"/>'
        '<origin xyz="0.05 -0.03 0.1" rpy="0.3 0.2 -0.4"/></joint></robot>'
    )
    return "".join(text)


def random_arm(seed, kinds, parents=None):
    rng = np.random.default_rng(seed)
    model = parse_urdf(random_urdf(rng, kinds, parents))
    names = [f"j{i}" for i in rng.permutation(len(kinds))]  # the c-space order need not be the chain's
    chain = build_chain(model, joint_names=names)
    spheres = tuple(
        CollisionSphere(link=f"l{i}", center=rng.uniform(-0.05, 0.05, 3), radius=0.03) for i in range(len(kinds) + 1)
    )
    n = len(kinds)
    limits = np.full(n, 40.0)
    robot = Robot(
        chain=chain,
        tool_frame="tool",
        default_q=rng.uniform(-0.5, 0.5, n),
        acceleration_limits=limits,
        jerk_limits=limits,
        spheres=spheres,
    )
    cap = load_ur3e_rmpflow().velocity_cap
    config = dataclasses.replace(
        load_ur3e_rmpflow(),
        joint_limit_buffers=np.full(n, 0.02),
        velocity_caps={"j1": VelocityCap(**{**vars(cap), "max_velocity": 1.5})},
        body_capsules=(
            BodyCapsule(link="l0", point1=np.zeros(3), point2=np.array([0, 0, 0.2]), radius=0.03),
            BodyCapsule(link="l1", point1=np.array([0.1, 0, 0]), point2=np.array([0, 0.1, 0.2]), radius=0.02),
        ),
        body_controllers=(BodyController(frame=f"l{n}", radius=0.02), BodyController(frame="tool", radius=0.03)),
    )
    return robot, config


ARMS = {
    "ur3e": lambda: (load_ur3e(), load_ur3e_rmpflow()),
    "four joints": lambda: random_arm(4, ["revolute", "prismatic", "revolute", "continuous"]),
    "tree": lambda: random_arm(5, ["revolute", "revolute", "prismatic", "revolute", "revolute"], [0, 1, 1, 2, 3]),
    "seven joints": lambda: random_arm(7, ["revolute", "revolute", "prismatic", *["revolute"] * 4]),
}


def add_obstacles(flow, rng, count=1):
    """Random obstacles in the flow; returns them as the oracle knows them (the world is the root)."""
    known = []
    for _ in range(count):
        center, radius = rng.uniform(-0.5, 0.5, 3), rng.uniform(0.02, 0.2)
        flow.obstacles.add_sphere(center, radius)
        known.append({"kind": "sphere", "center": center, "radius": radius})
        center, turn, size = rng.uniform(-0.5, 0.5, 3), quat_normalize(rng.normal(size=4)), rng.uniform(0.1, 0.4, 3)
        flow.obstacles.add_box(np.concatenate([center, turn]), size)
        known.append({"kind": "box", "center": center, "rotation": quat_to_matrix(turn), "size": size})
        point, normal = np.array([0, 0, -0.3]), rng.normal(size=3)
        flow.obstacles.add_plane(point, normal)
        known.append({"kind": "plane", "point": point, "normal": normal})
    return known


def random_state(robot, rng):
    q = np.clip(robot.default_q + rng.uniform(-1, 1, robot.chain.joint_count), robot.chain.lower, robot.chain.upper)
    return q, rng.normal(size=len(q)) * rng.choice([0.0, 0.1, 1.0])


def random_goal(robot, rng, q, reach):
    offset = np.concatenate([rng.normal(size=3) * reach, quat_normalize([1, *(rng.normal(size=3) * 2 * reach)])])
    return compose(forward(robot.chain, q, robot.tool_frame), offset)


def relative(value, expected):
    return np.linalg.norm(value - expected) / np.linalg.norm(expected)


def compare(flow, robot, config, rng, *, tolerance, trials, obstacles, goal_reach=(0.0, 0.01, 0.05, 0.3)):
    projected = 0
    for trial in range(trials):
        q, qd = random_state(robot, rng)
        goal, kind = {}, trial % 4
        if kind == 0:
            flow.clear_target()
        else:
            pose = random_goal(robot, rng, q, rng.choice(goal_reach))
            velocity, turning = rng.normal(size=(2, 3)) * 0.2
            flow.set_target(
                pose, position=kind != 1, orientation=kind != 2, velocity=velocity, angular_velocity=turning
            )
            goal = {
                "position": pose[:3] if kind != 1 else None,
                "rotation": quat_to_matrix(pose[3:]) if kind != 2 else None,
                "velocity": velocity,
                "angular_velocity": turning,
            }
        a, f, M = rmpflow(robot, config, q, qd, goals={robot.tool_frame: goal}, obstacles=obstacles)
        force, metric = flow.force_and_metric(q, qd)
        assert relative(metric, M) < tolerance, f"metric, trial {trial}"
        assert relative(force, f) < tolerance, f"force, trial {trial}"
        assert relative(flow.evaluate(q, qd), a) < tolerance, f"acceleration, trial {trial}"
        projected += np.linalg.norm(a) > config.resolve.max_acceleration_norm - 0.02
    return projected


@pytest.mark.parametrize("arm", ARMS)
def test_float64_agrees_with_the_formulas_to_1e_9(arm):
    robot, config = ARMS[arm]()
    rng = np.random.default_rng(11)
    flow = RmpFlow(robot, config)
    projected = compare(flow, robot, config, rng, tolerance=1e-9, trials=32, obstacles=())
    assert 3 < projected < 29  # both sides of the bound were seen


@pytest.mark.parametrize("arm", ARMS)
def test_float64_agrees_with_the_formulas_among_obstacles(arm):
    robot, config = ARMS[arm]()
    rng = np.random.default_rng(12)
    flow = RmpFlow(robot, config)
    obstacles = add_obstacles(flow, rng)
    compare(flow, robot, config, rng, tolerance=1e-9, trials=4, obstacles=obstacles)


@pytest.mark.parametrize("arm", ["ur3e", "seven joints"])
def test_float32_agrees_with_the_formulas_to_1e_4(arm):
    robot, config = ARMS[arm]()
    # The bisection ends anywhere within its tolerance; here it is tight, so that the two ends can be compared.
    config = dataclasses.replace(config, resolve=dataclasses.replace(config.resolve, projection_tolerance=1e-3))
    flow = RmpFlow(robot, config, dtype="float32")
    compare(flow, robot, config, np.random.default_rng(13), tolerance=1e-4, trials=40, obstacles=())


def test_outside_the_joint_range_and_above_the_speed_limit_it_still_agrees():
    robot, config = ARMS["ur3e"]()
    flow = RmpFlow(robot, config)
    q = np.array([0.1, -1.0, 3.2, 6.3, 0.5, -6.4])
    qd = np.array([2.5, -2.0, 1.9, 0.3, -3.0, 2.1])
    a, f, M = rmpflow(robot, config, q, qd)
    force, metric = flow.force_and_metric(q, qd)
    assert relative(metric, M) < 1e-9
    assert relative(force, f) < 1e-9
    assert relative(flow.evaluate(q, qd), a) < 1e-8


def test_two_controlled_frames_each_pull_to_their_target():
    robot, config = ARMS["seven joints"]()
    rng = np.random.default_rng(3)
    flow = RmpFlow(robot, config, frames=["tool", "l4"])
    q, qd = random_state(robot, rng)
    first, second = random_goal(robot, rng, q, 0.1), forward(robot.chain, q, "l4") + 0.02
    flow.set_target(first)
    flow.set_target(second, frame=1, orientation=False)
    goals = {
        "tool": {"position": first[:3], "rotation": quat_to_matrix(first[3:])},
        "l4": {"position": second[:3]},
    }
    a, f, M = rmpflow(robot, config, q, qd, goals=goals)
    force, metric = flow.force_and_metric(q, qd)
    assert relative(metric, M) < 1e-9
    assert relative(force, f) < 1e-9
    assert relative(flow.evaluate(q, qd), a) < 1e-9


def test_a_world_frame_moves_targets_and_obstacles_together():
    robot, config = ARMS["ur3e"]()
    rng = np.random.default_rng(5)
    world = np.concatenate([rng.normal(size=3), quat_normalize(rng.normal(size=4))])
    q, qd = random_state(robot, rng)
    goal, box = random_goal(robot, rng, q, 0.1), np.array([0.3, 0.1, 0.2, 1, 0, 0, 0])
    answers = []
    for frame in (IDENTITY_POSE, world):
        flow = RmpFlow(robot, config, world_in_root=frame)
        seen = np.concatenate([-quat_to_matrix(frame[3:]).T @ frame[:3], frame[3:] * [1, -1, -1, -1]])
        flow.set_target(compose(seen, goal), velocity=quat_to_matrix(frame[3:]).T @ np.array([0.1, 0.2, 0.3]))
        flow.obstacles.add_box(compose(seen, box), [0.1, 0.2, 0.3])
        answers.append(flow.evaluate(q, qd))
    assert relative(answers[1], answers[0]) < 1e-9


@pytest.mark.parametrize("reach", [0.001, 0.3])
def test_a_metric_without_full_rank_is_resolved_by_its_pseudo_inverse(reach):
    robot, config = ARMS["seven joints"]()
    config = dataclasses.replace(
        config,
        cspace_target=dataclasses.replace(config.cspace_target, metric_scalar=0, inertia=0),
        joint_limit=dataclasses.replace(config.joint_limit, metric_scalar=0),
        body_controllers=(),
    )
    flow = RmpFlow(robot, config)
    q = robot.default_q
    pose = random_goal(robot, np.random.default_rng(8), q, reach)
    flow.set_target(pose, orientation=False)
    a, _, M = rmpflow(robot, config, q, 0 * q, goals={"tool": {"position": pose[:3]}})
    assert np.linalg.matrix_rank(M) == 3
    assert relative(flow.evaluate(q, 0 * q), a) < 1e-9


def test_threads_change_no_bit():
    robot, config = ARMS["ur3e"]()
    rng = np.random.default_rng(9)
    q, qd = rng.uniform(-1, 1, (600, 6)), rng.normal(size=(600, 6))
    ends = [RmpFlow(robot, config, batch=600, threads=threads).step(q, qd, 0.004) for threads in (1, 2)]
    np.testing.assert_array_equal(ends[0], ends[1])
