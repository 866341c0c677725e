"""The reference: a smooth motion through targets that jump, as near to the hand as the targets allow."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.twin.reference import ReferenceCfg, ReferenceFilter
from teletwin.twin.rmpflow.policy import load_ur3e_rmpflow
from teletwin.twin.target import PathCfg

DT_S = 0.002
HORIZON_S = 0.16


def follow(targets, *, cfg=None, dt_s=DT_S, horizon_s=HORIZON_S):
    """Positions (n, 3), velocities (n, 3) and quaternions (n, 4) through targets (n, 7)."""
    reference, out = ReferenceFilter(cfg or ReferenceCfg()), []
    for pose in targets:
        reference.follow(pose, dt_s, horizon_s)
        out.append((list(reference.position), list(reference.velocity), list(reference.quat)))
    return tuple(np.array(column) for column in zip(*out, strict=True))


def moving(position):
    """Poses (n, 7) at positions (n,) along x, upright."""
    poses = np.zeros((len(position), 7))
    poses[:, 0], poses[:, 3] = position, 1.0
    return poses


def test_uniform_motion_passes_without_lag_at_any_tick():
    for dt_s in (0.002, 0.004, 0.01):
        t = dt_s * np.arange(round(2.0 / dt_s))
        position, velocity, _ = follow(moving(0.2 * t), dt_s=dt_s)
        assert position[-1, 0] == pytest.approx(0.2 * t[-1], abs=1e-6)
        assert velocity[-1, 0] == pytest.approx(0.2, rel=1e-4)


def test_a_slow_hand_is_passed_and_fast_shaking_is_not():
    t = DT_S * np.arange(2000)
    slow = 0.05 * np.sin(2 * np.pi * 0.5 * t)
    position, _, _ = follow(moving(slow))
    assert np.abs(position[1000:, 0] - slow[1000:]).max() < 0.0015
    position, _, _ = follow(moving(slow + 0.002 * np.sin(2 * np.pi * 15.0 * t)))
    assert np.abs(position[1000:, 0] - slow[1000:]).max() < 0.0025


def test_a_hand_that_stops_is_followed_to_its_place():
    t = DT_S * np.arange(1000)
    position, velocity, _ = follow(moving(0.3 * np.minimum(t, 0.5)))
    after = position[250 + 150 :, 0]  # 0.3 s later
    assert np.abs(after - 0.15).max() < 0.002
    assert np.abs(velocity[-1]).max() < 1e-4


def test_jumps_beside_little_motion_raise_doubt_and_are_smoothed_more():
    rng = np.random.default_rng(1)
    targets = moving(np.repeat(0.002 * rng.normal(size=400), 5))
    trusting = ReferenceCfg(doubt_time=0.0, doubt_lag=0.0)
    doubting, plain = follow(targets), follow(targets, cfg=trusting)
    assert doubting[1][1000:, 0].std() < 0.7 * plain[1][1000:, 0].std()


def test_orientation_is_filtered_as_position_is():
    t = DT_S * np.arange(1500)
    poses = moving(np.zeros(len(t)))
    poses[:, 3], poses[:, 6] = np.cos(0.25 * t), np.sin(0.25 * t)  # 0.5 rad/s about z
    _, _, quat = follow(poses)
    behind = 2.0 * np.arccos(np.clip(np.abs((quat * poses[:, 3:]).sum(axis=1)), 0.0, 1.0))
    assert behind[-500:].max() < 1e-6
    assert np.linalg.norm(quat, axis=1) == pytest.approx(1.0)


def test_a_turned_sign_of_the_quaternion_moves_nothing():
    poses = moving(np.zeros(200))
    poses[100:, 3:] *= -1.0
    _, _, quat = follow(poses)
    assert np.abs(quat[:, 1:]).max() < 1e-12


def test_the_leads_belong_to_the_motion_policys_damping():
    config = load_ur3e_rmpflow()
    assert PathCfg().lead_s == pytest.approx(1.0 / config.target.accel_d_gain)
    assert PathCfg().turn_lead_s == pytest.approx(1.0 / config.axis_target.accel_d_gain)


@pytest.mark.parametrize("change", [{"time_s": 0.0}, {"damping": 0.0}, {"entry": 0.5}, {"averaging_s": 0.0}])
def test_a_reference_that_would_not_be_stable_is_refused(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        ReferenceCfg(**change)
