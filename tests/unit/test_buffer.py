"""The queue of past poses."""

import numpy as np
import pytest

from teletwin.buffer import PoseHistory

MS = 1_000_000


def pose(x, quat=(1.0, 0.0, 0.0, 0.0)):
    return np.array([x, 0.0, 0.0, *quat])


def filled(count, *, step_ns=10 * MS, capacity=4096):
    history = PoseHistory(capacity=capacity)
    for k in range(count):
        history.append((k + 1) * step_ns, pose(0.001 * k))
    return history


def test_time_must_increase():
    history = filled(3)
    assert not history.append(30 * MS, pose(9.0))
    assert not history.append(5 * MS, pose(9.0))
    assert len(history) == 3
    assert history.newest_pose[0] == pytest.approx(0.002)


def test_a_window_ends_at_the_newest_sample_and_repeats_the_oldest_before_the_first():
    window = filled(5).window(8, step_ns=10 * MS)
    assert window[:, 0].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.001, 0.002, 0.003, 0.004])


def test_a_window_of_uneven_samples_lies_between_its_neighbours():
    history = PoseHistory()
    for t_ms in (0, 7, 14, 21, 28):
        history.append(t_ms * MS + 1, pose(0.1 * t_ms))
    assert history.window(3, step_ns=10 * MS)[:, 0].tolist() == pytest.approx([0.8, 1.8, 2.8])


def test_a_window_never_changes_when_later_samples_come():
    history = filled(50)
    before = history.window(20, step_ns=10 * MS)
    history.append(10_000 * MS, pose(5.0))
    assert np.array_equal(before, filled(50).window(20, step_ns=10 * MS))


def test_quaternions_stay_in_one_hemisphere():
    history = filled(2)
    history.append(100 * MS, pose(0.0, (-1.0, 0.0, 0.0, 0.0)))
    assert history.newest_pose[3] == 1.0


def test_the_newest_samples_survive_when_the_memory_slides():
    history = filled(1000, capacity=64)
    times, poses = history.samples()
    assert len(history) == 64
    assert times[-1] == 1000 * 10 * MS
    assert poses[0, 0] == pytest.approx(0.001 * (1000 - 64))


def test_a_pose_between_two_samples_is_interpolated_and_outside_there_is_none():
    history = filled(3)
    assert history.at(15 * MS)[0] == pytest.approx(0.0005)
    assert history.at(5 * MS) is None
    assert history.at(31 * MS) is None
    assert PoseHistory().at(0) is None
