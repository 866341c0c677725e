"""What every batch of arms promises, whatever simulates it."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.robot.ur3e import HOME_Q, JointLimits
from teletwin.sim.batched import BATCHES, build_batch
from teletwin.sim.lagged_batch import LaggedBatch, LaggedBatchCfg
from teletwin.sim.mujoco_batch import MujocoBatch
from teletwin.sim.mujoco_world import MujocoWorld, MujocoWorldCfg

COUNT = 5


@pytest.fixture(params=BATCHES)
def batch(request):
    return build_batch(request.param, COUNT)


def targets(seed=1):
    return HOME_Q + np.random.default_rng(seed).uniform(-0.2, 0.2, (COUNT, 6))


def run(batch, goal, *, seconds=0.5, dt_s=0.01):
    for _ in range(round(seconds / dt_s)):
        batch.step(goal, dt_s)
    return batch.q.copy()


def test_every_arm_starts_at_home_at_rest(batch):
    assert batch.count == COUNT
    assert batch.q == pytest.approx(np.tile(HOME_Q, (COUNT, 1)))
    assert not batch.qd.any()


def test_every_arm_comes_to_its_own_target(batch):
    assert run(batch, targets(), seconds=1.0) == pytest.approx(targets(), abs=2e-3)
    assert np.abs(batch.qd).max() < 0.05


def test_no_arm_is_faster_than_a_ur3e(batch):
    far = np.tile(HOME_Q + 1.0, (COUNT, 1))
    for _ in range(20):
        batch.step(far, 0.01)
        assert np.all(np.abs(batch.qd) <= 1.05 * JointLimits().velocity)


def test_a_reset_of_some_leaves_the_others_alone(batch):
    before = run(batch, targets())
    batch.reset(np.zeros((2, 6)), rows=np.array([3, 1]))
    assert batch.q[[1, 3]] == pytest.approx(np.zeros((2, 6)))
    assert np.array_equal(batch.q[[0, 2, 4]], before[[0, 2, 4]])
    assert not batch.qd[[1, 3]].any()


def test_the_same_targets_after_a_reset_give_the_same_bytes(batch):
    first = run(batch, targets())
    batch.reset(HOME_Q)
    assert run(batch, targets()).tobytes() == first.tobytes()


def test_no_time_no_motion(batch):
    batch.step(targets(), 0.0)
    assert batch.q == pytest.approx(np.tile(HOME_Q, (COUNT, 1)))


def test_an_arm_in_a_batch_moves_as_it_would_alone():
    batch, alone = MujocoBatch(COUNT), MujocoWorld(MujocoWorldCfg(scene="bare"))
    alone.reset(HOME_Q)
    run(batch, targets())
    for _ in range(50):
        alone.step(targets()[2], 0.01)
    assert np.array_equal(batch.q[2], alone.q)


def test_the_lag_is_what_was_asked_for_at_any_step():
    goal = np.tile(HOME_Q + 0.01, (1, 1))
    for dt_s in (0.001, 0.01, 0.05):
        batch = LaggedBatch(1, LaggedBatchCfg(lag_s=0.05))
        run(batch, goal, seconds=0.05, dt_s=dt_s)
        assert batch.q - HOME_Q == pytest.approx(0.01 * (1 - np.exp(-1.0)), rel=1e-9)


@pytest.mark.parametrize("count", [0, -1, 10**6])
def test_a_number_of_arms_that_makes_no_sense_is_refused(count):
    with pytest.raises(ConfigError, match="number of arms"):
        build_batch("lag", count)


def test_an_unknown_simulator_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="lag, mujoco"):
        build_batch("gazebo", 1)
