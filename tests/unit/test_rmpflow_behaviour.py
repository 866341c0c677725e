from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.geometry import compose, quat_rotate, rotation_angle
from teletwin.robot import forward, load_ur3e, swap_base, tool_pose_in_ur_base
from teletwin.robot.fast import FastKinematics
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin import ToolTarget
from teletwin.twin.rmpflow import (
    RmpFlow,
    RmpFlowPolicy,
    load_ur3e_rmpflow,
    rmpflow_config_from_tree,
)

DT_S = 0.002


def target_at(pose, velocity=(0, 0, 0), turning=(0, 0, 0)):
    return ToolTarget(pose=pose, velocity=np.array(velocity, float), angular_velocity=np.array(turning, float))


def test_the_tool_reaches_and_settles_on_targets_in_the_ur_base():
    rng = np.random.default_rng(0)
    policy = RmpFlowPolicy(keeps_clear=False)  # some of the targets lie beyond the limits
    worst_m = worst_rad = 0.0
    for _ in range(20):
        goal = tool_pose_in_ur_base(HOME_Q + rng.uniform(-0.6, 0.6, 6))
        policy.reset(HOME_Q)
        for _ in range(1250):
            q, qd = policy.step(target_at(goal), DT_S)
            assert np.abs(qd).max() < 3.0
        reached = tool_pose_in_ur_base(q)
        worst_m = max(worst_m, np.linalg.norm(reached[:3] - goal[:3]))
        worst_rad = max(worst_rad, float(rotation_angle(reached[3:], goal[3:])))
    assert worst_m < 1e-3
    assert worst_rad < 0.02


def circle_error_m(policy, *, feed_forward, radius_m=0.05, rate_hz=0.5):
    start = tool_pose_in_ur_base(HOME_Q)
    center = start[:3] - [0, radius_m, 0]
    policy.reset(HOME_Q)
    omega, errors = 2 * np.pi * rate_hz, []
    for k in range(2000):
        angle = omega * DT_S * k
        goal = start.copy()
        goal[:3] = center + radius_m * np.array([np.sin(angle), np.cos(angle), 0])
        velocity = feed_forward * radius_m * omega * np.array([np.cos(angle), -np.sin(angle), 0])
        error = np.linalg.norm(forward_tool(policy.flow.q.host[0]) - goal[:3])
        policy.step(target_at(goal, velocity), DT_S)
        errors.append(error)
    return float(np.sqrt(np.mean(np.square(errors[1000:]))))


def forward_tool(q):
    return tool_pose_in_ur_base(q)[:3]


def test_feed_forward_takes_the_lag_out_of_a_circle():
    policy = RmpFlowPolicy(keeps_clear=False)  # the circle passes the workspace's border
    stock, fed = circle_error_m(policy, feed_forward=0.0), circle_error_m(policy, feed_forward=1.0)
    assert 0.010 < stock < 0.035
    assert fed < 0.0015


def test_turning_is_fed_forward_too():
    start = tool_pose_in_ur_base(HOME_Q)
    errors = []
    for share in (0.0, 1.0):
        policy = RmpFlowPolicy()
        policy.reset(HOME_Q)
        total = 0.0
        for k in range(1500):
            angle, rate = 0.3 * np.sin(2 * np.pi * 0.5 * k * DT_S), 0.3 * np.pi * np.cos(2 * np.pi * 0.5 * k * DT_S)
            turn = np.array([0, 0, 0, np.cos(angle / 2), 0, 0, np.sin(angle / 2)])
            goal = np.concatenate([start[:3], compose(turn, np.concatenate([np.zeros(3), start[3:]]))[3:]])
            q, _ = policy.step(target_at(goal, turning=[0, 0, share * rate]), DT_S)
            total += float(rotation_angle(tool_pose_in_ur_base(q)[3:], goal[3:])) * (k > 500)
        errors.append(total / 1000)
    assert errors[1] < 0.5 * errors[0]


