"""What the limits let through: feasible motion unchanged, targets without overshoot, borders without chatter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles.limits import Oracle, Stop

from teletwin.robot import JointLimits, load_ur3e
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin.limits import CommandLimiter, LimitFlag

JOINTS = JointLimits()
LIMITER = CommandLimiter()
ORACLE = Oracle(load_ur3e())
DT_S = 0.002
FEW = {"deadline": None, "max_examples": 40}
BORDERS = {
    "table": np.array([0.0, 0.9, -0.4, 0.3, 0.0, 0.0]),
    "workspace radius": np.array([0.0, 0.65, -1.3, 0.2, 1.87, 0.0]),
    "upper arm": np.array([0.0, -0.2, 1.4, -1.5, 0.0, 0.0]),
}
"""From home to behind a border, by what stands there."""


def free_way(q, target, *, least_m=0.03):
    ways = q + np.linspace(-0.1, 1.1, 30)[:, None] * (target - q)
    return ORACLE.least(ways)[0] > least_m


@settings(**FEW)
@given(seed=st.integers(0, 2**32 - 1), dt_s=st.sampled_from([0.002, 0.004, 0.01, 0.02]))
def test_a_constant_target_inside_is_reached_without_overshoot(seed, dt_s):
    rng = np.random.default_rng(seed)
    q0 = HOME_Q + rng.normal(size=6) * 0.1
    target = HOME_Q + rng.uniform(-0.25, 0.25, 6)
    assume(free_way(q0, target))
    LIMITER.reset(q0)
    side, q = np.sign(target - q0), q0
    most = np.full(6, 1e-9 if dt_s == DT_S else 40.0 * dt_s**2)  # in long ticks a joint may brake one tick late
    # What a joint could do within a tick is taken for motion, no jump, and begun with all the jerk there is.
    most[np.abs(target - q0) <= JOINTS.velocity * dt_s] += 2.0 * np.max(JOINTS.jerk) * dt_s**3
    for _ in range(int(2.0 / dt_s)):
        command = LIMITER.limit(target, dt_s)
        assume(not command.flags & LimitFlag.CLEARANCE)  # a border turns the motion: it cannot know where that will end
        q = command.q
        if command.flags & LimitFlag.SPEED:  # the cap of the fastest body slows all joints at once, within their jerk
            most = np.maximum(most, 2e-4)
        assert np.all((q - target) * side <= most)
    np.testing.assert_allclose(q, target, rtol=0, atol=1e-6)


@settings(**FEW)
@given(seed=st.integers(0, 2**32 - 1), longest_s=st.sampled_from([0.003, 0.008, 0.02]))
def test_uneven_ticks_overshoot_by_less_than_two_ticks_of_braking(seed, longest_s):
    rng = np.random.default_rng(seed)
    target = HOME_Q + rng.uniform(-0.15, 0.15, 6)
    assume(free_way(HOME_Q, target))
    LIMITER.reset(HOME_Q)
    side, q = np.sign(target - HOME_Q), HOME_Q
    for _ in range(1000):
        q = LIMITER.limit(target, rng.uniform(0.0005, longest_s)).q
        assert np.all((q - target) * side <= JOINTS.acceleration * longest_s**2 + 1e-12)
    np.testing.assert_allclose(q, target, rtol=0, atol=1e-6)


@settings(**FEW)
@given(seed=st.integers(0, 2**32 - 1), with_speed=st.booleans(), jitter=st.booleans())
def test_feasible_motion_passes_unchanged(seed, with_speed, jitter):
    rng = np.random.default_rng(seed)
    w, phase = 2 * np.pi * rng.uniform(0.1, 1.5, 6), rng.uniform(0, 6.28, 6)
    most = [JOINTS.acceleration / w**2, JOINTS.velocity / w, JOINTS.jerk / w**3]
    amplitude = np.minimum(0.9 * np.min(most, axis=0), 0.15)
    t = np.cumsum(rng.uniform(0.0015, 0.0025, 500) if jitter else np.full(500, DT_S))
    desired = HOME_Q + amplitude * np.sin(w * t[:, None] + phase)
    speed = amplitude * w * np.cos(w * t[:, None] + phase)
    assume(ORACLE.least(desired)[0] > 0.03 and ORACLE.speeds(desired, speed)[0].max() < 1.2)
    LIMITER.reset(desired[0], speed[0])
    for k in range(1, len(t)):
        command = LIMITER.limit(desired[k], t[k] - t[k - 1], qd_desired=speed[k] if with_speed else None)
        if k > 100:  # a reset knows no acceleration: the arm joins the motion first
            np.testing.assert_allclose(command.q, desired[k], rtol=0, atol=1e-9)
            assert command.flags == 0


@settings(**FEW)
@given(seed=st.integers(0, 2**32 - 1), jitter=st.booleans())
def test_a_hold_follows_the_stop_that_was_stored_with_the_last_command(seed, jitter):
    rng = np.random.default_rng(seed)
    LIMITER.reset(HOME_Q)
    target, before = HOME_Q + rng.uniform(-0.2, 0.2, 6), np.zeros(6)
    assume(free_way(HOME_Q, target, least_m=0.04))  # in the open every command is accepted, with a stop of its own
    for _ in range(int(rng.integers(2, 60))):
        last, before = before, LIMITER.limit(target, DT_S)
    a = (before.qd - (last if isinstance(last, np.ndarray) else last.qd)) / DT_S
    stop = Stop(before.q, before.qd + 0.5 * a * DT_S, a, joints=JOINTS)
    t = 0.0
    while t <= stop.end_s:
        dt_s = rng.uniform(0.0005, 0.02) if jitter else DT_S
        t += dt_s
        out = LIMITER.hold(dt_s)
        np.testing.assert_allclose(out.q, stop.at(t)[0], rtol=0, atol=1e-12)
    assert LIMITER.is_at_rest or np.array_equal(LIMITER.hold(DT_S).q, out.q)
    assert np.array_equal(LIMITER.hold(DT_S).q, out.q)
    assert LIMITER.is_at_rest


@settings(**FEW)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_stop_keeps_acceleration_and_jerk_and_ends_at_rest(seed):
    rng = np.random.default_rng(seed)
    v, a = rng.uniform(-1, 1, 6) * JOINTS.velocity, rng.uniform(-1, 1, 6) * JOINTS.acceleration
    stop = Stop(HOME_Q, v, a, joints=JOINTS)
    t = np.linspace(0.0, stop.end_s, 2000)
    accelerations = np.array([stop.at(each)[2] for each in t])
    assert np.all(np.abs(accelerations) <= JOINTS.acceleration + 1e-9)
    assert np.all(np.abs(np.diff(accelerations, axis=0)) <= (JOINTS.jerk + 1e-6) * (t[1] - t[0]))
    q, speed, _ = stop.at(stop.end_s)
    np.testing.assert_allclose(speed, 0.0, atol=1e-12)
    np.testing.assert_array_equal(stop.at(stop.end_s + 1.0)[0], q)


@pytest.mark.parametrize("border", BORDERS)
def test_a_hand_that_stands_behind_a_border_is_waited_for_quietly_and_followed_when_it_comes_back(border):
    limiter = CommandLimiter()
    limiter.reset(HOME_Q)
    behind = HOME_Q + BORDERS[border]
    assert ORACLE.least(behind[None])[0] < 0.0
    waiting = [limiter.limit(HOME_Q + min(1.0, k / 500) * BORDERS[border], DT_S) for k in range(2000)]
    assert border in waiting[-1].reason
    speeds = np.array([command.qd for command in waiting[1000:]])
    assert reversals(speeds) <= 2 * 2.0  # in two seconds
    for k in range(500):  # back within 0.5 s of its return
        command = limiter.limit(behind + min(1.0, k / 250) * (HOME_Q - behind), DT_S)
    np.testing.assert_allclose(command.q, HOME_Q, atol=1e-3)


@pytest.mark.parametrize("border", BORDERS)
def test_a_hand_that_moves_behind_a_border_is_followed_along_it_without_chatter(border):
    limiter = CommandLimiter()
    limiter.reset(HOME_Q)
    pans, jolts = [], []
    asked = 0.6 * np.sin(2.0 * np.arange(3000) * DT_S)
    last = np.zeros(6)
    for k, pan in enumerate(asked):
        command = limiter.limit(HOME_Q + min(1.0, k / 500) * BORDERS[border] + np.eye(6)[0] * pan, DT_S)
        pans.append(command.q[0])
        jolts.append(np.abs(command.qd - last).max() / DT_S)
        last = command.qd
    assert np.abs(np.array(pans) - asked)[1000:].max() < 0.05
    assert np.percentile(jolts[1000:], 99) < 20.0
    assert 0.0 <= ORACLE.least(command.q[None])[0] < 0.03  # at the border


def reversals(speeds, *, least=0.05):
    """Sign changes (of the worst joint) of speeds (k, n) that go beyond `least` [rad/s] on both sides."""
    worst = 0
    for column in speeds.T:
        signs = np.sign(column[np.abs(column) > least])
        worst = max(worst, int(np.sum(signs[1:] != signs[:-1])))
    return worst


@pytest.mark.parametrize("joint", range(6))
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_joint_run_into_its_range_stops_at_the_end_and_comes_back(joint, side):
    limiter = CommandLimiter(joints=JointLimits(lower=HOME_Q - 0.3, upper=HOME_Q + 0.3))
    limiter.reset(HOME_Q)
    asked = HOME_Q + side * 100.0 * np.eye(6)[joint]
    q = np.array([limiter.limit(asked, DT_S).q for _ in range(1000)])
    assert np.abs(q - HOME_Q).max() <= 0.3
    assert side * (q[-1] - HOME_Q)[joint] > 0.3 - 1e-6
    assert limiter.limit(asked, DT_S).reason == "joint range"
    q = np.array([limiter.limit(HOME_Q, DT_S).q for _ in range(1000)])
    np.testing.assert_allclose(q[-1], HOME_Q, atol=1e-9)
