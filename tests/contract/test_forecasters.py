"""What every forecaster promises, whatever its name."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.forecast import FORECASTERS, NEEDS_EXTRA, WINDOW_COUNT, WINDOW_STEP_S, build_forecaster
from teletwin.geometry import quat_from_rotvec, rotation_angle
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

SPEED_M_S = 1.5
TURN_RATE_RAD_S = 6.0


@pytest.fixture(scope="module", params=sorted(set(FORECASTERS) - NEEDS_EXTRA))
def forecaster(request):
    return build_forecaster(request.param)


def moving_hand(count=WINDOW_COUNT, *, seed=0, noise_m=1e-4):
    rng = np.random.default_rng(seed)
    t = WINDOW_STEP_S * np.arange(count)
    position = 0.05 * np.stack([np.sin(4 * t), np.cos(3 * t), np.sin(2 * t + 1)], axis=1)
    turn = 0.3 * np.stack([np.sin(3 * t), np.cos(2 * t), np.sin(t)], axis=1)
    poses = np.concatenate([position, quat_from_rotvec(turn)], axis=1)
    poses[:, :3] += noise_m * rng.normal(size=(count, 3))
    return poses


def curve_of(forecaster, window):
    out = np.full((CURVE_KNOTS, 7), np.nan)
    forecaster.forecast(window, out=out)
    return out


def test_the_curve_is_finite_and_its_quaternions_are_of_unit_length(forecaster):
    curve = curve_of(forecaster, moving_hand())
    assert np.isfinite(curve).all()
    np.testing.assert_allclose(np.linalg.norm(curve[:, 3:], axis=1), 1.0, atol=1e-12)


def test_the_curve_starts_at_the_newest_pose(forecaster):
    window = moving_hand()
    np.testing.assert_allclose(curve_of(forecaster, window)[0], window[-1], atol=1e-12)


def test_a_hand_at_rest_is_forecast_at_rest(forecaster):
    window = np.repeat(moving_hand()[:1], WINDOW_COUNT, axis=0)
    np.testing.assert_allclose(curve_of(forecaster, window), np.repeat(window[:1], CURVE_KNOTS, axis=0), atol=1e-12)


def test_earlier_windows_do_not_change_a_forecast(forecaster):
    window = moving_hand(seed=1)
    fresh = curve_of(forecaster, window)
    curve_of(forecaster, moving_hand(seed=2, noise_m=1e-2))
    np.testing.assert_array_equal(curve_of(forecaster, window), fresh)
    forecaster.reset()
    np.testing.assert_array_equal(curve_of(forecaster, window), fresh)


def test_the_future_is_not_read(forecaster):
    long = moving_hand(3 * WINDOW_COUNT)
    past = long[:WINDOW_COUNT]
    before = curve_of(forecaster, past)
    long[WINDOW_COUNT:] = np.nan
    np.testing.assert_array_equal(curve_of(forecaster, past), before)


def test_the_window_is_left_as_it_was(forecaster):
    window = moving_hand()
    kept = window.copy()
    curve_of(forecaster, window)
    np.testing.assert_array_equal(window, kept)


def test_moving_the_whole_window_moves_the_forecast(forecaster):
    window = moving_hand()
    shifted = window.copy()
    shifted[:, :3] += 0.25
    difference = curve_of(forecaster, shifted)[:, :3] - curve_of(forecaster, window)[:, :3]
    np.testing.assert_allclose(difference, 0.25, atol=1e-9)


@pytest.mark.parametrize("channel", range(7))
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 50, WINDOW_COUNT - 1])
def test_a_bad_sample_never_reaches_the_curve(forecaster, channel, bad, row):
    window = moving_hand()
    window[row, channel] = bad
    curve = curve_of(forecaster, window)
    assert np.isfinite(curve).all()
    if channel < 3:
        others = [c for c in range(3) if c != channel]
        assert np.ptp(curve[:, channel]) == 0.0  # held
        assert np.abs(curve[:, others] - window[-1, others]).max() <= SPEED_M_S * 0.5


@pytest.mark.parametrize("value", [np.nan, 0.0, 1e300, -1e300])
def test_a_window_of_rubbish_gives_a_finite_unit_curve(forecaster, value):
    curve = curve_of(forecaster, np.full((WINDOW_COUNT, 7), value))
    assert np.isfinite(curve).all()
    np.testing.assert_allclose(np.linalg.norm(curve[:, 3:], axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_no_forecast_moves_or_turns_faster_than_a_hand(forecaster, scale):
    rng = np.random.default_rng(5)
    window = moving_hand()
    window[:, :3] = scale * np.cumsum(rng.normal(size=(WINDOW_COUNT, 3)), axis=0)
    window[:, 3:] = quat_from_rotvec(np.cumsum(rng.normal(size=(WINDOW_COUNT, 3)), axis=0))
    curve = curve_of(forecaster, window)
    horizon_s = CURVE_STEP_S * np.arange(CURVE_KNOTS)
    distance = np.linalg.norm(curve[:, :3] - curve[0, :3], axis=1)
    assert np.isfinite(curve).all()
    assert (distance <= SPEED_M_S * horizon_s + 1e-9 * scale).all()
    assert (rotation_angle(curve[0, 3:], curve[:, 3:]) <= TURN_RATE_RAD_S * horizon_s + 1e-7).all()


def test_a_step_does_not_run_away(forecaster):
    window = np.repeat(moving_hand()[:1], WINDOW_COUNT, axis=0)
    window[60:, :3] += 0.2
    curve = curve_of(forecaster, window)
    assert np.linalg.norm(curve[-1, :3] - window[-1, :3]) < 0.3


@pytest.mark.parametrize("count", [1, 2, 5, 30, 250])
def test_windows_of_any_length_are_continued(forecaster, count):
    window = moving_hand(count)
    curve = curve_of(forecaster, window)
    np.testing.assert_allclose(curve[0], window[-1], atol=1e-12)
    assert np.isfinite(curve).all()


def test_a_gap_of_missing_samples_passes_through_the_window_without_harm(forecaster):
    forecaster.reset()
    track = moving_hand(3 * WINDOW_COUNT)
    track[150:153] = np.nan
    for end in range(WINDOW_COUNT, len(track) + 1):
        window = track[end - WINDOW_COUNT : end]
        curve = curve_of(forecaster, window)
        assert np.isfinite(curve).all()
        assert np.linalg.norm(curve[-1, :3] - np.nan_to_num(curve[0, :3])) <= 0.75 + 1e-9


def test_a_stream_of_adversarial_windows_stays_finite_and_bounded(forecaster):
    forecaster.reset()
    rng = np.random.default_rng(8)
    track = moving_hand(4 * WINDOW_COUNT)
    track[120:, :3] += 0.3  # a step
    track[200:230] = track[200]  # stands still
    track[260:300, :3] += 1e6 * rng.normal(size=(40, 3))
    track[330:, 3:] *= -1.0  # the other hemisphere
    for end in range(WINDOW_COUNT, len(track) + 1):
        curve = curve_of(forecaster, track[end - WINDOW_COUNT : end])
        assert np.isfinite(curve).all()
        assert (np.linalg.norm(curve[:, :3] - curve[0, :3], axis=1) <= 0.75 + 1e-9 * 1e6).all()
        assert (rotation_angle(curve[0, 3:], curve[:, 3:]) <= 3.0 + 1e-6).all()
    forecaster.reset()
