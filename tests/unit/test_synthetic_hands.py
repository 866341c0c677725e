"""Made-up operators: repeatable, and as fast, as jerky and as predictable as people were measured to be."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.geometry import rotation_angle
from teletwin.hand import load_hand, raw_hand
from teletwin.hand.synthetic import SYNTHETIC_HANDS, draw_hands, draw_recording
from teletwin.hand.synthetic.body import BodyCfg
from teletwin.hand.synthetic.reach import ReachCfg

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
KINDS = sorted(SYNTHETIC_HANDS)


@functools.cache
def many(kind: str) -> np.ndarray:
    return draw_hands(kind, hands=60, duration_s=30.0, seed=7)


def derivative(poses: np.ndarray, order: int) -> np.ndarray:
    """Size of the derivative of the position, by a cubic over 70 ms (Savitzky and Golay)."""
    powers = np.vander(0.01 * np.arange(-3, 4), 4, increasing=True)
    weights = np.linalg.pinv(powers)[order] * [1, 1, 2, 6][order]
    windows = np.lib.stride_tricks.sliding_window_view(poses[..., :3], 7, axis=1)
    return np.linalg.norm(windows @ weights, axis=-1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_hand(kind):
    first, again, other = (draw_hands(kind, hands=3, duration_s=5.0, seed=seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert not np.allclose(first[..., :3], other[..., :3], atol=1e-3)
    assert np.abs(first[0, :, :3] - first[1, :, :3]).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_poses_are_finite_with_unit_quaternions_within_the_reach_of_a_wrist(kind):
    poses = many(kind)
    assert poses.shape == (60, 3000, 7)
    assert np.isfinite(poses).all()
    np.testing.assert_allclose(np.linalg.norm(poses[..., 3:], axis=-1), 1.0, atol=1e-12)
    assert np.abs(poses[..., :3]).max() < 0.25
    assert derivative(poses, 1).max() < 0.6
    assert rotation_angle(poses[:, 1:, 3:], poses[:, :-1, 3:]).max() < 0.05


@pytest.mark.parametrize(
    ("kind", "speed_mm_s", "p90_mm_s", "acceleration", "jerk"),
    [  # measured: Touch 16, 38, 0.085, 2.9; surgery 11, 55, 0.083, 0.9; pen 16, 57, 0.31, 7.6
        ("line", (12, 20), (32, 48), (0.04, 0.12), (1.5, 5.0)),
        ("reach", (7, 15), (42, 68), (0.06, 0.16), (0.8, 5.0)),
        ("write", (12, 22), (42, 70), (0.2, 0.4), (5.0, 11.0)),
        ("trace", (25, 60), (50, 100), (0.08, 0.3), (2.0, 10.0)),
    ],
)
def test_speed_acceleration_and_jerk_are_those_of_people(kind, speed_mm_s, p90_mm_s, acceleration, jerk):
    speed, acc, jrk = (derivative(many(kind), order) for order in (1, 2, 3))
    assert speed_mm_s[0] < 1e3 * np.median(speed) < speed_mm_s[1]
    assert p90_mm_s[0] < 1e3 * np.percentile(speed, 90) < p90_mm_s[1]
    assert acceleration[0] < np.median(acc) < acceleration[1]
    assert jerk[0] < np.median(jrk) < jerk[1]


def test_a_traced_line_moves_at_26_mm_s_rms():
    assert np.sqrt(np.mean(derivative(many("line"), 1) ** 2)) == pytest.approx(0.026, abs=0.002)


def test_tremor_is_a_narrow_band_of_its_size_and_drift_is_slow():
    still = ReachCfg(amplitude_median_m=1e-9)
    calm = BodyCfg(drift_m=0.0, quantum_m=0.0)
    tremor = draw_hands("reach", hands=40, duration_s=30.0, seed=3, motion=still, body=calm)[..., :3]
    rms = np.sqrt((tremor**2).sum(axis=2).mean(axis=1))
    assert 10e-6 < rms.min() < rms.max() < 22e-6
    power = (np.abs(np.fft.rfft(tremor, axis=1)) ** 2).sum(axis=(0, 2))
    frequency = np.fft.rfftfreq(3000, 0.01)
    assert power[(frequency > 6.0) & (frequency < 13.0)].sum() > 0.98 * power.sum()
    slow = BodyCfg(tremor_m=(0.0, 0.0), quantum_m=0.0)
    drift = draw_hands("reach", hands=40, duration_s=60.0, seed=3, motion=still, body=slow)[..., :3]
    assert np.sqrt((drift**2).sum(axis=2).mean()) == pytest.approx(0.4e-3, rel=0.2)
    assert np.median(derivative(drift, 2)) < 2e-3


def test_positions_lie_on_the_grid_of_the_sensor():
    steps = many("write")[..., :3] / 5e-6
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)


def test_a_reaching_hand_stops_and_a_tracing_hand_does_not():
    resting = {kind: np.mean(derivative(many(kind), 1) < 0.002) for kind in ("reach", "trace")}
    assert resting["reach"] > 0.1
    assert resting["trace"] < 0.01


def test_the_two_thirds_law_slows_the_hand_where_its_way_bends():
    velocity = np.gradient(many("trace")[:, ::5, :3], 0.05, axis=1)
    turn = np.linalg.norm(np.cross(velocity, np.gradient(velocity, 0.05, axis=1)), axis=2)
    speed = np.linalg.norm(velocity, axis=2)
    curvature = turn / speed**3
    slope = np.polyfit(np.log(curvature[curvature > 15.0]), np.log(speed[curvature > 15.0]), 1)[0]
    assert slope == pytest.approx(-1.0 / 3.0, abs=0.1)


def test_a_hand_is_found_by_its_name_and_placed_before_the_arm():
    recording = load_hand("line:seed=3,duration=10", home_pose=HOME)
    assert recording.scale == 1.0
    assert recording.duration_s == pytest.approx(10.0, abs=0.01)
    assert np.linalg.norm(np.median(recording.poses[:, :3], axis=0) - HOME[:3]) < 0.15
    np.testing.assert_array_equal(raw_hand("line:seed=3").poses, draw_recording("line", seed=3).poses)
    assert raw_hand("reach").name == "reach:seed=0"


@pytest.mark.parametrize(
    "name", ["line:sed=3", "line:seed", "reach:seed=x", "trace:seed=nan", "trace:seed=1.5", "write:duration=0"]
)
def test_a_name_that_says_nothing_known_is_refused_with_what_is_allowed(name):
    with pytest.raises(ConfigError, match="allowed"):
        load_hand(name, home_pose=HOME)


def test_thousands_of_hands_are_made_at_once():
    poses = draw_hands("reach", hands=1000, duration_s=5.0, seed=1)
    assert poses.shape == (1000, 500, 7)
    assert len(np.unique(poses[:, -1, 0])) > 900
