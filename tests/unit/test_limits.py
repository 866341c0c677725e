"""The last stage before the arm, case by case; the promises for any input are in tests/property."""

import subprocess
import sys

import numpy as np
import pytest

from teletwin.errors import ConfigError, RobotError
from teletwin.robot import JointLimits, WorkspaceLimits, tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import REDUCED_SPEED_M_S, MotionLimits
from teletwin.twin.limits import BatchLimiter, CommandLimiter, LimitFlag

DT_S = 0.002
JOINTS, WORKSPACE = JointLimits(), WorkspaceLimits()
FAR = HOME_Q + np.array([3.0, 0.0, 0.0, 0.0, 0.0, 4.0])


@pytest.fixture
def limiter():
    limiter = CommandLimiter()
    limiter.reset(HOME_Q)
    return limiter


def distance(q):
    return np.linalg.norm(tool_pose_in_ur_base(q)[..., :3] - np.array(WORKSPACE.shoulder), axis=-1)


def stretched(pan=0.0):
    return np.array([pan, -0.55, 0.1, -1.57, 0.3, 0.0])  # 10 cm outside the ball


def test_standing_still_is_no_limit(limiter):
    command = limiter.limit(HOME_Q, DT_S)
    np.testing.assert_array_equal(command.q, HOME_Q)
    assert (command.flags, command.reason) == (0, "")
    assert limiter.limited_count == 0
    assert limiter.is_at_rest


def test_a_jump_is_crossed_in_little_more_than_the_shortest_time(limiter):
    target = HOME_Q + np.array([0.2, -0.2, 0.2, 0.2, -0.2, 0.2])
    shortest = 2.0 * np.sqrt(0.2 / 40.0) + 40.0 / 10_000.0  # at the limits of acceleration and jerk
    qs = np.array([limiter.limit(target, DT_S).q for _ in range(int(3.0 * shortest / DT_S))])
    np.testing.assert_allclose(qs[int(1.5 * shortest / DT_S)], target, atol=0.02)
    np.testing.assert_allclose(qs[-1], target, atol=1e-6)
    assert limiter.limit(target, DT_S).flags == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_input_that_is_not_finite_brakes_to_rest(limiter, bad):
    for _ in range(30):
        moving = limiter.limit(HOME_Q + 1.0, DT_S)
    assert np.abs(moving.qd).max() > 0.5
    wrong = HOME_Q.copy()
    wrong[2] = bad
    for _ in range(60):
        command = limiter.limit(wrong, DT_S)
        assert (command.flags, command.reason) == (LimitFlag.INPUT, "input")
    np.testing.assert_array_equal(command.qd, 0.0)
    assert limiter.limit(HOME_Q, DT_S, qd_desired=np.full(6, bad)).flags == LimitFlag.INPUT


def test_a_hold_comes_to_rest_along_a_straight_way_and_stays(limiter):
    for _ in range(25):
        limiter.limit(HOME_Q + np.array([1.0, 0.2, 0.1, 0.5, 0.1, 1.0]), DT_S)
    assert not limiter.is_at_rest
    for _ in range(5):  # within 8 ms the acceleration has turned
        turned = limiter.hold(DT_S)
    direction, last = turned.qd / np.linalg.norm(turned.qd), turned.q
    for _ in range(80):
        command = limiter.hold(DT_S)
        step = command.q - last
        np.testing.assert_allclose(step, direction * np.linalg.norm(step), atol=1e-12)
        last = command.q
    np.testing.assert_array_equal(command.qd, 0.0)
    np.testing.assert_array_equal(limiter.hold(DT_S).q, last)
    assert command.flags == LimitFlag.HOLD
    assert limiter.is_at_rest


@pytest.mark.parametrize("dt_s", [0.0, -0.002, np.nan])
def test_a_tick_without_duration_changes_nothing(limiter, dt_s):
    command = limiter.limit(HOME_Q + 1.0, dt_s)
    np.testing.assert_array_equal(command.q, HOME_Q)
    assert command.flags == LimitFlag.INPUT


def test_a_long_tick_counts_as_20_ms(limiter):
    command = limiter.limit(HOME_Q + 1.0, 5.0)
    assert np.abs(command.q - HOME_Q).max() <= 40.0 * 0.02 * 0.02 + 1e-12


