"""Gaps in the stream of set-points: the joints brake at once, and come back to the stream, within 42 rad/s^2."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.bridge import GAP_CYCLES, Phase, SetPointBridge
from teletwin.arm.motion import SPEED_LIMIT_RAD_S, JointMotion
from teletwin.arm.stop_plan import STOP_ACCELERATION_RAD_S2, STOP_JERK_RAD_S3, stop_accelerations

CYCLE_S = 0.002
DIRECTION = np.array([1.0, -0.5, 0.5, 1.0, -1.0, 0.8])


def stream(count, amplitude=0.35):
    """A swing of up to 2.2 rad/s that begins at rest, (count, 6) [rad]."""
    t_s = CYCLE_S * np.arange(count)
    grow = np.minimum(t_s / 0.5, 1.0)
    return (amplitude * grow**2 * (3.0 - 2.0 * grow) * np.sin(2.0 * np.pi * t_s))[:, None] * DIRECTION


def drive(q, missing, *, resumes_late=False):
    """Reference of every cycle (n, 6) for set-points q of which those in `missing` do not come."""
    motion = JointMotion()
    motion.reset(q[0])
    path, lost, steps, behind = [], set(missing), 1, 0
    for k in range(len(q)):
        if k in lost:
            steps, behind = steps + (not resumes_late), behind + resumes_late
        else:
            motion.servo(q[k - behind], lookahead_s=0.03, gain=1200.0, steps=steps)
            steps = 1
        motion.step()
        path.append(motion.q.copy())
    return np.array(path)


def peaks(path):
    acceleration = np.diff(path, n=2, axis=0) / CYCLE_S**2
    return np.abs(acceleration).max(), np.abs(np.diff(acceleration, axis=0)).max() / CYCLE_S


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("gap", [1, 2, 5, 10, 11, 25, 50, 400])
def test_a_gap_of_any_length_keeps_acceleration_and_jerk(gap, late):
    path = drive(stream(900), range(500, 500 + gap), resumes_late=late)
    hardest, jerk = peaks(path)
    assert hardest <= STOP_ACCELERATION_RAD_S2 + 2.0
    assert jerk <= STOP_JERK_RAD_S3


def test_without_a_gap_set_points_pass_unchanged():
    bridge = SetPointBridge(cycle_s=CYCLE_S, speed_limit=SPEED_LIMIT_RAD_S)
    q = stream(600)
    bridge.reset(q[0])
    assert all(np.array_equal(bridge.step(each), each) for each in q)


def test_a_short_gap_is_made_up_for_and_forgotten():
    q = stream(1500)
    plain, bridged = drive(q, ()), drive(q, (500, 501))
    assert np.abs(bridged - plain).max() < 2e-3
    np.testing.assert_allclose(bridged[-1], plain[-1], atol=1e-5)


def test_after_a_long_gap_set_points_are_dropped_until_the_joints_stand():
    q = stream(900)
    bridge = SetPointBridge(cycle_s=CYCLE_S, speed_limit=SPEED_LIMIT_RAD_S)
    bridge.reset(q[0])
    for each in q[:500]:
        bridge.step(each)
    for _ in range(GAP_CYCLES + 1):
        bridge.step(None)
    assert bridge.is_stopping
    while bridge.is_stopping:
        before = bridge.q.copy()
        bridge.step(q[-1])
    np.testing.assert_allclose(bridge.q, before, atol=1e-3)
    assert bridge.phase is Phase.BRAKE


def test_one_set_point_far_away_is_no_motion_to_go_on_with():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    motion.servo(np.full(6, 0.3), lookahead_s=0.03, gain=1200.0, steps=1)
    for _ in range(400):
        motion.step()
    np.testing.assert_allclose(motion.q, 0.3, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_a_stop_ends_at_rest_within_acceleration_and_jerk(seed):
    rng = np.random.default_rng(seed)
    qd, qdd = rng.uniform(-1.0, 1.0, 6) * SPEED_LIMIT_RAD_S, rng.uniform(-40.0, 40.0, 6)
    plan = stop_accelerations(qd, qdd, most=40.0, cycle_s=CYCLE_S)
    np.testing.assert_allclose(qd + CYCLE_S * plan.sum(axis=0), 0.0, atol=1e-9)
    assert np.abs(plan).max() <= 40.0 + 1e-9
    steps = np.diff(np.vstack([qdd, plan, np.zeros(6)]), axis=0)
    assert np.abs(steps).max() / CYCLE_S <= STOP_JERK_RAD_S3 + 1e-6


def test_the_controllers_own_stop_is_smooth():
    motion = JointMotion()
    q = stream(500)
    motion.reset(q[0])
    path = []
    for each in q:
        motion.servo(each, lookahead_s=0.03, gain=1200.0, steps=1)
        motion.step()
        path.append(motion.q.copy())
    motion.stop(deceleration=40.0)
    while not motion.at_rest:
        motion.step()
        path.append(motion.q.copy())
    hardest, jerk = peaks(np.array(path))
    assert hardest <= 42.0
    assert jerk <= STOP_JERK_RAD_S3


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("gap", [1, 2, 5, 25])
def test_set_points_at_a_part_of_the_rate_are_joined_again_after_a_gap(period, gap):
    """Between two of them the joints go on joining; to brake there would keep them from ever coming back."""
    bridge = SetPointBridge(cycle_s=CYCLE_S, speed_limit=SPEED_LIMIT_RAD_S)
    q = stream(2400)
    bridge.reset(q[0])
    path, steps, lost = [], 1, range(400, 400 + gap * period, period)
    for k in range(len(q)):
        comes = k % period == 0 and k not in lost
        path.append(bridge.step(q[k] if comes else None, steps=steps, period_cycles=period).copy())
        if k % period == 0:
            steps = 1 if comes else steps + 1
    assert bridge.phase is Phase.FOLLOW
    away = np.abs(np.array(path) - q).max(axis=1)
    assert away[400 + gap * period + 750 :].max() < 2e-3, "back within one second and a half"
