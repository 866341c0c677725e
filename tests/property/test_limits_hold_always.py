"""Whatever is asked, at every tick: speed, acceleration, range and workspace hold."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from teletwin.robot import JointLimits, WorkspaceLimits, tool_pose_in_ur_base
from teletwin.robot.ur3e import HOME_Q
from teletwin.safety import MotionLimits
from teletwin.twin.limits import DT_MAX_S, CommandLimiter

JOINTS, WORKSPACE = JointLimits(), WorkspaceLimits()
LIMITER = CommandLimiter()  # one for all: a reset must forget everything
TIGHTENED = CommandLimiter()
TICKS = 250


def shoulder_distance(positions):
    return np.linalg.norm(positions - np.array(WORKSPACE.shoulder), axis=-1)


def is_inside(q):
    return WORKSPACE.contains(tool_pose_in_ur_base(q)[:3])


def start_posture(rng):
    while True:
        q = HOME_Q + rng.normal(size=6) * np.array([1.5, 0.6, 0.8, 1.0, 1.0, 2.0])
        if is_inside(q) and np.all((q > JOINTS.lower) & (q < JOINTS.upper)):
            return q


def random_walk(rng, q):
    return q + np.cumsum(rng.normal(size=(TICKS, 6)) * 10 ** rng.uniform(-4, -0.5), axis=0)


def jumps(rng, q):
    return q + np.repeat(rng.normal(size=(TICKS // 25, 6)) * rng.uniform(0.1, 4), 25, axis=0)


def swings(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    return q + rng.uniform(0, 2, 6) * np.sin(2 * np.pi * rng.uniform(0.1, 6, 6) * t + rng.uniform(0, 6, 6))


def rubbish(rng, q):
    wild = q + rng.normal(size=(TICKS, 6))
    wild[rng.random((TICKS, 6)) < 0.1] = np.nan
    wild[rng.random((TICKS, 6)) < 0.1] = 1e6
    wild[rng.random((TICKS, 6)) < 0.1] = -np.inf
    return wild


def pan_along_the_border(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    stretched = np.array([0.0, -0.6 * rng.random() - 0.2, 0.1, -1.6, -1.57, 0.0])
    return stretched + np.sin(2 * np.pi * rng.uniform(0.2, 3, 6) * t) * np.array([2.0, 0.2, 0.2, 0.2, 0.2, 1.0])


def sweep_the_table(rng, q):
    t = np.arange(TICKS)[:, None] * 0.004
    low = np.array([0.0, -0.6, 1.4, -2.3, -1.57, 0.0])  # tool at about 4 cm
    return low + np.sin(2 * np.pi * rng.uniform(0.2, 3, 6) * t) * np.array([2.0, 0.4, 0.4, 0.4, 0.4, 1.0])


def ticks(rng, kind):
    if kind == "steady":
        return np.full(TICKS, 0.002)
    if kind == "jitter":
        return rng.uniform(0.0005, 0.008, TICKS)
    return 10 ** rng.uniform(-5, np.log10(0.05), TICKS)


def assert_held(q0, qd0, qs, qds, dts):
    step = np.minimum(dts, DT_MAX_S)[:, None]
    before_q, before_qd = np.vstack([q0, qs[:-1]]), np.vstack([qd0, qds[:-1]])
    assert np.all(np.isfinite(qs))
    assert np.all(np.abs(qds) <= JOINTS.velocity * (1 + 1e-9))
    assert np.all(np.abs(qds - before_qd) / step <= JOINTS.acceleration * (1 + 1e-9) + 1e-12)
    np.testing.assert_allclose(qs, before_q + qds * step, rtol=0, atol=1e-12)
    assert np.all((qs >= JOINTS.lower - 1e-12) & (qs <= JOINTS.upper + 1e-12))
    between = np.concatenate([before_q + share * (qs - before_q) for share in (0.25, 0.5, 0.75, 1.0)])
    tools = tool_pose_in_ur_base(between)[:, :3]
    assert shoulder_distance(tools).max() <= WORKSPACE.radius_m
    assert tools[:, 2].min() >= WORKSPACE.height_min_m


@settings(deadline=None, max_examples=150)
@given(
    seed=st.integers(0, 2**32 - 1),
    motion=st.sampled_from([random_walk, jumps, swings, rubbish, pan_along_the_border, sweep_the_table]),
    pace=st.sampled_from(["steady", "jitter", "wild"]),
    with_speed=st.booleans(),
    scale=st.sampled_from([1.0, 1.0, 0.3]),
)
def test_no_limit_is_ever_broken(seed, motion, pace, with_speed, scale):
    rng = np.random.default_rng(seed)
    q0 = start_posture(rng)
    LIMITER.reset(q0)
    LIMITER.set_speed_scale(scale)
    desired, dts = motion(rng, q0), ticks(rng, pace)
    qs, qds = np.empty((TICKS, 6)), np.empty((TICKS, 6))
    for k in range(TICKS):
        speed = rng.normal(size=6) * 3 if with_speed else None
        held = rng.random() < 0.02
        command = LIMITER.hold(dts[k]) if held else LIMITER.limit(desired[k], dts[k], qd_desired=speed)
        qs[k], qds[k] = command.q, command.qd
    assert_held(q0, np.zeros(6), qs, qds, dts)
    assert np.all(np.abs(qds) <= JOINTS.velocity * scale * (1 + 1e-9))


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), motion=st.sampled_from([jumps, swings, sweep_the_table]))
def test_limits_that_are_tightened_in_the_middle_of_a_motion_are_braked_down_to(seed, motion):
    rng = np.random.default_rng(seed)
    limiter, q0 = TIGHTENED, start_posture(rng)
    limiter.limit_to(MotionLimits())
    limiter.reset(q0)
    desired, dts = motion(rng, q0), ticks(rng, "jitter")
    cap = MotionLimits(
        max_speed_rad_s=rng.uniform(0.05, 3.0),
        workspace_radius_m=rng.uniform(0.3, 0.48),
        workspace_height_m=rng.uniform(0.02, 0.15),
    )
    qs, qds = np.empty((TICKS, 6)), np.empty((TICKS, 6))
    for k in range(TICKS):
        if k == TICKS // 2:
            limiter.limit_to(cap)
        command = limiter.limit(desired[k], dts[k])
        qs[k], qds[k] = command.q, command.qd
    assert_held(q0, np.zeros(6), qs, qds, dts)
    before, after, dt_s = np.abs(qds[TICKS // 2 - 1 : -1]), np.abs(qds[TICKS // 2 :]), dts[TICKS // 2 :, None]
    braking = np.maximum(before - JOINTS.acceleration * dt_s, cap.max_speed_rad_s)
    in_proportion = before * (1 - 1e-9)  # where the workspace ends, all joints brake together
    assert np.all(after <= np.maximum(braking, in_proportion) + 1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), dt_s=st.sampled_from([0.002, 0.004, 0.01, 0.02]))
def test_a_constant_target_inside_is_reached_without_overshoot(seed, dt_s):
    rng = np.random.default_rng(seed)
    q0 = HOME_Q + rng.normal(size=6) * 0.1
    target = HOME_Q + rng.uniform(-0.25, 0.25, 6)
    way = tool_pose_in_ur_base(q0 + np.linspace(-0.1, 1.1, 30)[:, None] * (target - q0))[:, :3]
    assume(shoulder_distance(way).max() < 0.46 and way[:, 2].min() > 0.05)  # else the border turns the motion
    LIMITER.reset(q0)
    LIMITER.set_speed_scale(1.0)
    side, q = np.sign(target - q0), q0
    for _ in range(int(0.5 / dt_s)):
        q = LIMITER.limit(target, dt_s).q
        assert np.all((target - q) * side >= -1e-12)
    np.testing.assert_allclose(q, target, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), longest_s=st.sampled_from([0.003, 0.008, 0.02]))
def test_uneven_ticks_overshoot_by_less_than_a_tick_of_braking(seed, longest_s):
    rng = np.random.default_rng(seed)
    target = HOME_Q + rng.uniform(-0.15, 0.15, 6)
    LIMITER.reset(HOME_Q)
    LIMITER.set_speed_scale(1.0)
    side, q = np.sign(target - HOME_Q), HOME_Q
    for _ in range(400):
        q = LIMITER.limit(target, rng.uniform(0.0005, longest_s)).q
        assert np.all((q - target) * side <= 0.5 * JOINTS.acceleration * longest_s**2 + 1e-12)
    np.testing.assert_allclose(q, target, rtol=0, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), with_speed=st.booleans(), jitter=st.booleans())
def test_feasible_motion_passes_unchanged(seed, with_speed, jitter):
    rng = np.random.default_rng(seed)
    frequency, phase = rng.uniform(0.1, 1.5, 6), rng.uniform(0, 6.28, 6)
    w = 2 * np.pi * frequency
    amplitude = np.minimum(0.9 * np.minimum(JOINTS.acceleration / w**2, JOINTS.velocity / w), 0.15)
    t = np.cumsum(rng.uniform(0.0015, 0.0025, 400) if jitter else np.full(400, 0.002))
    desired = HOME_Q + amplitude * np.sin(w * t[:, None] + phase)
    speed = amplitude * w * np.cos(w * t[:, None] + phase)
    LIMITER.reset(desired[0], speed[0])
    LIMITER.set_speed_scale(1.0)
    for k in range(1, len(t)):
        command = LIMITER.limit(desired[k], t[k] - t[k - 1], qd_desired=speed[k] if with_speed else None)
        np.testing.assert_allclose(command.q, desired[k], rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), goes_in=st.booleans())
def test_put_down_outside_the_tool_only_moves_inward(seed, goes_in):
    rng = np.random.default_rng(seed)
    stretched = np.array([rng.uniform(-3, 3), -0.6, 0.05, -1.57, 0.3, 0.0])
    distance = shoulder_distance(tool_pose_in_ur_base(stretched)[:3])
    assert distance > WORKSPACE.radius_m
    LIMITER.reset(stretched)
    LIMITER.set_speed_scale(1.0)
    target = HOME_Q + rng.uniform(-0.15, 0.15, 6) if goes_in else stretched + np.array([0.5, 0, 0, 0, -0.5, 0])
    qs = np.array([LIMITER.limit(target, 0.002).q for _ in range(700)])
    distances = shoulder_distance(tool_pose_in_ur_base(qs)[:, :3])
    beyond = np.maximum(np.concatenate([[distance], distances]), WORKSPACE.radius_m)
    assert np.all(np.diff(beyond) <= 1e-9)
    if goes_in:
        assert distances[-1] < WORKSPACE.radius_m
        np.testing.assert_allclose(qs[-1], target, atol=1e-6)


@pytest.mark.parametrize("joint", range(6))
def test_a_joint_run_into_its_range_stops_at_the_end_and_comes_back(joint):
    limiter = CommandLimiter(workspace=WorkspaceLimits(radius_m=2.0, height_min_m=-2.0))
    q0 = np.array([0.5, -0.5, 0.2, 0.1, 0.2, 0.3])
    limiter.reset(q0)
    asked = q0.copy()
    asked[joint] = 100.0
    q = np.array([limiter.limit(asked, 0.002).q for _ in range(2000)])
    assert q[:, joint].max() <= JOINTS.upper[joint]
    assert q[-1, joint] > JOINTS.upper[joint] - 1e-6
    q = np.array([limiter.limit(q0, 0.002).q for _ in range(2000)])
    np.testing.assert_allclose(q[-1], q0, atol=1e-9)