def clearance_m(with_obstacle):
    robot = load_ur3e()
    flow = RmpFlow(robot, load_ur3e_rmpflow())
    flow.set_cspace_target(HOME_Q)
    goal_q = np.add(HOME_Q, [1.2, 0, 0, 0, 0, 0])
    a, b = forward(robot.chain, HOME_Q, "tool0"), forward(robot.chain, goal_q, "tool0")
    middle = forward(robot.chain, np.add(HOME_Q, [0.6, 0, 0, 0, 0, 0]), "tool0")[:3]
    radius = 0.03
    if with_obstacle:
        flow.obstacles.add_sphere(middle, radius)
    flow.set_target(b)
    q, qd, nearest = HOME_Q.copy(), np.zeros(6), np.inf
    for k in range(1500):
        q, qd = flow.step(q, qd, DT_S)
        for ball in robot.spheres[-7:] if k % 10 == 0 else ():
            link = forward(robot.chain, q, ball.link)
            center = link[:3] + quat_rotate(link[3:], ball.center)
            nearest = min(nearest, float(np.linalg.norm(center - middle)) - ball.radius - radius)
    assert np.linalg.norm(a[:3] - b[:3]) > 0.2
    return nearest, float(np.linalg.norm(forward(robot.chain, q, "tool0")[:3] - b[:3]))


def test_an_obstacle_on_the_way_is_passed_at_a_distance():
    free, _ = clearance_m(False)
    kept, error_m = clearance_m(True)
    assert free < 0.0 < kept
    assert error_m < 0.005


def test_an_obstacle_that_moves_or_goes_acts_where_it_is():
    flow = RmpFlow(load_ur3e(), load_ur3e_rmpflow())
    before = flow.evaluate(HOME_Q, np.zeros(6))
    near = forward(load_ur3e().chain, HOME_Q, "tool0")
    handle = flow.obstacles.add_box(near, [0.05, 0.05, 0.05])
    beside = flow.evaluate(HOME_Q, np.zeros(6))
    flow.obstacles.move(handle, np.add(near, [0, 0, 5, 0, 0, 0, 0]))
    away = flow.evaluate(HOME_Q, np.zeros(6))
    flow.obstacles.remove(handle)
    assert np.linalg.norm(beside - before) > 1.0
    np.testing.assert_array_equal(away, before)
    with pytest.raises(ConfigError, match="no such obstacle"):
        flow.obstacles.remove(handle)


def test_a_batch_moves_like_its_arms_one_by_one():
    rng = np.random.default_rng(4)
    robot, config = load_ur3e(), load_ur3e_rmpflow()
    q, qd = HOME_Q + rng.uniform(-0.5, 0.5, (5, 6)), rng.normal(size=(5, 6))
    goals = forward(robot.chain, q + rng.uniform(-0.3, 0.3, (5, 6)), "tool0")
    together = RmpFlow(robot, config, batch=5)
    together.set_target(goals)
    many = together.step(q, qd, 0.01)
    alone = RmpFlow(robot, config)
    for k in range(5):
        alone.set_target(goals[k])
        one = alone.step(q[k], qd[k], 0.01)
        np.testing.assert_array_equal(one[0], many[0][k])
        np.testing.assert_array_equal(one[1], many[1][k])


def test_what_is_passed_in_stays_and_what_comes_out_is_the_callers():
    flow = RmpFlow(load_ur3e(), load_ur3e_rmpflow())
    q, qd = HOME_Q.copy(), np.full(6, 0.1)
    first = flow.step(q, qd, 0.01)
    kept = first[0].copy()
    flow.step(first[0], first[1], 0.01)
    np.testing.assert_array_equal(q, HOME_Q)
    np.testing.assert_array_equal(qd, np.full(6, 0.1))
    np.testing.assert_array_equal(first[0], kept)


def test_a_step_is_explicit_euler_in_sub_steps():
    flow = RmpFlow(load_ur3e(), load_ur3e_rmpflow())
    q, qd = HOME_Q.copy(), np.full(6, 0.2)
    got = flow.step(q, qd, 0.01)  # 10 ms: three sub-steps of at most 3.34 ms
    for _ in range(3):
        a = flow.evaluate(q, qd)
        q, qd = q + 0.01 / 3 * qd, qd + 0.01 / 3 * a
    np.testing.assert_allclose(got[0], q, rtol=1e-14)
    np.testing.assert_allclose(got[1], qd, rtol=1e-13)


def test_a_target_that_is_not_finite_moves_nothing_and_is_counted():
    policy = RmpFlowPolicy()
    policy.reset(HOME_Q)
    good = tool_pose_in_ur_base(HOME_Q + 0.1)
    for poison in (np.nan, np.inf):
        bad = good.copy()
        bad[0] = poison
        before, _ = policy.step(target_at(good), DT_S)
        after, _ = policy.step(target_at(bad), DT_S)
        np.testing.assert_array_equal(after, before)
    assert policy.refused_count == 2
    for _ in range(1500):
        q, _ = policy.step(target_at(good), DT_S)
    assert np.linalg.norm(forward_tool(q) - good[:3]) < 1e-3