def test_the_first_tick_after_a_pause_and_a_reset_is_as_gentle_as_any(limiter):
    for _ in range(20):
        limiter.limit(FAR, 0.02)
    limiter.reset(HOME_Q)
    assert np.abs(limiter.limit(FAR, DT_S).qd).max() <= 40.0 * DT_S + 1e-12


def test_the_session_cap_of_joint_speed_can_be_lowered_under_way():
    limiter = CommandLimiter(workspace=WorkspaceLimits(radius_m=2.0, height_min_m=-2.0))
    limiter.reset(HOME_Q)
    for _ in range(150):
        command = limiter.limit(FAR, DT_S)
    assert np.abs(command.qd).max() > 1.5
    cap = 0.3
    limiter.limit_to(MotionLimits(max_speed_rad_s=cap))
    for _ in range(100):
        last, command = command, limiter.limit(FAR, DT_S)
        assert np.all(np.abs(command.qd - last.qd) <= 40.0 * DT_S * (1 + 1e-9))
    np.testing.assert_allclose(command.qd[[0, 5]], cap, rtol=1e-6)
    assert command.flags & LimitFlag.SPEED
    assert command.reason == "joint speed"


def test_every_joint_may_turn_at_its_own_limit():
    limiter = CommandLimiter(workspace=WorkspaceLimits(radius_m=2.0, height_min_m=-2.0))
    limiter.reset(np.array([-2.0, -1.57, 0.0, -1.57, 0.0, -3.0]))
    for _ in range(250):
        command = limiter.limit(np.array([6.0, -1.57, 0.0, -1.57, 0.0, 6.0]), DT_S)
    np.testing.assert_allclose(command.qd[[0, 5]], JOINTS.velocity[[0, 5]], rtol=1e-6)


@pytest.mark.parametrize("reduced_by", ["the session", "an approach"])
def test_no_body_is_faster_than_reduced_mode_has_it_and_what_limits_is_said(limiter, reduced_by):
    if reduced_by == "the session":
        limiter.limit_to(MotionLimits(max_body_speed_m_s=REDUCED_SPEED_M_S, max_tool_speed_m_s=REDUCED_SPEED_M_S))
    else:
        limiter.set_approach(True)
    qs = [limiter.limit(HOME_Q + np.eye(6)[0] * 2.0, DT_S) for _ in range(200)]
    tool = tool_pose_in_ur_base(np.array([c.q for c in qs]))[:, :3]
    speed = np.linalg.norm(np.diff(tool, axis=0), axis=1) / DT_S
    assert 0.15 < speed[-1] <= REDUCED_SPEED_M_S
    assert qs[-1].reason == "speed"
    limiter.limit_to(MotionLimits())
    limiter.set_approach(False)
    for _ in range(150):
        command = limiter.limit(HOME_Q + np.eye(6)[0] * 2.0, DT_S)
    assert np.abs(command.qd).max() > 1.5


def test_at_the_border_the_tool_slides_along(limiter):
    pans, distances, accelerations = [], [], []
    last = np.zeros(6)
    for k in range(2500):
        command = limiter.limit(stretched(0.8 * np.sin(2.0 * k * DT_S)), DT_S)
        pans.append(command.q[0])
        distances.append(distance(command.q))
        accelerations.append(np.abs(command.qd - last).max() / DT_S)
        last = command.qd
    asked = 0.8 * np.sin(2.0 * np.arange(2500) * DT_S)
    assert np.abs(np.array(pans) - asked)[1000:].max() < 0.05
    assert np.abs(np.array(distances) - WORKSPACE.radius_m)[1000:].max() < 0.01
    assert np.max(distances) <= WORKSPACE.radius_m
    assert np.percentile(accelerations[1000:], 99) < 20.0  # it slides, it does not chatter
    assert command.flags & LimitFlag.CLEARANCE
    assert command.reason == "workspace radius"


def test_when_the_command_comes_back_inside_the_arm_resumes_exactly(limiter):
    for _ in range(500):
        limiter.limit(stretched(0.3), DT_S)
    for _ in range(500):
        command = limiter.limit(HOME_Q, DT_S)
    np.testing.assert_allclose(command.q, HOME_Q, atol=1e-9)
    assert command.flags == 0


