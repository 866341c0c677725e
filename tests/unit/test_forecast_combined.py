"""The combined forecaster: never worse than holding, near the best, and honest about its error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, build_forecaster
from teletwin.forecast.batched import BatchedForecaster
from teletwin.forecast.candidates import CANDIDATES
from teletwin.forecast.combined import CombinedCfg, CombinedForecaster
from teletwin.forecast.table import forecast_tables
from teletwin.geometry import Array, align_hemispheres, quat_normalize
from teletwin.hand.handwriting import write_by_hand
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import ResampledHand, resample
from teletwin.hand.synthetic import draw_hands
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

AHEAD = 2 * np.arange(CURVE_KNOTS)
RIVALS = ("linear", "constant-velocity", "kalman", "arma", "autoreg", "pooled-ar", "pooled-fir")
GROUPS = {"position": slice(0, 3), "orientation": slice(3, 7)}


def drawn(kind: str, *, seed: int = 5, duration_s: float = 30.0) -> Array:
    track = draw_hands(kind, duration_s=duration_s, rate_hz=1.0 / WINDOW_STEP_S, seed=seed)[0]
    track[:, 3:] = align_hemispheres(quat_normalize(track[:, 3:]))
    return track


def handwriting() -> Array:
    hand = write_by_hand(home_pose=np.array([0.3, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0]))
    t_s = (hand.t_ns - hand.t_ns[0]) / 1e9
    grid = np.arange(0.0, t_s[-1], WINDOW_STEP_S)
    track = np.stack([np.interp(grid, t_s, channel) for channel in hand.poses.T], axis=1)
    track[:, 3:] = quat_normalize(track[:, 3:])
    return track


def came(track: Array, rows: int) -> Array:
    now = WINDOW_COUNT - 1 + np.arange(rows)
    return track[now[:, None] + AHEAD]


def rmse(table: Array, truth: Array, group: str) -> Array:
    """By knot (CURVE_KNOTS,)."""
    return np.sqrt(np.mean((table - truth)[..., GROUPS[group]] ** 2, axis=(0, 2)))


@pytest.fixture(scope="module", params=["line", "reach", "write", "trace", "handwriting"])
def judged(request):
    """Truth, the combined table, and RMSE of hold and the rivals."""
    track = handwriting() if request.param == "handwriting" else drawn(request.param)
    rows = len(track) - WINDOW_COUNT + 1 - AHEAD[-1]
    truth = came(track, rows)
    tables = {name: forecast_tables([track], name=name)[0][:rows] for name in (*RIVALS, "combined")}
    return truth, tables


@pytest.mark.parametrize("group", GROUPS)
def test_it_is_no_worse_than_holding_at_any_horizon_and_near_the_best(judged, group):
    truth, tables = judged
    combined = rmse(tables["combined"], truth, group)
    hold = rmse(np.broadcast_to(truth[:, :1], truth.shape), truth, group)
    best = min(hold.mean(), *(rmse(tables[name], truth, group).mean() for name in RIVALS))
    assert (combined[1:] <= hold[1:]).all()
    assert combined.mean() <= 1.12 * best  # half a minute, of which the first seconds teach


def slow_then_bursts(*, seed: int) -> Array:
    """A slow line, then strokes forty times as wide."""
    slow, fast = drawn("line", seed=seed, duration_s=12.0), drawn("reach", seed=seed, duration_s=12.0)
    slow[:, :3] = slow[0, :3] + 0.1 * (slow[:, :3] - slow[0, :3])
    fast[:, :3] = slow[-1, :3] + 4.0 * (fast[:, :3] - fast[0, :3])
    slow[:, 3:] = fast[:, 3:] = slow[-1, 3:]
    return np.concatenate([slow, fast])


def test_what_slow_motion_taught_does_not_spoil_bursts():
    tracks = [slow_then_bursts(seed=seed) for seed in range(6)]
    rows = len(tracks[0]) - WINDOW_COUNT + 1 - AHEAD[-1]
    tables = {name: forecast_tables(tracks, name=name) for name in (*RIVALS, "combined")}
    over_best = []
    for hand, track in enumerate(tracks):
        truth = came(track, rows)
        error = {name: rmse(table[hand][:rows], truth, "position").mean() for name, table in tables.items()}
        over_best.append(error["combined"] / min(error[name] for name in RIVALS))
    assert np.mean(over_best) <= 1.03
    assert max(over_best) <= 1.07


def jerky_then_smooth(*, seed: int) -> Array:
    """Jumps that nothing foretells, which teach to hold, then a trace."""
    smooth = drawn("trace", seed=seed, duration_s=10.0)
    jerky = smooth[:1].repeat(1000, axis=0)
    jerky[:, :3] += np.random.default_rng(seed).normal(0.0, 0.02, (100, 3)).repeat(10, axis=0)
    return np.concatenate([jerky, smooth])


@pytest.mark.parametrize("seed", [0, 1])
def test_learning_that_does_not_pay_is_given_up(seed):
    track = jerky_then_smooth(seed=seed)
    rows = len(track) - WINDOW_COUNT + 1 - AHEAD[-1]
    truth = came(track, rows)
    checking, trusting = (
        rmse(stream(CombinedForecaster(cfg=cfg), track)[0][:rows][-700:], truth[-700:], "position").mean()
        for cfg in (CombinedCfg(), CombinedCfg(trust_in_learned=10.0, choice_evidence=1e-9))
    )
    assert checking < 0.995 * trusting


def stream(forecaster: CombinedForecaster, track: Array) -> tuple[Array, Array]:
    """Curves (rows, CURVE_KNOTS, 7) and expected errors (rows, CURVE_KNOTS, 2), slot by slot."""
    rows = len(track) - WINDOW_COUNT + 1
    curves, expected = np.empty((rows, CURVE_KNOTS, 7)), np.empty((rows, CURVE_KNOTS, 2))
    for row in range(rows):
        forecaster.forecast(track[row : row + WINDOW_COUNT], out=curves[row])
        expected[row] = forecaster.expected_errors
    return curves, expected


@pytest.mark.parametrize("kind", ["line", "reach"])
def test_the_error_it_expects_is_the_error_it_makes(kind):
    track = drawn(kind, seed=11)
    curves, expected = stream(CombinedForecaster(), track)
    rows = len(track) - WINDOW_COUNT + 1 - AHEAD[-1]
    truth = came(track, rows)
    error_m = np.linalg.norm((curves[:rows] - truth)[..., :3], axis=2)
    for knot in (1, 5, 15, 25):
        ratio = np.sqrt(np.mean(error_m[:, knot] ** 2) / np.mean(expected[:rows, knot, 0] ** 2))
        assert 0.6 < ratio < 1.5
        assert 0.85 < np.mean(error_m[:, knot] <= 2.0 * expected[:rows, knot, 0]) <= 1.0


def test_expected_errors_are_read_between_knots():
    forecaster = CombinedForecaster()
    stream(forecaster, drawn("line", duration_s=3.0))
    at = forecaster.predicted_error_m(np.array([0.0, 0.02, 0.03, 0.04]))
    assert at[0] == 0.0
    assert at[2] == pytest.approx((at[1] + at[3]) / 2)
    assert (forecaster.predicted_error_rad(np.array([0.1, 0.5])) > 0.0).all()


def trusting(name: str) -> CombinedCfg:
    """All trust in one candidate, to begin with."""
    candidates = tuple(replace(each, trust=0.0 if each.name == name else -100.0) for each in CANDIDATES)
    return CombinedCfg(candidates=candidates, trust_in_holding=-100.0, trust_in_prior=-100.0, trust_in_learned=-100.0)


@pytest.mark.parametrize("name", [each.name for each in CANDIDATES])
@pytest.mark.parametrize("kind", ["reach", "write"])
def test_all_trust_in_one_candidate_gives_its_forecast(name, kind):
    window = drawn(kind, duration_s=4.0)[-WINDOW_COUNT:]
    mixed, alone = np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    CombinedForecaster(cfg=trusting(name)).forecast(window, out=mixed)
    build_forecaster(name).forecast(window, out=alone)
    np.testing.assert_allclose(mixed, alone, rtol=0, atol=1e-4 if name == "autoreg" else 1e-12)  # a trace of ridge


def test_a_window_that_continues_nothing_starts_anew():
    track = drawn("trace", duration_s=6.0)
    alone, after = np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    forecaster = CombinedForecaster()
    forecaster.forecast(track[-WINDOW_COUNT:], out=alone)
    stream(forecaster, drawn("reach", duration_s=6.0))
    forecaster.forecast(track[-WINDOW_COUNT:], out=after)
    np.testing.assert_array_equal(after, alone)


def test_the_same_window_twice_teaches_nothing():
    track = drawn("trace", duration_s=4.0)
    once, twice = CombinedForecaster(), CombinedForecaster()
    a, b = np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    for end in range(WINDOW_COUNT, len(track)):
        window = track[end - WINDOW_COUNT : end]
        once.forecast(window, out=a)
        for _ in range(2):
            twice.forecast(window, out=b)
            np.testing.assert_array_equal(a, b)


def test_missed_slots_do_not_end_the_learning():
    track = drawn("line", duration_s=12.0, seed=2)
    steady, gappy = CombinedForecaster(), CombinedForecaster()
    a, b, fresh = (np.empty((CURVE_KNOTS, 7)) for _ in range(3))
    for end in range(WINDOW_COUNT, len(track)):
        window = track[end - WINDOW_COUNT : end]
        steady.forecast(window, out=a)
        if end % 5 != 0 or end == len(track) - 1:
            gappy.forecast(window, out=b)
    CombinedForecaster().forecast(window, out=fresh)
    assert np.abs(b - a).max() < 0.5 * np.abs(fresh - a).max()


def test_the_other_hemisphere_is_the_same_orientation():
    track = drawn("trace", duration_s=5.0)
    flipped = track.copy()
    curves, _ = stream(CombinedForecaster(), track)
    forecaster, out = CombinedForecaster(), np.empty((CURVE_KNOTS, 7))
    flipped[:, 3:] *= -1.0
    for row, expected in enumerate(curves):
        source = flipped if row % 7 < 3 else track
        forecaster.forecast(source[row : row + WINDOW_COUNT], out=out)
        np.testing.assert_allclose(np.abs(np.sum(out[:, 3:] * expected[:, 3:], axis=1)), 1.0, atol=1e-9)
        np.testing.assert_allclose(out[:, :3], expected[:, :3], atol=1e-9)


@pytest.mark.parametrize("name", ["arma", "combined"])
def test_a_table_equals_the_live_sequence_of_calls(name):
    tracks = [drawn("write", duration_s=3.0), drawn("line", duration_s=2.0)]
    tables = forecast_tables(tracks, name=name, batch=64)
    for track, table in zip(tracks, tables, strict=True):
        live, out = build_forecaster(name), np.empty((CURVE_KNOTS, 7))
        for row, expected in enumerate(table):
            live.forecast(track[row : row + WINDOW_COUNT], out=out)
            np.testing.assert_array_equal(out, expected)


def test_many_threads_give_the_numbers_of_one():
    windows = np.stack([drawn("trace", seed=s, duration_s=2.0)[:WINDOW_COUNT] for s in range(9)])
    one = BatchedForecaster("combined", hands=9, threads=1).forecast(windows)
    np.testing.assert_array_equal(BatchedForecaster("combined", hands=9, threads=3).forecast(windows), one)


@pytest.mark.parametrize(
    "bad",
    [
        {"memory_s": 0.0},
        {"patience_slots": float("nan")},
        {"candidates": CANDIDATES[:2]},
        {"surprise_position_slots": -1.0},
        {"choice_evidence": 0.0},
        {"trust_in_holding": float("nan")},
    ],
)
def test_settings_that_cannot_be_used_are_refused(bad):
    with pytest.raises(ConfigError):
        CombinedCfg(**bad)


def sampled(track: Array, *, rate_hz: float) -> HandRecording:
    """The same motion from a device of another rate."""
    known_s = WINDOW_STEP_S * np.arange(len(track))
    t_s = np.arange(0.0, known_s[-1], 1.0 / rate_hz)
    poses = np.stack([np.interp(t_s, known_s, channel) for channel in track.T], axis=1)
    poses[:, 3:] = quat_normalize(poses[:, 3:])
    return HandRecording(name="sampled", t_ns=np.round(1e9 * t_s).astype(np.int64), poses=poses)


def rmse_live(name: str, hand: ResampledHand, horizons_s: Array) -> Array:
    """RMSE of position by horizon, forecast slot by slot as it runs live, from 2 s on."""
    forecaster, curve = build_forecaster(name), np.empty((CURVE_KNOTS, 7))
    knots = np.round(horizons_s / CURVE_STEP_S).astype(int)
    counted = hand.whole(past_s=2.0, horizon_s=float(horizons_s[-1]))
    said = np.empty((len(hand), len(knots), 3))
    for slot, window in enumerate(hand.windows(np.arange(len(hand)), count=WINDOW_COUNT)):
        forecaster.forecast(window, out=curve)
        said[slot] = curve[knots, :3]
    return np.sqrt(np.mean((said[counted] - hand.truth(counted, horizons_s)[..., :3]) ** 2, axis=(0, 2)))


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 90.0, 125.0])
@pytest.mark.parametrize("kind", ["trace", "write"])
def test_at_every_sample_rate_and_horizon_it_is_near_the_best(kind, rate_hz):
    horizons_s = np.array([0.06, 0.1, 0.14, 0.2, 0.3, 0.5])
    fast = drawn(kind, seed=21, duration_s=24.0)
    fast = np.ascontiguousarray(fast[::2])  # twice as fast: a wrong time tells
    hand = resample(sampled(fast, rate_hz=rate_hz))
    errors = {name: rmse_live(name, hand, horizons_s) for name in ("hold", *RIVALS, "combined")}
    best = np.min([errors[name] for name in ("hold", *RIVALS)], axis=0)
    assert (errors["combined"] <= errors["hold"]).all()
    assert (errors["combined"] <= 1.1 * best).all()
    assert np.mean(errors["combined"] / best) <= 1.03


def test_a_fifth_of_a_second_without_samples_does_not_end_the_learning():
    track = drawn("line", duration_s=12.0, seed=2)
    steady, gappy, a, b, fresh = CombinedForecaster(), CombinedForecaster(), *np.empty((3, CURVE_KNOTS, 7))
    for end in range(WINDOW_COUNT, len(track)):
        steady.forecast(track[end - WINDOW_COUNT : end], out=a)
        if not len(track) - 30 < end < len(track) - 12:
            gappy.forecast(track[end - WINDOW_COUNT : end], out=b)
    CombinedForecaster().forecast(track[-WINDOW_COUNT - 1 : -1], out=fresh)
    assert np.abs(b - a).max() < 0.5 * np.abs(fresh - a).max()


def test_forecasts_between_the_slots_are_learned_from_too():
    track = drawn("trace", duration_s=20.0, seed=4)
    hand = sampled(track, rate_hz=400.0)
    forecaster, curve = CombinedForecaster(), np.empty((CURVE_KNOTS, 7))
    errors = []
    for window, truth in every_quarter_slot(hand):
        forecaster.forecast(window, out=curve)
        errors.append([np.linalg.norm(curve[5, :3] - truth[:3]), np.linalg.norm(window[-1, :3] - truth[:3])])
    forecast, held = np.sqrt(np.mean(np.square(errors[len(errors) // 4 :]), axis=0))
    assert forecast < 0.35 * held


def every_quarter_slot(hand: HandRecording) -> Iterator[tuple[Array, Array]]:
    """Windows every 2.5 ms, and the pose 100 ms later."""
    step = round(WINDOW_STEP_S * hand.rate_hz)
    for end in range(WINDOW_COUNT * step, len(hand.poses) - 10 * step):
        yield hand.poses[end - (WINDOW_COUNT - 1) * step : end + 1 : step], hand.poses[end + 10 * step]
