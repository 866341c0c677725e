from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from oracles.rmpflow import rmpflow
from oracles.rmpflow_borders import acceleration_within
from test_rmpflow_exact import random_arm

from teletwin.geometry import compose, quat_to_matrix
from teletwin.robot import JointLimits, WorkspaceLimits, forward, load_ur3e, tool_pose_in_ur_base
from teletwin.robot.bodies import Bodies, Capsule
from teletwin.robot.obstacles import Box
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import MotionLimits
from teletwin.twin import ToolTarget
from teletwin.twin.limits import CommandLimiter
from teletwin.twin.limits.scene import Margins
from teletwin.twin.rmpflow import RmpFlow, RmpFlowPolicy, load_ur3e_rmpflow
from teletwin.twin.rmpflow.borders import keep_clear, without_cap

DT_S = 0.002


def other_arm():
    """Four joints, one of them sliding, in another order than the chain's, with bodies on three links."""
    robot, config = random_arm(4, ["revolute", "prismatic", "revolute", "continuous"])
    rng = np.random.default_rng(3)
    capsules = tuple(
        Capsule(link=f"l{k}", a=rng.uniform(-0.1, 0.1, 3), b=rng.uniform(-0.1, 0.1, 3), radius=0.03) for k in (0, 2, 4)
    )
    bodies = Bodies(capsules=capsules, pairs=(("l2", "l0"), ("l4", "l0"), ("l4", "l2")))
    lower, upper = np.full(4, -2.0), np.full(4, 2.0)
    joints = JointLimits(lower=lower, upper=upper, velocity=upper, acceleration=20 * upper, jerk=5000 * upper)
    robot = dataclasses.replace(robot, bodies=bodies)
    return robot, dataclasses.replace(config, velocity_caps={}), joints, WorkspaceLimits(radius_m=1.2)


ARMS = {"ur3e": lambda: (load_ur3e(), load_ur3e_rmpflow(), JointLimits(), WorkspaceLimits()), "four joints": other_arm}


@pytest.mark.parametrize("arm", ARMS)
def test_the_acceleration_is_the_closest_that_keeps_every_border(arm):
    robot, config, joints, workspace = ARMS[arm]()
    clear = keep_clear(robot, joints=joints, workspace=workspace)
    flow, rng, bent, seen = RmpFlow(robot, config, clear_of=clear), np.random.default_rng(2), 0, 0
    limiter = CommandLimiter(robot=robot, joints=joints, workspace=workspace)
    while seen < 40:
        q = robot.default_q + rng.uniform(-1, 1, len(robot.default_q)) * rng.choice([0.3, 1.5])
        limiter.reset(q)
        limiter.limit(q, DT_S)
        if limiter.smallest_clearance_m < 0.002:
            continue  # behind several borders at once no answer is right
        seen += 1
        qd = rng.normal(size=len(q)) * rng.choice([0.1, 0.7, 2.5])
        goal = compose(forward(robot.chain, q, robot.tool_frame), [*rng.normal(size=3) * 0.1, 1, 0, 0, 0])
        flow.set_target(goal)
        goals = {robot.tool_frame: {"position": goal[:3], "rotation": quat_to_matrix(goal[3:])}}
        plain, f, M = rmpflow(robot, without_cap(config), q, qd, goals=goals)
        expected = acceleration_within(robot, clear, Margins(), workspace, q, qd, M, f, config.resolve)
        got = flow.evaluate(q, qd)
        np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-2)
        bent += np.linalg.norm(got - plain) > 1.0
    assert bent > 3  # borders acted


def test_far_from_every_border_it_is_nvidias():
    robot, config = load_ur3e(), load_ur3e_rmpflow()
    stock, clear = RmpFlow(robot, config), RmpFlow(robot, config, clear_of=keep_clear(robot))
    for flow in (stock, clear):
        flow.set_target(forward(robot.chain, HOME_Q + 0.02, "tool0"))
    qd = np.full(6, 0.05)
    np.testing.assert_allclose(clear.evaluate(HOME_Q, qd), stock.evaluate(HOME_Q, qd), rtol=1e-12)


def test_a_batch_keeps_clear_like_its_arms_one_by_one():
    rng = np.random.default_rng(4)
    robot, config = load_ur3e(), load_ur3e_rmpflow()
    q, qd = HOME_Q + rng.uniform(-1, 1, (6, 6)), rng.normal(size=(6, 6)) * 0.3
    goals = forward(robot.chain, q + rng.uniform(-0.6, 0.6, (6, 6)), "tool0")
    together = RmpFlow(robot, config, batch=6, clear_of=keep_clear(robot))
    together.set_target(goals)
    together.q.write(q)
    together.qd.write(qd)
    for _ in range(200):
        together.advance(DT_S)
    for k in range(6):
        alone = RmpFlow(robot, config, clear_of=keep_clear(robot))
        alone.set_target(goals[k])
        alone.q.write(q[k])
        alone.qd.write(qd[k])
        for _ in range(200):
            alone.advance(DT_S)
        np.testing.assert_array_equal(alone.q.host[0], together.q.host[k])


def pull(policy, position, *, seconds=3.0):
    """Tool positions (k, 3) while the hand stands at a position, and joint speeds (k, 6)."""
    pose = np.concatenate([position, tool_pose_in_ur_base(HOME_Q)[3:]])
    target = ToolTarget(pose=pose, velocity=np.zeros(3), angular_velocity=np.zeros(3))
    steps = [policy.step(target, DT_S) for _ in range(round(seconds / DT_S))]
    return tool_pose_in_ur_base(np.array([q for q, _ in steps]))[:, :3], np.array([qd for _, qd in steps])


def test_a_sessions_tighter_limits_are_kept_from_the_next_step_on():
    policy = RmpFlowPolicy()
    policy.reset(HOME_Q)
    policy.limit_to(MotionLimits(workspace_height_m=0.2, max_speed_rad_s=0.4))
    places, speeds = pull(policy, [-0.38, -0.13, 0.0])
    assert 0.2 < places[:, 2].min() < 0.21
    assert np.abs(speeds).max() < 0.42
    assert policy.held_by == "workspace height"


def test_what_stands_around_the_arm_is_kept_clear_of():
    box = Box(name="shelf", center=np.array([-0.38, -0.13, 0.1]), rotation=np.eye(3), half_size=np.full(3, 0.05))
    bare, policy = RmpFlowPolicy(), RmpFlowPolicy(obstacles=[box])
    for each in (bare, policy):
        each.reset(HOME_Q)
    assert pull(bare, [-0.38, -0.13, 0.13])[0][-1, 2] < 0.14
    assert pull(policy, [-0.38, -0.13, 0.13])[0][-1, 2] > 0.15
    assert policy.held_by.endswith("to shelf")
