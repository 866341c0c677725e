"""Measurements of the running loop."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.errors import ConfigError
from teletwin.geometry import quat_from_rotvec
from teletwin.telemetry import ErrorTrack, LatencyHistogram, TickStats, best_lag_ms, jerk_report

MS = 1_000_000


def pose(x=0.0, angle=0.0):
    return np.concatenate([[x, 0.0, 0.0], quat_from_rotvec([0.0, 0.0, angle])])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e4, 1e4).filter(lambda v: v == 0 or abs(v) > 2e-3), min_size=1, max_size=200))
def test_quantiles_of_the_histogram_lie_within_a_bin_of_the_true_ones(values):
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(value)
    for share in (0.5, 0.95, 0.99):
        true = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
        assert histogram.quantile(share) == pytest.approx(true, rel=0.012, abs=1e-9)
    assert histogram.max == max(values)
    assert histogram.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert histogram.count == len(values)


def test_an_empty_histogram_knows_nothing_and_rubbish_is_only_counted():
    histogram = LatencyHistogram()
    assert math.isnan(histogram.quantile(0.5))
    for value in (math.nan, math.inf, -math.inf):
        histogram.add(value)
    assert histogram.count == 0
    assert histogram.invalid_count == 3
    histogram.add(1e300)
    assert histogram.summary()["max"] == 1e300


def test_tick_stats_tell_period_work_and_overruns():
    stats = TickStats()
    for k in range(100):
        stats.add(start_ns=2 * MS * k, late_ns=3 * MS if k == 50 else 1000, work_ns=20_000)
    assert stats.tick_count == 100
    assert stats.overrun_count == 1
    assert stats.period_ms.quantile(0.5) == pytest.approx(2.0, rel=0.01)
    assert stats.late_ms.max == pytest.approx(3.0)
    assert stats.work_smoothed_us == pytest.approx(20.0)
    assert stats.summary()["ticks"] == 100


def test_the_error_counts_position_and_turn_at_equal_instants():
    track = ErrorTrack()
    for k in range(300):
        track.add_pair(k * 10 * MS, pose(0.001 * k), pose(0.001 * k + 0.002, 0.1))
    whole = track.whole()
    assert whole.position_m == pytest.approx(0.002, rel=1e-9)
    assert whole.orientation_rad == pytest.approx(0.1, rel=1e-9)
    assert whole.count == 300
    assert set(track.per_second()) == {0, 1, 2}


def test_the_running_error_forgets_and_the_whole_does_not():
    track = ErrorTrack(window_s=0.5)
    for k in range(300):
        track.add_pair(k * 10 * MS, pose(), pose(0.01 if k < 100 else 0.0))
    assert track.running().position_m == pytest.approx(0.0, abs=1e-9)
    assert track.whole().position_m == pytest.approx(0.01 / math.sqrt(3), rel=1e-6)
    assert track.per_second()[0].position_m == pytest.approx(0.01)
    assert track.per_second()[2].position_m == 0.0


def test_a_pose_that_is_not_finite_is_skipped():
    track = ErrorTrack()
    track.add_pair(0, pose(), pose(math.nan))
    assert track.whole().count == 0
    assert track.skipped_count == 1
    with pytest.raises(ConfigError):
        ErrorTrack(window_s=0.0)


@pytest.mark.parametrize("lag_ms", [0.0, 37.0, 181.5, 560.0])
def test_the_best_lag_finds_a_delay_despite_offset_noise_and_jitter(lag_ms):
    rng = np.random.default_rng(3)
    t_ns = np.cumsum(rng.integers(8 * MS, 12 * MS, 1500))

    def path(t):
        return 0.1 * np.stack([np.sin(1.3 * t), np.sin(2.1 * t + 1), np.cos(0.7 * t)], axis=-1)

    hand = path(t_ns / 1e9)
    arm = path(t_ns / 1e9 - lag_ms / 1e3) + np.array([0.05, 0, -0.02]) + rng.normal(size=(1500, 3)) * 2e-4
    assert best_lag_ms(t_ns, hand, arm) == pytest.approx(lag_ms, abs=2.0)


def test_no_lag_can_be_told_from_a_resting_hand_or_a_short_series():
    t_ns = np.arange(500) * 10 * MS
    still = np.ones((500, 3))
    assert math.isnan(best_lag_ms(t_ns, still, still))
    assert math.isnan(best_lag_ms(t_ns[:50], still[:50], still[:50]))
    assert math.isnan(best_lag_ms(t_ns[:0], still[:0], still[:0]))


def test_the_jerk_of_a_cubic_is_its_third_derivative():
    t_ns = np.arange(200) * 2 * MS
    t = t_ns / 1e9
    report = jerk_report(t_ns, np.stack([2.0 * t**3, -1.0 * t**3], axis=-1))
    assert report.p50 == pytest.approx(12.0, rel=1e-4)
    assert report.max == pytest.approx(12.0, rel=1e-2)
    assert math.isnan(jerk_report(t_ns[:3], np.zeros((3, 6))).p95)


def test_a_session_of_an_hour_keeps_little_more_than_one_of_a_minute():
    track = ErrorTrack()

    def measure(first_s: int, end_s: int) -> None:
        for second in range(first_s, end_s):
            for part in range(3):
                track.add_pair(second * 10**9 + part * 10**8, pose(), pose(0.001 * (second % 7)))

    measure(0, 60)
    tracemalloc.start()
    measure(60, 3600)
    grown_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown_bytes < 250_000
    assert len(track.per_second()) == 3600