def test_without_a_target_the_arm_goes_to_its_posture():
    policy = RmpFlowPolicy()
    policy.reset(HOME_Q + 0.1)
    for _ in range(4000):
        q, _ = policy.step(None, DT_S)
    np.testing.assert_allclose(q, HOME_Q, atol=0.01)


def test_two_policies_share_nothing():
    left, right = RmpFlowPolicy(), RmpFlowPolicy()
    for policy in (left, right):
        policy.reset(HOME_Q)
    left.step(target_at(tool_pose_in_ur_base(HOME_Q + 0.3)), DT_S)
    np.testing.assert_array_equal(right.flow.q.host[0], HOME_Q)


def test_compiled_and_plain_kinematics_of_the_tool_agree():
    fast = FastKinematics(load_ur3e().chain)
    for q in np.random.default_rng(6).uniform(-6, 6, (50, 6)):
        pose, expected = fast.tool(q), tool_pose_in_ur_base(q)
        np.testing.assert_allclose(pose[:3], expected[:3], atol=1e-12)
        assert abs(abs(pose[3:] @ expected[3:]) - 1) < 1e-12


def test_a_float32_policy_follows_the_float64_one():
    goal = target_at(tool_pose_in_ur_base(HOME_Q + 0.3))
    ends = []
    for dtype in ("float64", "float32"):
        policy = RmpFlowPolicy(dtype=dtype)
        policy.reset(HOME_Q)
        for _ in range(500):
            q, _ = policy.step(goal, DT_S)
        ends.append(swap_base(forward(load_ur3e().chain, q, "tool0")))
    np.testing.assert_allclose(ends[1], ends[0], atol=1e-4)


def ur3e_tree():
    import yaml

    from teletwin.assets import asset_path

    return yaml.safe_load(asset_path("robots", "ur3e", "ur3e_rmpflow.yaml").read_text())


def test_numbers_that_yaml_takes_for_text_and_the_newer_format_are_read():
    tree = ur3e_tree()
    tree["rmp_params"]["collision_rmp"]["metric_exploder_eps"] = "1e-3"
    tree["api_version"], tree["format"] = 2.0, "rmpflow"
    tree["body_capsules"] = tree.pop("body_cylinders")
    cap = tree["rmp_params"]["joint_velocity_cap_rmp"]
    tree["rmp_params"]["joint_velocity_cap_rmp"] = [
        {**cap, "joint_name": "elbow_joint", "max_velocity": 1.0},
        {**cap, "joint_name": "wrist_1_joint"},
    ]
    config = rmpflow_config_from_tree(tree)
    assert config.collision.metric_exploder_eps == 1e-3
    assert config.body_capsules[0].radius == 0.065
    assert config.cap_of("elbow_joint").max_velocity == 1.0
    assert config.cap_of("wrist_1_joint").max_velocity == 2.15


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda t: t["rmp_params"].pop("target_rmp"), "target_rmp"),
        (lambda t: t["rmp_params"]["target_rmp"].pop("accel_p_gain"), "accel_p_gain"),
        (lambda t: t["rmp_params"]["target_rmp"].update(accel_p_gain="fast"), "accel_p_gain"),
        (lambda t: t["rmp_params"]["collision_rmp"].update(damping_std_dev=0), "damping_std_dev"),
        (lambda t: t.update(api_version=3.0), "api_version"),
        (lambda t: t["rmp_params"]["target_rmp"].update(accel_p_gain=".nan"), "accel_p_gain"),
    ],
)
def test_a_bad_configuration_names_its_parameter(change, word):
    tree = ur3e_tree()
    change(tree)
    with pytest.raises(ConfigError, match=word):
        rmpflow_config_from_tree(tree)


def test_bad_sizes_are_refused():
    flow = RmpFlow(load_ur3e(), load_ur3e_rmpflow())
    with pytest.raises(ConfigError, match="size"):
        flow.evaluate(np.zeros(5), np.zeros(5))
    with pytest.raises(ConfigError, match="dt_s"):
        flow.step(HOME_Q, np.zeros(6), float("nan"))


def test_importing_the_rooms_loads_numpy_only_and_compiling_is_silent():
    code = (
        "import sys; import teletwin.robot, teletwin.robot.fast, teletwin.twin.rmpflow as r;"
        "assert not {'warp', 'yaml', 'scipy'} & set(sys.modules);"
        "r.RmpFlowPolicy().warm_up()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == done.stderr == ""
