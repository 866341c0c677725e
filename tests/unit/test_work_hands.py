"""Made-up operators with tools: they turn the wrist as people do, with the motion of the hand, and stop in between."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.geometry import rotation_angle
from teletwin.hand import load_hand
from teletwin.hand.synthetic import TOOL_HANDS, draw_hands
from teletwin.hand.synthetic.work_plan import WorkCfg

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
SPAN = 5
"""Speeds are taken over 50 ms."""


@functools.cache
def many(kind: str) -> np.ndarray:
    return draw_hands(kind, hands=30, duration_s=40.0, seed=7)


def speeds(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of position [mm/s] and orientation [deg/s]."""
    moved = np.linalg.norm(poses[..., SPAN:, :3] - poses[..., :-SPAN, :3], axis=-1)
    turned = rotation_angle(poses[..., SPAN:, 3:], poses[..., :-SPAN, 3:])
    return 1e3 * moved / (0.01 * SPAN), np.degrees(turned) / (0.01 * SPAN)


@pytest.mark.parametrize("kind", TOOL_HANDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_hand(kind):
    first, again, other = (draw_hands(kind, hands=3, duration_s=6.0, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert not np.allclose(first[..., :3], other[..., :3], atol=1e-3)
    assert np.abs(first[0] - first[1]).max() > 1e-3


@pytest.mark.parametrize("kind", TOOL_HANDS)
def test_wrists_turn_as_those_of_tool_users_and_rest_in_between(kind):
    moved, turned = speeds(many(kind))
    rms = np.sqrt((turned**2).mean(axis=1))
    assert 12.0 < rms.min() < rms.max() < 60.0
    assert 60.0 < np.percentile(turned, 99) < 105.0
    assert 15.0 < np.sqrt((moved**2).mean()) < 60.0
    assert np.mean((moved < 3.0) & (turned < 4.0)) > 0.1


@pytest.mark.parametrize("kind", TOOL_HANDS)
def test_hand_and_wrist_move_together(kind):
    moved, turned = speeds(many(kind))
    together = [np.corrcoef(m, t)[0, 1] for m, t in zip(moved, turned, strict=True)]
    assert np.median(together) > 0.4


@pytest.mark.parametrize("kind", TOOL_HANDS)
def test_poses_stay_within_the_reach_of_a_wrist(kind):
    poses = many(kind)
    assert np.isfinite(poses).all()
    np.testing.assert_allclose(np.linalg.norm(poses[..., 3:], axis=-1), 1.0, atol=1e-12)
    assert np.abs(poses[..., :3]).max() < 0.25
    middle = poses[:, :1, 3:]
    assert rotation_angle(poses[..., 3:], np.broadcast_to(middle, poses[..., 3:].shape)).max() < 2.2


@pytest.mark.parametrize("kind", TOOL_HANDS)
def test_in_the_arm_s_workspace_they_still_turn(kind):
    scaled = load_hand(f"{kind}:seed=3,duration=30,rate=100", home_pose=HOME)
    _, turned = speeds(scaled.poses)
    assert np.sqrt((turned**2).mean()) > 10.0
    assert scaled.scale > 0.9


def test_work_that_nobody_does_is_refused():
    with pytest.raises(ConfigError, match="the work is out of range"):
        WorkCfg(turn_rad=3.0)
    with pytest.raises(ConfigError, match="times are out of range"):
        WorkCfg(wait_s=(1.0, 0.5))
