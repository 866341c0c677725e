"""The twin learns how long its commands take to become motion."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.twin.downstream import DownstreamEstimate

MS = 1_000_000


def drive(estimate, *, lag_ms, seconds=20.0, age_ms=8.0, noise=0.0, speed=1.0):
    """Commands every 2 ms on a sine; the arm reports every 8 ms what it was told lag_ms ago."""
    rng = np.random.default_rng(0)

    def joints(t_s):
        return 0.3 * np.sin(2.0 * speed * t_s + np.arange(6)) * np.ones(6)

    for tick in range(int(seconds * 500)):
        t_ns = 2 * MS * tick
        estimate.commanded(t_ns, joints(t_ns * 1e-9))
        if tick % 4 == 0 and tick > 100:
            q = joints(t_ns * 1e-9 - 1e-3 * lag_ms) + noise * rng.standard_normal(6)
            estimate.reported(t_ns, q, command_age_s=1e-3 * age_ms)
    return estimate


@pytest.mark.parametrize("lag_ms", [15.0, 34.0, 60.0])
def test_the_lag_of_the_arm_is_learned_from_its_motion(lag_ms):
    estimate = drive(DownstreamEstimate(joint_count=6, servo_lag_s=0.034), lag_ms=lag_ms)
    assert estimate.servo_lag_s == pytest.approx(1e-3 * lag_ms, abs=1.5e-3)
    assert estimate.link_s == pytest.approx(8e-3, abs=1e-4)
    assert estimate.total_s == estimate.link_s + estimate.servo_lag_s


def test_noise_of_the_encoders_does_not_move_it_far():
    estimate = drive(DownstreamEstimate(joint_count=6, servo_lag_s=0.034), lag_ms=40.0, noise=1e-3)
    assert estimate.servo_lag_s == pytest.approx(0.040, abs=3e-3)


def test_an_arm_at_rest_teaches_nothing():
    estimate = DownstreamEstimate(joint_count=6, servo_lag_s=0.034)
    for tick in range(2000):
        estimate.commanded(2 * MS * tick, np.zeros(6))
        estimate.reported(2 * MS * tick, 1e-4 * np.ones(6), command_age_s=0.0)
    assert estimate.servo_lag_s == pytest.approx(0.034, abs=1e-4)


def test_an_arm_that_something_else_moves_is_not_believed():
    estimate = DownstreamEstimate(joint_count=6, servo_lag_s=0.034)
    for tick in range(2000):
        t_ns = 2 * MS * tick
        estimate.commanded(t_ns, 0.3 * np.sin(t_ns * 1e-9) * np.ones(6))
        estimate.reported(t_ns, 2.0 * np.ones(6), command_age_s=0.0)
    assert estimate.servo_lag_s == pytest.approx(0.034, abs=5e-3)


def test_an_unknown_age_changes_nothing():
    estimate = DownstreamEstimate(joint_count=6, servo_lag_s=0.034)
    estimate.reported(0, np.zeros(6), command_age_s=-1.0)
    assert estimate.link_s == 0.0


def test_an_arm_on_its_way_to_the_commands_tells_its_link_but_no_lag():
    estimate = drive(DownstreamEstimate(joint_count=6, servo_lag_s=0.034), lag_ms=34.0)
    learned_s = estimate.servo_lag_s
    for report in range(50):
        t_ns = 20_000 * MS + 8 * MS * report
        estimate.commanded(t_ns, np.full(6, 1e-3 * report))
        estimate.reported(t_ns, np.zeros(6), command_age_s=0.02, follows=False)
    assert estimate.servo_lag_s == learned_s
    assert estimate.link_s > 0.009