def test_a_wrist_that_is_driven_into_the_upper_arm_stops_before_it_and_says_so(limiter):
    for k in range(1000):
        command = limiter.limit(HOME_Q + min(1.0, k / 250) * np.array([0.0, -0.2, 1.4, -1.5, 0.0, 0.0]), DT_S)
    assert command.reason == "wrist 1 to upper arm"
    assert 0.0 < limiter.smallest_clearance_m < 0.02


def test_an_arm_pushed_below_the_table_comes_up_and_never_further_down():
    limiter = CommandLimiter()
    low = np.array([0.0, -0.5, 1.4, -2.3, -1.57, 0.0])
    heights = [tool_pose_in_ur_base(low)[2]]
    assert heights[0] < WORKSPACE.height_min_m
    limiter.reset(low)
    for _ in range(300):
        command = limiter.limit(low + np.array([0.0, 0.5, 0.0, 0.0, 0.0, 0.0]), DT_S)
        heights.append(tool_pose_in_ur_base(command.q)[2])
    for _ in range(600):
        command = limiter.limit(HOME_Q, DT_S)
        heights.append(tool_pose_in_ur_base(command.q)[2])
    assert np.all(np.diff(np.minimum(heights, WORKSPACE.height_min_m)) >= -1e-9)
    np.testing.assert_allclose(command.q, HOME_Q, atol=1e-9)


def test_a_reset_starts_from_what_was_measured_without_a_jump(limiter):
    measured = HOME_Q + 0.1
    limiter.reset(measured, np.full(6, 100.0))
    command = limiter.hold(DT_S)
    assert np.all(np.abs(command.qd) <= JOINTS.velocity)
    assert np.abs(command.q - measured).max() <= JOINTS.velocity.max() * DT_S
    with pytest.raises(RobotError, match="finite"):
        limiter.reset(np.full(6, np.nan))


def test_many_arms_move_as_one_does():
    rng = np.random.default_rng(4)
    desired = HOME_Q + np.cumsum(rng.normal(size=(300, 70, 6)) * 0.05, axis=0)
    held = rng.random((300, 70)) < 0.05
    batch = BatchLimiter(batch=70)
    batch.reset(HOME_Q)
    state, moved = batch.state, []
    for cap in (state.body_speed_cap, state.tool_speed_cap):
        cap.fill_(1.5)  # as of a session without limits of its own
    for row, stop in zip(desired, held, strict=True):
        state.desired.numpy()[:], state.hold.numpy()[:] = row, stop
        batch.tick()
        moved.append(state.command.numpy().copy())
    for arm in range(0, 70, 23):
        single = CommandLimiter()
        single.reset(HOME_Q)
        for k in range(300):
            command = single.hold(DT_S) if held[k, arm] else single.limit(desired[k, arm], DT_S)
            np.testing.assert_array_equal(command.q, moved[k][arm])
        assert command.reason == batch.reason_of(int(state.reason.numpy()[arm]))


def test_arms_of_a_batch_are_reset_one_by_one():
    batch = BatchLimiter(batch=3)
    batch.reset(HOME_Q)
    batch.reset(HOME_Q + 0.2, rows=np.array([1]))
    batch.state.hold.fill_(1)
    batch.tick()
    np.testing.assert_array_equal(batch.state.command.numpy(), HOME_Q + np.array([[0.0], [0.2], [0.0]]))


def test_a_command_does_not_change_when_the_next_is_made(limiter):
    first = limiter.limit(HOME_Q + 0.1, DT_S)
    kept = first.q.copy()
    limiter.limit(HOME_Q + 0.2, DT_S)
    np.testing.assert_array_equal(first.q, kept)


def test_limits_of_another_robot_are_refused():
    two, one = np.zeros(2), np.ones(2)
    with pytest.raises(ConfigError, match="another robot"):
        CommandLimiter(joints=JointLimits(lower=two, upper=one, velocity=one, acceleration=one, jerk=one))
    with pytest.raises(ConfigError, match="not positive"):
        JointLimits(jerk=np.zeros(6))


def test_the_limiter_loads_warp_only_when_made_and_says_nothing():
    code = (
        "import sys; from teletwin.twin.limits import CommandLimiter; assert 'warp' not in sys.modules;"
        "CommandLimiter().hold(0.002)"
    )
    paths = [path for path in sys.path if path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
