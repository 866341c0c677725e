"""What a learned policy sees: bounded whatever comes in, the same in training as live, and blind to the place."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT as FORECAST_COUNT
from teletwin.geometry import Array
from teletwin.horizon.observation import (
    DELAY_NAMES,
    MOTION_COUNT,
    MOTION_NAMES,
    PAST_KNOTS,
    RICH_NAMES,
    WINDOW_COUNT,
    DelayFeatures,
    MotionFeatures,
    PastForecasts,
    motion_table,
    observation_names,
)
from teletwin.messages import CURVE_KNOTS

SLOT_NS = 10_000_000
REST = np.array([0.3, -0.1, 0.2, 1.0, 0.0, 0.0, 0.0])


def wandering_hand(count: int, *, seed: int = 0, step_m: float = 2e-3) -> Array:
    """Poses (count, 7) of a hand that goes and turns smoothly, 10 ms apart."""
    rng = np.random.default_rng(seed)
    smooth = np.hanning(21) / np.hanning(21).sum()
    walk = np.stack([np.convolve(rng.normal(size=count + 20), smooth, mode="valid") for _ in range(6)], axis=1)
    track = np.concatenate([np.cumsum(step_m * walk[:, :3], axis=0), np.ones((count, 1)), 0.1 * walk[:, 3:]], axis=1)
    track[:, 3:] /= np.linalg.norm(track[:, 3:], axis=1, keepdims=True)
    return track + np.array([0.3, 0.1, 0.2, 0.0, 0.0, 0.0, 0.0])


def rough_forecasts(track: Array, *, count: int = WINDOW_COUNT) -> Array:
    """A constant-velocity table (n - count + 1, CURVE_KNOTS, 7)."""
    newest, before = track[count - 1 :], track[count - 2 : -1]
    return newest[:, None] + 2.0 * np.arange(CURVE_KNOTS)[None, :, None] * (newest - before)[:, None]


def by_name(features: Array) -> dict[str, float]:
    return dict(zip(MOTION_NAMES, features.tolist(), strict=True))


def motion_of(window: Array, curve: Array, past: Array) -> Array:
    return MotionFeatures(hands=1, count=len(window)).compute(window[None], curve[None], past[None])[0]


def test_the_window_is_the_forecasters():
    assert WINDOW_COUNT == FORECAST_COUNT


def test_every_number_has_a_name_of_its_own():
    assert len(set(RICH_NAMES)) == len(RICH_NAMES) == len(MOTION_NAMES) + len(DELAY_NAMES)
    assert observation_names("rich") == RICH_NAMES
    assert len(observation_names("paper")) == 8
    with pytest.raises(ConfigError, match="given: poor; allowed: rich, paper"):
        observation_names("poor")


def test_a_hand_at_rest_is_finite_and_did_just_what_was_forecast():
    seen = by_name(motion_of(np.tile(REST, (100, 1)), np.tile(REST, (26, 1)), np.tile(REST, (4, 1))))
    assert all(np.isfinite(value) and abs(value) < 3.0 for value in seen.values())
    assert seen["straightness_200ms"] == 1.0
    assert [seen[f"projection_{ms}ms"] for ms in (60, 120, 240, 400)] == [1.0] * 4
    assert [seen[f"log_ratio_{ms}ms"] for ms in (60, 120, 240, 400)] == [0.0] * 4


@pytest.mark.parametrize("size", [1e3, 1e80, 1e160, 1e300])
def test_motion_of_any_size_stays_bounded(size):
    rng = np.random.default_rng(1)
    seen = motion_of(size * rng.normal(size=(100, 7)), size * rng.normal(size=(26, 7)), size * rng.normal(size=(4, 7)))
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() <= 5.0


def test_numbers_that_are_none_stay_bounded():
    nothing = np.full((100, 7), np.nan)
    seen = motion_of(nothing, nothing[:26], nothing[:4])
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() <= 5.0


def test_the_place_in_the_room_does_not_matter():
    track = wandering_hand(200)
    shifted = track + np.array([3.0, -2.0, 1.5, 0.0, 0.0, 0.0, 0.0])
    here, there = (motion_table(each, rough_forecasts(each)) for each in (track, shifted))
    assert np.abs(here - there).max() < 1e-8


def test_straight_even_motion_reads_as_such():
    track = np.tile(REST, (150, 1))
    track[:, 0] += 1e-3 * np.arange(150)  # 0.1 m/s
    seen = by_name(motion_table(track, rough_forecasts(track))[-1])
    assert seen["log_speed_20ms"] == pytest.approx(0.0, abs=1e-6)
    assert seen["straightness_200ms"] == pytest.approx(1.0)
    assert seen["cosine_ahead_240ms"] == pytest.approx(1.0)
    assert seen["log_ahead_240ms"] == pytest.approx(np.log10(0.024 / 0.03))
    assert seen["projection_240ms"] == pytest.approx(1.0)
    assert seen["log_ratio_240ms"] == -5.0


def test_a_forecast_that_went_twice_too_far_has_a_projection_of_a_half():
    track = np.tile(REST, (41, 1))
    track[:, 1] += 1e-3 * np.arange(41)
    then = track[-1 - 2 * PAST_KNOTS[2]]
    past = np.tile(track[-1], (4, 1))
    past[2, :3] = then[:3] + 2.0 * (track[-1] - then)[:3]
    seen = by_name(motion_of(track, np.tile(track[-1], (26, 1)), past))
    assert seen["projection_240ms"] == pytest.approx(0.5, abs=1e-3)
    assert seen["log_ratio_240ms"] == pytest.approx(0.0, abs=1e-9)


def test_a_recorded_hand_reads_slot_by_slot_as_in_one_go():
    track = wandering_hand(180)
    table = rough_forecasts(track)
    whole = motion_table(track, table)
    one = MotionFeatures(hands=1)
    for i in range(len(table)):
        past = np.tile(track[i + WINDOW_COUNT - 1], (4, 1))
        for k, knot in enumerate(PAST_KNOTS):
            if i >= 2 * knot:
                past[k] = table[i - 2 * knot, knot]
        seen = one.compute(track[None, i : i + WINDOW_COUNT], table[None, i], past[None])
        assert np.array_equal(seen[0], whole[i]), f"slot {i}"


def test_many_hands_at_once_read_as_each_by_itself():
    rng = np.random.default_rng(5)
    windows, curves, past = (rng.normal(size=(7, n, 7)) for n in (60, 26, 4))
    many = MotionFeatures(hands=7, count=60).compute(windows, curves, past)
    for hand in range(7):
        assert np.array_equal(many[hand], motion_of(windows[hand], curves[hand], past[hand]))


def test_sizes_that_do_not_fit_are_refused():
    track = wandering_hand(150)
    with pytest.raises(ConfigError, match=f"given: 40; allowed: {MOTION_COUNT} or more"):
        MotionFeatures(hands=1, count=40)
    with pytest.raises(ConfigError, match="150 poses, 50 forecasts, windows of 100"):
        motion_table(track, rough_forecasts(track)[:-1])


def test_past_forecasts_are_found_by_their_age_and_read_between_knots_where_slots_are_uneven():
    past, curve = PastForecasts(), np.zeros((CURVE_KNOTS, 7))
    curve[:, 0] = np.arange(CURVE_KNOTS)
    past.push(0, curve)
    newest = np.full(7, -1.0)
    assert (past.now(5 * SLOT_NS, newest) == -1.0).all()
    assert past.now(6 * SLOT_NS, newest)[:, 0].tolist() == [3.0, -1.0, -1.0, -1.0]
    assert past.now(63_000_000, newest)[0, 0] == pytest.approx(3.15)
    past.push(7 * SLOT_NS, curve + 100.0)
    assert past.now(13 * SLOT_NS, newest)[:2, 0].tolist() == [103.0, 6.5]
    past.push(SLOT_NS, curve)
    assert (past.now(6 * SLOT_NS, newest) == -1.0).all(), "time that ran back started afresh"


def test_past_forecasts_of_a_long_session_are_the_newest():
    past, curve = PastForecasts(), np.zeros((CURVE_KNOTS, 7))
    for slot in range(2000):
        if slot >= 40:
            assert past.now(slot * SLOT_NS, REST)[:, 0].tolist() == [slot - 6, slot - 12, slot - 24, slot - 40]
        past.push(slot * SLOT_NS, curve + slot)


def delay_features(history, **unknown) -> dict[str, float]:
    delays, out = DelayFeatures(), np.zeros(len(DELAY_NAMES))
    for slot, delay_s in enumerate(history):
        measured = {"aol_s": delay_s, "uplink_age_s": delay_s, "control_delay_s": delay_s, "display_delay_s": delay_s}
        delays.update(slot * SLOT_NS, **(measured | unknown), out=out)
    return dict(zip(DELAY_NAMES, out.tolist(), strict=True))


def test_a_delay_that_does_not_change_is_its_own_average_without_deviation():
    seen = delay_features([0.22] * 50)
    for side in ("control", "display"):
        assert seen[f"{side}_delay"] == seen[f"{side}_delay_mean_2000ms"] == pytest.approx(1.0)
        assert seen[f"{side}_delay_deviation_2000ms"] == seen[f"{side}_delay_change"] == 0.0


def test_averages_and_deviations_follow_against_time():
    rng = np.random.default_rng(2)
    seen = delay_features(np.maximum(0.2 + 0.03 * rng.normal(size=3000), 0.0))
    assert seen["control_delay_mean_2000ms"] == pytest.approx(0.8, abs=0.05)
    assert seen["control_delay_deviation_2000ms"] == pytest.approx(1.0, abs=0.1)
    stepped = delay_features([0.1] * 300 + [0.2] * 30)
    assert stepped["control_delay_mean_50ms"] == pytest.approx(0.8, abs=0.01)
    assert stepped["control_delay_mean_300ms"] == pytest.approx(0.8 - np.exp(-1.0), abs=0.01)
    assert stepped["control_delay_change"] == pytest.approx(np.exp(-0.15) * 0.1 / 0.03, abs=0.01)


@pytest.mark.parametrize("unknown", [-1.0, float("nan"), float("inf")])
def test_what_is_unknown_keeps_what_was_known_and_before_that_the_first_guess(unknown):
    seen = delay_features([unknown] * 3)
    assert seen["control_delay"] == seen["aol"] == pytest.approx(0.3)
    assert seen["display_delay"] == seen["uplink_age"] == pytest.approx(-0.2)
    assert delay_features([0.3, unknown]) == delay_features([0.3])


def test_delays_of_any_size_stay_bounded():
    seen = np.array(list(delay_features([0.0, 3.0, 1e12, 0.0, 1e300]).values()))
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() <= 5.0
