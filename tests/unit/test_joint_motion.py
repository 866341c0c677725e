from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.motion import SPEED_LIMIT_RAD_S, JointMotion, MotionMode


def run(motion, count):
    path = []
    for _ in range(count):
        motion.step()
        path.append(motion.q.copy())
    return np.array(path)


def test_a_move_arrives_exactly_within_speed_and_acceleration():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    goal = np.array([0.5, -0.3, 0.2, 0.1, 0.0, 0.4])
    motion.move(goal, speed=1.0, acceleration=2.0)
    path = run(motion, 700)
    speed = np.diff(path, axis=0) / 0.002
    assert motion.at_rest
    np.testing.assert_array_equal(motion.q, goal)
    assert np.abs(speed).max() <= 1.0 + 1e-6
    assert np.abs(np.diff(speed, axis=0)).max() / 0.002 <= 2.0 + 0.05


def test_a_move_to_the_present_place_ends_at_once():
    motion = JointMotion()
    motion.reset(np.ones(6))
    motion.move(np.ones(6), speed=1.0, acceleration=1.0)
    motion.step()
    assert motion.at_rest


def test_speed_ramps_up_and_ends_after_its_time():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    motion.speed(np.full(6, 0.4), acceleration=2.0, duration_s=0.5)
    run(motion, 200)
    assert motion.qd == pytest.approx(0.4)
    run(motion, 300)
    assert motion.at_rest


def test_stop_brakes_without_a_jump():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    motion.speed(np.full(6, 1.0), acceleration=5.0, duration_s=0.0)
    run(motion, 200)
    motion.stop(deceleration=5.0)
    path = run(motion, 200)
    assert motion.at_rest
    assert np.abs(np.diff(path, axis=0)).max() <= 1.0 * 0.002 + 1e-9


def test_a_wild_set_point_moves_no_joint_faster_than_its_limit():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    motion.servo(np.full(6, 50.0), lookahead_s=0.03, gain=2000)
    path = run(motion, 300)
    speed = np.abs(np.diff(path, axis=0)) / 0.002
    assert (speed <= SPEED_LIMIT_RAD_S + 1e-6).all()


def test_servo_holds_the_last_set_point_when_none_follow():
    motion = JointMotion()
    motion.reset(np.zeros(6))
    motion.servo(np.full(6, 0.05), lookahead_s=0.03, gain=1200)
    run(motion, 500)
    assert motion.mode == MotionMode.SERVO
    assert motion.q == pytest.approx(0.05, abs=1e-6)
