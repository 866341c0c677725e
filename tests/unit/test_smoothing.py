"""The smoothing between the policy's outputs."""

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.twin.smoothing import Smoothing

MS = 1_000_000
Q0 = np.array([0.0, -1.0, 0.9, 0.0, 0.1, 2.0])
QD = np.array([0.5, -0.2, 1.0, 2.0, -3.0, 0.0])


def accelerated(t_ns, qdd=4.0):
    t = t_ns / 1e9
    return Q0 + QD * t + 0.5 * qdd * t * t, QD + qdd * t


def settled(reading="moving", *, update_ms=10, motion=accelerated):
    smoothing = Smoothing(interval_s=0.01, reading=reading)
    smoothing.reset(Q0)
    for t_ns in range(0, 200 * MS + 1, update_ms * MS):
        smoothing.update(t_ns, *motion(t_ns))
    return smoothing


def test_before_an_update_the_joints_stand_where_they_were_reset():
    smoothing = Smoothing()
    smoothing.reset(Q0)
    q, qd = smoothing.at(123)
    np.testing.assert_array_equal(q, Q0)
    np.testing.assert_array_equal(qd, 0.0)


@pytest.mark.parametrize("update_ms", [2, 5, 10])
def test_accelerated_motion_passes_without_lag_when_both_ends_move(update_ms):
    smoothing = settled(update_ms=update_ms)
    for t_ns in range(200 * MS, 210 * MS, MS):
        q, qd = smoothing.at(t_ns)
        expected_q, expected_qd = accelerated(t_ns)
        # The tolerance is what remains of the blend at the start, which began at rest.
        np.testing.assert_allclose(q, expected_q, atol=2e-4)
        np.testing.assert_allclose(qd, expected_qd, atol=2e-2)


def test_the_moving_reading_has_no_saw_tooth_and_the_paper_reading_has():
    jump = {}
    for reading in ("paper", "moving"):
        smoothing = settled(reading)
        before = smoothing.at(210 * MS - 1)[1]
        smoothing.update(210 * MS, *accelerated(210 * MS))
        jump[reading] = np.abs(smoothing.at(210 * MS)[1] - before).max()
    assert jump["moving"] < 1e-3
    assert jump["paper"] > 5.0  # twice the speed of the fastest joint


def test_the_paper_reading_follows_the_square_from_the_last_to_the_new_position():
    smoothing = Smoothing(interval_s=0.01, reading="paper")
    smoothing.reset(np.zeros(2))
    smoothing.update(0, np.array([1.0, -2.0]), np.array([9.0, 9.0]))
    smoothing.update(4 * MS, np.array([7.0, 7.0]), np.zeros(2))  # the slot's sample is taken already
    for t_ms in range(0, 11):
        q, qd = smoothing.at(t_ms * MS)
        np.testing.assert_allclose(q, np.array([1.0, -2.0]) * (t_ms / 10) ** 2, atol=1e-15)
        if t_ms < 10:
            np.testing.assert_allclose(qd, np.array([1.0, -2.0]) * 2 * (t_ms / 10) / 0.01, atol=1e-12)
    np.testing.assert_allclose(smoothing.at(15 * MS)[0], [1.0, -2.0])


def test_the_path_does_not_jump_when_the_policy_does():
    smoothing = settled()
    before = smoothing.at(204 * MS - 1)[0]
    smoothing.update(204 * MS, Q0 + 1.0, np.zeros(6))
    np.testing.assert_allclose(smoothing.at(204 * MS)[0], before, atol=1e-6)
    assert np.abs(smoothing.at(214 * MS)[0] - (Q0 + 1.0)).max() < 0.2


def test_a_silent_policy_leaves_the_joints_at_rest():
    smoothing = settled()
    late_q, late_qd = smoothing.at(800 * MS)
    np.testing.assert_array_equal(late_qd, 0.0)
    np.testing.assert_array_equal(smoothing.at(900 * MS)[0], late_q)
    np.testing.assert_allclose(late_q, accelerated(220 * MS)[0], atol=1e-9)


def test_asking_changes_nothing_and_answers_are_copies():
    smoothing = settled()
    q, qd = smoothing.at(203 * MS)
    kept = q.copy()
    q += 1.0
    qd += 1.0
    np.testing.assert_array_equal(smoothing.at(203 * MS)[0], kept)


def test_an_older_update_is_ignored():
    smoothing = settled()
    expected = smoothing.at(205 * MS)[0]
    smoothing.update(150 * MS, Q0 + 3.0, QD)
    np.testing.assert_array_equal(smoothing.at(205 * MS)[0], expected)


def test_wrong_settings_are_refused_with_what_is_allowed():
    with pytest.raises(ConfigError, match="allowed"):
        Smoothing(interval_s=0.0)
    with pytest.raises(ConfigError, match="paper"):
        Smoothing(reading="fast")
