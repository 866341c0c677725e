"""The last stage before the arm, case by case; the promises for any input are in tests/property."""

import subprocess
import sys

import numpy as np
import pytest

from teletwin.errors import ConfigError, RobotError
from teletwin.robot import JointLimits, WorkspaceLimits, tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin.limits import BatchLimiter, CommandLimiter, LimitFlag

DT_S = 0.002
JOINTS, WORKSPACE = JointLimits(), WorkspaceLimits()


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
    assert command.flags == 0
    assert limiter.limited_count == 0


def test_a_jump_is_crossed_in_nearly_the_shortest_time(limiter):
    target = HOME_Q + np.array([0.2, -0.2, 0.2, 0.2, -0.2, 0.2])
    shortest = 2.0 * np.sqrt(0.2 / 40.0)
    qs = np.array([limiter.limit(target, DT_S).q for _ in range(int(1.1 * shortest / DT_S))])
    np.testing.assert_allclose(qs[-1], target, atol=1e-9)
    assert limiter.limit(target, DT_S).flags == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_input_that_is_not_finite_brakes_to_rest(limiter, bad):
    for _ in range(30):
        moving = limiter.limit(HOME_Q + 1.0, DT_S)
    assert np.abs(moving.qd).max() > 1.0
    wrong = HOME_Q.copy()
    wrong[2] = bad
    for _ in range(60):
        command = limiter.limit(wrong, DT_S)
        assert command.flags == LimitFlag.INPUT
    np.testing.assert_array_equal(command.qd, 0.0)
    assert limiter.limit(HOME_Q, DT_S, qd_desired=np.full(6, bad)).flags == LimitFlag.INPUT


def test_a_hold_comes_to_rest_along_a_straight_way_and_stays(limiter):
    for _ in range(25):
        moving = limiter.limit(HOME_Q + np.array([1.0, 0.2, 0.1, 0.5, 0.1, 1.0]), DT_S)
    direction = moving.qd / np.linalg.norm(moving.qd)
    last = moving.q
    for _ in range(80):
        command = limiter.hold(DT_S)
        step = command.q - last
        np.testing.assert_allclose(step, direction * np.linalg.norm(step), atol=1e-12)
        last = command.q
    np.testing.assert_array_equal(command.qd, 0.0)
    np.testing.assert_array_equal(limiter.hold(DT_S).q, last)
    assert command.flags == LimitFlag.HOLD


@pytest.mark.parametrize("dt_s", [0.0, -0.002, np.nan])
def test_a_tick_without_duration_changes_nothing(limiter, dt_s):
    command = limiter.limit(HOME_Q + 1.0, dt_s)
    np.testing.assert_array_equal(command.q, HOME_Q)
    assert command.flags == LimitFlag.INPUT


def test_a_long_tick_counts_as_20_ms(limiter):
    command = limiter.limit(HOME_Q + 1.0, 5.0)
    assert np.abs(command.q - HOME_Q).max() <= 40.0 * 0.02 * 0.02 + 1e-12


def test_the_session_cap_can_be_lowered_under_way(limiter):
    limiter = CommandLimiter(workspace=WorkspaceLimits(radius_m=2.0, height_min_m=-2.0))
    limiter.reset(HOME_Q)
    target = HOME_Q + np.array([3.0, 0.0, 0.0, 0.0, 0.0, 4.0])
    for _ in range(100):
        command = limiter.limit(target, DT_S)
    np.testing.assert_allclose(command.qd[[0, 5]], JOINTS.velocity[[0, 5]], rtol=1e-9)
    limiter.set_speed_scale(0.1)
    for _ in range(100):
        last, command = command, limiter.limit(target, DT_S)
        assert np.all(np.abs(command.qd - last.qd) <= 40.0 * DT_S * (1 + 1e-9))
    np.testing.assert_allclose(command.qd[[0, 5]], 0.1 * JOINTS.velocity[[0, 5]], rtol=1e-9)
    assert command.flags & LimitFlag.SPEED
    with pytest.raises(ConfigError):
        limiter.set_speed_scale(1.5)


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
    assert np.abs(np.array(distances) - WORKSPACE.radius_m)[1000:].max() < 2e-3
    assert np.max(distances) <= WORKSPACE.radius_m
    assert np.percentile(accelerations[1000:], 99) < 20.0  # it slides, it does not chatter
    assert command.flags & LimitFlag.WORKSPACE


def test_when_the_command_comes_back_inside_the_arm_resumes_exactly(limiter):
    for _ in range(500):
        limiter.limit(stretched(0.3), DT_S)
    for _ in range(500):
        command = limiter.limit(HOME_Q, DT_S)
    np.testing.assert_allclose(command.q, HOME_Q, atol=1e-12)
    assert command.flags == 0


def test_an_arm_pushed_below_the_table_comes_up_and_never_further_down():
    limiter = CommandLimiter()
    low = np.array([0.0, -0.6, 1.4, -2.3, -1.57, 0.0]) + np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.0])
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
    desired = HOME_Q + np.cumsum(rng.normal(size=(100, 5, 6)) * 0.05, axis=0)
    batch = BatchLimiter(batch=5)
    batch.state.q.numpy()[:] = HOME_Q
    batch.state.target_before.numpy()[:] = HOME_Q
    for row in desired:
        batch.state.desired.numpy()[:] = row
        batch.tick()
    for arm in range(5):
        single = CommandLimiter()
        single.reset(HOME_Q)
        for row in desired:
            command = single.limit(row[arm], DT_S)
        np.testing.assert_array_equal(command.q, batch.state.q.numpy()[arm])


def test_a_command_does_not_change_when_the_next_is_made(limiter):
    first = limiter.limit(HOME_Q + 0.1, DT_S)
    kept = first.q.copy()
    limiter.limit(HOME_Q + 0.2, DT_S)
    np.testing.assert_array_equal(first.q, kept)
    with pytest.raises(ConfigError):
        CommandLimiter(
            joints=JointLimits(lower=np.zeros(2), upper=np.ones(2), velocity=np.ones(2), acceleration=np.ones(2))
        )


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
