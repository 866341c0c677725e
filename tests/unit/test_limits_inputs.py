"""What the limits are told of: obstacles, a tool, other joints, a second arm."""

from __future__ import annotations

import numpy as np
import pytest
from made_robots import limits_of_two, slide_with_beam, two_arms, with_gripper
from oracles.limits import Oracle

from teletwin.robot import WorkspaceLimits, load_ur3e, tool_pose_in_ur_base
from teletwin.robot.obstacles import Box, Plane, Rod
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin.limits import CommandLimiter

DT_S = 0.002
ASIDE = tool_pose_in_ur_base(HOME_Q + np.array([0.9, 0.0, 0.0, 0.0, 0.0, 0.0]))[:3]
"""Where the tool comes when the arm pans by 0.9 rad."""
TURNED = np.linalg.qr(np.array([[1.0, 0.3, 0.1], [0.2, 1.0, -0.4], [0.0, 0.5, 1.0]]))[0]
OBSTACLES = [
    Box(name="crate", center=ASIDE, rotation=TURNED, half_size=np.array([0.05, 0.08, 0.12])),
    Rod(name="post", a=ASIDE * [1.0, 1.0, 0.0], b=ASIDE + np.array([0.0, 0.0, 0.1]), radius=0.03),
    Rod(name="ball", a=ASIDE, b=ASIDE, radius=0.06),
    Plane(name="wall", normal=-ASIDE / np.linalg.norm(ASIDE), offset=-float(np.linalg.norm(ASIDE))),
]


def swept(limiter, q0, asked, ticks=600):
    """Commands (ticks, n) on the way from q0 to what is asked for, and the last one's reason."""
    limiter.reset(q0)
    commands = [limiter.limit(q0 + min(1.0, 2.0 * k / ticks) * (asked - q0), DT_S) for k in range(ticks)]
    return np.array([command.q for command in commands]), commands[-1].reason


def fine(qs, steps=4):
    return np.concatenate([qs[:-1] + share * np.diff(qs, axis=0) for share in np.arange(steps) / steps])


@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda obstacle: obstacle.name)
def test_the_arm_stops_close_to_an_obstacle_and_names_it(obstacle):
    oracle = Oracle(load_ur3e(), obstacles=[obstacle])
    asked = HOME_Q + np.array([0.9 if obstacle.name != "wall" else 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    if obstacle.name == "wall":
        asked = asked + np.array([0.9, 0.3, -0.5, 0.0, 0.0, 0.0])
    qs, reason = swept(CommandLimiter(obstacles=[obstacle]), HOME_Q, asked)
    assert oracle.least(fine(qs))[0] >= 0.0
    assert obstacle.name in reason
    near = min(float(v[-1]) for name, v in oracle.clearances(qs[-1:]).items() if name.endswith(obstacle.name))
    assert near < 0.03
    free, _ = swept(CommandLimiter(), HOME_Q, asked)
    assert oracle.least(free)[0] < 0.0  # without it the arm would have been there


@pytest.mark.parametrize("seed", range(4))
def test_among_many_obstacles_no_body_ever_touches_one(seed):
    rng = np.random.default_rng(seed)
    limiter, oracle = CommandLimiter(obstacles=OBSTACLES), Oracle(load_ur3e(), obstacles=OBSTACLES)
    limiter.reset(HOME_Q)
    qs, target = [], HOME_Q
    for k in range(1500):
        if k % 75 == 0:
            target = HOME_Q + rng.normal(size=6) * np.array([0.8, 0.4, 0.5, 1.0, 1.0, 1.0])
        qs.append((limiter.hold(DT_S) if rng.random() < 0.01 else limiter.limit(target, DT_S)).q)
    least, what = oracle.least(fine(np.array(qs)))
    assert least >= 0.0, what


def test_a_tool_is_kept_clear_as_any_body():
    robot = with_gripper(load_ur3e())
    down = HOME_Q + np.array([0.0, 0.6, 0.1, -0.4, 0.0, 0.0])
    qs, reason = swept(CommandLimiter(robot=robot), HOME_Q, down)
    assert Oracle(robot).least(fine(qs))[0] >= 0.0
    assert reason == "gripper to table"
    bare, _ = swept(CommandLimiter(), HOME_Q, down)
    assert Oracle(robot).least(bare)[0] < 0.0


def test_a_slide_and_a_turning_joint_are_limited_as_any_chain():
    robot, joints = slide_with_beam()
    oracle = Oracle(robot)
    limiter = CommandLimiter(robot=robot, joints=joints)
    qs, reason = swept(limiter, np.zeros(2), np.array([-0.4, 2.0]), ticks=1000)
    assert oracle.least(fine(qs))[0] >= 0.0
    assert reason == "beam to table"
    np.testing.assert_allclose(qs[-1, 1], 2.0, atol=1e-4)  # what is free goes on
    speeds = np.diff(qs, axis=0) / DT_S
    assert np.all(np.abs(speeds) <= joints.velocity * (1 + 1e-9))
    assert np.all(np.abs(np.diff(speeds, axis=0)) / DT_S <= joints.acceleration * (1 + 1e-6))
    assert np.all(np.abs(np.diff(speeds, n=2, axis=0)) / DT_S**2 <= joints.jerk * (1 + 1e-6))


def test_two_arms_on_one_table_keep_clear_of_each_other():
    robot, space = two_arms(apart_m=0.45), WorkspaceLimits()
    limiter, oracle = CommandLimiter(robot=robot, joints=limits_of_two(), workspace=space), Oracle(robot)
    start = np.concatenate([HOME_Q + np.array([2.0, 0, 0, 0, 0, 0]), HOME_Q + np.array([-2.0, 0, 0, 0, 0, 0])])
    assert oracle.least(start[None])[0] > 0.01
    reasons, met = set(), 0
    rng = np.random.default_rng(3)
    for _ in range(6):
        asked = start + rng.normal(size=12) * np.tile([2.0, 0.3, 0.3, 0.5, 0.5, 0.5], 2)
        qs, reason = swept(limiter, start, asked, ticks=800)
        least, what = oracle.least(fine(qs))
        assert least >= 0.0, what
        reasons.add(reason)
        ways = start + np.linspace(0, 1, 50)[:, None] * (asked - start)
        between = [
            v for name, v in oracle.clearances(ways).items() if name.startswith("right_") and name.count("right_") == 1
        ]
        met += min(float(v.min()) for v in between) < 0.0
    assert met >= 2  # the arms were in each other's way
    assert any(reason.startswith("right ") and " to right " not in reason for reason in reasons)
