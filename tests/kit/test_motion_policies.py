"""Isaac's own motion policies drive the arm as ours does, in spite of their habits."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest
from fake_motion import cumotion_api, install, lula_api

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, MissingPartError, RobotError
from teletwin.geometry import compose, invert, quat_from_rotvec
from teletwin.kit.motion import POLICIES, build_motion_policy
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.twin import ToolTarget
from teletwin.twin.rmpflow import RmpFlowPolicy
from teletwin.twin.rmpflow.config_file import load_rmpflow_config

ISAAC = ("lula", "cumotion")
STILL = np.zeros(3)
ELSEWHERE = np.concatenate([[1.0, -2.0, 0.7], quat_from_rotvec([0.2, -0.4, 1.1])])


def target(offset=(0.05, -0.04, 0.06), turn=(0.1, 0.2, -0.1)):
    pose = tool_pose_in_ur_base(HOME_Q)
    pose[:3] += offset
    pose[3:] = compose(pose, np.concatenate([np.zeros(3), quat_from_rotvec(turn)]))[3:]
    return ToolTarget(pose=pose, velocity=STILL, angular_velocity=STILL)


def run(policy, goal, *, seconds=0.4, dt_s=0.002):
    return np.array([np.concatenate(policy.step(goal, dt_s)) for _ in range(int(seconds / dt_s))])


@pytest.fixture
def isaac(monkeypatch):
    install(monkeypatch, version="6.0.1")


@pytest.mark.parametrize(("name", "apart_rad"), [("lula", 1e-9), ("cumotion", 0.02)])
def test_the_arm_moves_as_under_our_own_policy(isaac, name, apart_rad):
    # cuMotion's other Euler step and float32 leave a small difference; neither knows our borders
    ours, theirs = RmpFlowPolicy(keeps_clear=False), build_motion_policy(name)
    for policy in (ours, theirs):
        policy.reset(HOME_Q)
    assert np.abs(run(ours, target())[:, :6] - run(theirs, target())[:, :6]).max() < apart_rad


@pytest.mark.parametrize("name", ISAAC)
def test_the_tool_comes_to_its_target_in_the_ur_base_frame(isaac, name):
    policy, goal = build_motion_policy(name), target()
    policy.reset(HOME_Q)
    q = run(policy, goal, seconds=3.0, dt_s=0.003)[-1, :6]
    assert np.linalg.norm(tool_pose_in_ur_base(q)[:3] - goal.pose[:3]) < 2e-3


@pytest.mark.parametrize("name", ISAAC)
@pytest.mark.parametrize("metres_per_unit", [1.0, 0.01])
def test_the_arm_may_stand_anywhere_in_a_stage_of_any_unit(monkeypatch, name, metres_per_unit):
    install(monkeypatch, metres_per_unit=metres_per_unit)
    here, there = build_motion_policy(name), build_motion_policy(name, ur_base=ELSEWHERE)
    for policy in (here, there):
        policy.reset(HOME_Q)
    assert run(there, target()) == pytest.approx(run(here, target()), abs=2e-4)


@pytest.mark.parametrize("name", ISAAC)
def test_what_was_handed_in_or_out_stays_as_it_was(isaac, name):
    policy, goal, q, qd = build_motion_policy(name), target(), HOME_Q.copy(), np.full(6, 0.1)
    pose = goal.pose.copy()
    policy.reset(q, qd)
    first = policy.step(goal, 0.002)
    kept = [array.copy() for array in first]
    first[0][:] = 9.0  # a caller may write into what it got
    second = policy.step(goal, 0.002)
    assert np.array_equal(q, HOME_Q)
    assert np.array_equal(qd, np.full(6, 0.1))
    assert np.array_equal(goal.pose, pose)
    assert np.abs(second[0] - kept[0]).max() < 0.01
    assert not np.shares_memory(first[0], second[0])


@pytest.mark.parametrize("name", ISAAC)
def test_two_policies_share_nothing(isaac, name):
    one, other = build_motion_policy(name), build_motion_policy(name)
    for policy in (one, other):
        policy.reset(HOME_Q)
    run(one, target(), seconds=0.2)
    assert np.array_equal(other.step(None, 1e-9)[0].round(6), HOME_Q.round(6))


@pytest.mark.parametrize("name", ISAAC)
def test_a_reset_is_obeyed_after_the_policy_has_run(isaac, name):
    policy, elsewhere = build_motion_policy(name), HOME_Q + 0.1
    policy.reset(HOME_Q)
    run(policy, target(), seconds=0.2)
    policy.reset(elsewhere)
    q, qd = policy.step(target(), 0.001)
    assert q == pytest.approx(elsewhere, abs=1e-3)
    assert np.abs(qd).max() < 0.06


@pytest.mark.parametrize("name", ISAAC)
def test_the_same_calls_after_a_reset_give_the_same_motion(isaac, name):
    policy = build_motion_policy(name)
    runs = []
    for _ in range(2):
        policy.reset(HOME_Q)
        runs.append(run(policy, target(), seconds=0.1))
    assert runs[0] == pytest.approx(runs[1], abs=1e-6)


def test_lula_goes_on_with_the_speed_it_is_given_and_cumotion_starts_at_rest(isaac):
    qd = np.full(6, 0.2)
    speeds = {}
    for name in ISAAC:
        policy = build_motion_policy(name)
        policy.reset(HOME_Q, qd)
        speeds[name] = policy.step(None, 1e-4)[1]
    assert speeds["lula"] == pytest.approx(qd, abs=0.02)
    assert speeds["cumotion"] == pytest.approx(np.zeros(6), abs=0.02)


@pytest.mark.parametrize("name", ISAAC)
def test_without_a_target_the_arm_goes_to_its_posture_and_forgets_the_old_one(isaac, name):
    policy = build_motion_policy(name)
    policy.reset(HOME_Q)
    run(policy, target(), seconds=0.3)
    away = np.linalg.norm(policy.step(None, 0.002)[0] - HOME_Q)
    back = np.linalg.norm(run(policy, None, seconds=1.5)[-1, :6] - HOME_Q)
    assert back < 0.5 * away


@pytest.mark.parametrize("name", ISAAC)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_target_that_is_not_finite_changes_nothing_and_is_counted(isaac, name, bad):
    policy = build_motion_policy(name)
    policy.reset(HOME_Q)
    goal = target()
    goal.pose[1] = bad
    q, _ = policy.step(goal, 0.002)
    assert np.array_equal(q, HOME_Q)
    assert policy.refused_count == 1
    assert np.isfinite(run(policy, target(), seconds=0.05)).all()


@pytest.mark.parametrize("name", ISAAC)
@pytest.mark.parametrize("dt_s", [0.0, -0.01])
def test_no_time_no_motion(isaac, name, dt_s):
    policy = build_motion_policy(name)
    policy.reset(HOME_Q)
    assert np.array_equal(policy.step(target(), dt_s)[0], HOME_Q)


@pytest.mark.parametrize("name", ISAAC)
def test_quaternions_of_any_length_and_sign_mean_the_same(isaac, name):
    runs = []
    for factor in (1.0, -1.0, 1.5):
        policy, goal = build_motion_policy(name), target()
        goal.pose[3:] *= factor
        policy.reset(HOME_Q)
        runs.append(run(policy, goal, seconds=0.1))
    assert runs[0] == pytest.approx(runs[1], abs=1e-6)
    assert runs[0] == pytest.approx(runs[2], abs=1e-6)


def test_cumotion_is_refused_in_5_1_with_what_to_do(monkeypatch):
    install(monkeypatch, version="5.1.0")
    with pytest.raises(MissingPartError, match=r"6\.0.*'rmpflow' or 'lula'"):
        build_motion_policy("cumotion")
    assert build_motion_policy("lula").step(None, 0.002)[0].shape == (6,)


@pytest.mark.parametrize("name", ISAAC)
def test_outside_isaac_sim_a_policy_of_isaac_is_refused_with_what_to_do(name):
    with pytest.raises(MissingPartError, match="rmpflow"):
        build_motion_policy(name)


def test_a_configuration_of_another_arm_is_refused(monkeypatch):
    install(monkeypatch, joint_names=["panda_joint1", "panda_joint2"])
    with pytest.raises(RobotError, match="UR3e"):
        build_motion_policy("lula")


def test_an_unknown_policy_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=", ".join(POLICIES)):
        build_motion_policy("curobo")


def test_the_stage_position_of_base_link_is_the_ur_base_turned_by_half_a_turn():
    from teletwin.kit.motion.placement import Placement

    base = Placement(ELSEWHERE).base_link
    seen = compose(invert(ELSEWHERE), base)
    assert seen[:3] == pytest.approx(np.zeros(3), abs=1e-12)
    assert np.abs(seen[3:]) == pytest.approx([0, 0, 0, 1], abs=1e-12)


def test_cumotions_file_holds_the_numbers_of_ours():
    ours, theirs = (
        load_rmpflow_config(asset_path("robots", "ur3e", name)) for name in ("ur3e_rmpflow.yaml", "ur3e_rmp_flow.yaml")
    )
    assert repr(ours) == repr(theirs)


FAKED = {
    "isaacsim.robot_motion.motion_generation": {"RmpFlow": lula_api._RmpFlow},
    "isaacsim.robot_motion.cumotion": {
        "RmpFlowController": cumotion_api.RmpFlowController,
        "CumotionWorldInterface": cumotion_api.CumotionWorldInterface,
        "load_cumotion_robot": cumotion_api.load_cumotion_robot,
    },
}


@pytest.mark.parametrize("version", ["5.1.0", "6.0.1"])
def test_the_stand_ins_have_the_signatures_of_the_api_index(isaac_api, version):
    index = json.loads((isaac_api / f"{version}.json").read_text())
    for module, members in FAKED.items():
        for name, fake in members.items() if module in index else ():
            entry = index[module][name]
            assert parameters(fake) == [row[0] for row in entry["params"]], name
            for method, rows in entry.get("methods", {}).items():
                if hasattr(fake, method):
                    assert parameters(getattr(fake, method)) == [row[0] for row in rows], f"{name}.{method}"


def parameters(callable_):
    return [name for name in inspect.signature(callable_).parameters if name != "self"]
