"""What the combined forecaster learns of one person's motion, beyond weighing forecasts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S
from teletwin.forecast.combined import CombinedCfg, CombinedForecaster, CombinedHands
from teletwin.forecast.habits import HabitCfg, PersonHabits, nobody
from teletwin.geometry import Array, align_hemispheres, quat_multiply, quat_normalize, quat_to_matrix
from teletwin.hand.synthetic import draw_hands
from teletwin.messages import CURVE_KNOTS

AHEAD = 2 * np.arange(CURVE_KNOTS)
ALONE = CombinedCfg(habits=HabitCfg(used=False))


def drawn(kind: str, *, seed: int, duration_s: float = 25.0) -> Array:
    track = draw_hands(kind, duration_s=duration_s, rate_hz=1.0 / WINDOW_STEP_S, seed=seed)[0]
    track[:, 3:] = align_hemispheres(quat_normalize(track[:, 3:]))
    return track


def quick(*, seed: int = 22, duration_s: float = 25.0) -> Array:
    """A person who draws the same figures again and again, quickly."""
    return drawn("trace", seed=seed, duration_s=3.0 * duration_s)[::3]


def curves_of(forecaster: CombinedForecaster, track: Array) -> Array:
    rows = len(track) - WINDOW_COUNT + 1
    curves = np.empty((rows, CURVE_KNOTS, 7))
    for row in range(rows):
        forecaster.forecast(track[row : row + WINDOW_COUNT], out=curves[row])
    return curves


def errors(curves: Array, track: Array, channels: slice, *, first: int = 200, last: int | None = None) -> Array:
    """RMSE by knot (CURVE_KNOTS,) of the slots from `first` on."""
    rows = np.arange(len(curves) - AHEAD[-1])[first:last]
    truth = track[(WINDOW_COUNT - 1 + rows)[:, None] + AHEAD]
    return np.sqrt(np.mean((curves[rows] - truth)[..., channels] ** 2, axis=(0, 2)))


def test_a_hand_that_repeats_itself_is_forecast_better():
    track = quick()
    with_habits, alone = (curves_of(CombinedForecaster(cfg=cfg), track) for cfg in (CombinedCfg(), ALONE))
    for channels, most in ((slice(0, 3), 0.93), (slice(3, 7), 0.97)):
        ratio = errors(with_habits, track, channels)[1:] / errors(alone, track, channels)[1:]
        assert ratio.mean() < most
        assert ratio.max() < 1.02


@pytest.mark.parametrize("kind", ["line", "reach", "write", "trace"])
@pytest.mark.parametrize("seed", [21, 22])
def test_no_made_up_hand_is_forecast_worse(kind, seed):
    track = drawn(kind, seed=seed)
    with_habits, alone = (curves_of(CombinedForecaster(cfg=cfg), track) for cfg in (CombinedCfg(), ALONE))
    for channels in (slice(0, 3), slice(3, 7)):
        ratio = errors(with_habits, track, channels)[1:] / errors(alone, track, channels)[1:]
        assert ratio.max() < 1.05
        assert ratio.mean() < 1.01


def test_a_hand_that_changes_its_ways_is_not_forecast_much_worse():
    figures, reach = quick(duration_s=15.0), drawn("reach", seed=5, duration_s=15.0)
    reach[:, :3] += figures[-1, :3] - reach[0, :3]
    reach[:, 3:] = figures[-1, 3:]
    track = np.concatenate([figures, reach])
    with_habits, alone = (curves_of(CombinedForecaster(cfg=cfg), track) for cfg in (CombinedCfg(), ALONE))
    late = {"first": 1500, "last": None}
    ratio = errors(with_habits, track, slice(0, 3), **late)[1:] / errors(alone, track, slice(0, 3), **late)[1:]
    assert ratio.max() < 1.05
    assert ratio.mean() < 1.02


def test_turning_the_frame_turns_the_corrections():
    track = quick(duration_s=8.0)
    turn = quat_normalize(np.array([0.9, 0.2, -0.3, 0.1]))
    matrix = quat_to_matrix(turn)
    turned = track.copy()
    turned[:, :3] = track[:, :3] @ matrix.T
    turned[:, 3:] = quat_multiply(np.broadcast_to(turn, (len(track), 4)), track[:, 3:])
    habits = learned(track)  # the same corrections on both, whatever the candidates would have taught
    one, other = CombinedForecaster(), CombinedForecaster()
    a, b = np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    added = []
    for forecaster, path, out in ((one, track, a), (other, turned, b)):
        plain = np.empty((CURVE_KNOTS, 7))
        CombinedForecaster(cfg=ALONE).forecast(path[-WINDOW_COUNT:], out=plain)
        forecaster.adopt(replace(habits, weights=without_base(habits.weights)))
        forecaster.forecast(path[-WINDOW_COUNT:], out=out)
        added.append((out - plain)[:, :3])
    assert np.abs(added[0]).max() > 1e-3
    np.testing.assert_allclose(added[1], added[0] @ matrix.T, atol=1e-9)


def without_base(weights: Array) -> Array:
    """Nothing is read of what Burg and least squares made, channel by channel, of the turned hand."""
    kept = weights.copy()
    kept[:, 15] = 0.0
    return kept


def learned(track: Array) -> PersonHabits:
    forecaster = CombinedForecaster()
    curves_of(forecaster, track)
    return forecaster.habits


def test_what_was_learned_of_a_person_helps_from_the_first_second():
    track = quick(duration_s=30.0)
    habits = learned(track[:2400])
    fresh, known = CombinedForecaster(), CombinedForecaster()
    known.adopt(habits)
    later = track[2400:]
    ratio = errors(curves_of(known, later), later, slice(0, 3), first=0) / np.maximum(
        errors(curves_of(fresh, later), later, slice(0, 3), first=0), 1e-12
    )
    assert ratio[1:].mean() < 0.95


def test_another_persons_habits_are_given_up():
    habits = learned(quick())
    track = drawn("line", seed=8, duration_s=15.0)
    fresh, misled = CombinedForecaster(), CombinedForecaster()
    misled.adopt(habits)
    ratio = errors(curves_of(misled, track), track, slice(0, 3)) / np.maximum(
        errors(curves_of(fresh, track), track, slice(0, 3)), 1e-12
    )
    assert ratio[1:].max() < 1.1


def test_a_person_stays_the_same_over_a_gap_and_a_reset():
    track = quick(duration_s=12.0)
    forecaster = CombinedForecaster()
    forecaster.adopt(nobody())
    curves_of(forecaster, track)
    before = forecaster.habits.counts.max()
    forecaster.forecast(drawn("line", seed=1, duration_s=3.0)[-WINDOW_COUNT:], out=np.empty((CURVE_KNOTS, 7)))
    assert forecaster.habits.counts.max() == before > 100.0
    forecaster.reset()
    assert forecaster.habits.counts.max() == 0.0


def test_anybodys_habits_end_with_a_gap():
    forecaster = CombinedForecaster()
    curves_of(forecaster, quick(duration_s=12.0))
    assert forecaster.habits.counts.max() > 100.0
    forecaster.forecast(drawn("line", seed=1, duration_s=3.0)[-WINDOW_COUNT:], out=np.empty((CURVE_KNOTS, 7)))
    assert forecaster.habits.counts.max() == 0.0


def test_the_same_motion_teaches_the_same_bytes():
    track = quick(duration_s=6.0)
    one, other = learned(track), learned(track)
    for name in ("weights", "checks", "counts"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_is_no_pose_spoils_nothing(bad):
    track = quick(duration_s=6.0)
    spoiled = track.copy()
    spoiled[250, :3] = bad
    forecaster, out = CombinedForecaster(), np.empty((CURVE_KNOTS, 7))
    curves_of(forecaster, spoiled)
    assert np.isfinite(forecaster.habits.weights).all()
    forecaster.forecast(track[-WINDOW_COUNT:], out=out)
    assert np.isfinite(out).all()


def test_hands_side_by_side_learn_each_for_itself():
    tracks = np.stack([quick(duration_s=5.0), drawn("trace", seed=2, duration_s=5.0)])
    many = CombinedHands(hands=2)
    singles = [CombinedForecaster(), CombinedForecaster()]
    out = np.empty((CURVE_KNOTS, 7))
    for end in range(WINDOW_COUNT, tracks.shape[1]):
        curves = many.forecast(tracks[:, end - WINDOW_COUNT : end])
        for hand, single in enumerate(singles):
            single.forecast(tracks[hand, end - WINDOW_COUNT : end], out=out)
            np.testing.assert_array_equal(curves[hand], out)


@pytest.mark.parametrize("bad", [{"memory_s": 0.0}, {"doubt_horizons": float("nan")}, {"patience_slots": -1.0}])
def test_settings_that_cannot_be_used_are_refused(bad):
    with pytest.raises(ConfigError):
        HabitCfg(**bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"counts": np.zeros(3)},
        {"counts": np.full(26, -1.0)},
        {"weights": np.full((26, 16), np.nan)},
        {"weights": np.full((26, 16), 1e300)},
        {"checks": np.full((26, 4), np.inf)},
    ],
)
def test_habits_that_no_hand_taught_are_refused(bad):
    known = {name: getattr(nobody(), name) for name in ("weights", "checks", "counts")}
    with pytest.raises(ConfigError):
        PersonHabits(**(known | bad))
