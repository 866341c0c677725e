"""Each forecaster against what it is meant to be, and the batched form against the single one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, build_forecaster
from teletwin.forecast.arma import ArmaForecaster, arma_spec
from teletwin.forecast.autoreg import AutoregForecaster, autoreg_spec
from teletwin.forecast.batched import BatchedForecaster
from teletwin.forecast.launch import MotionLimits
from teletwin.geometry import quat_normalize
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

NO_LIMITS = MotionLimits(speed_m_s=1e9, turn_rate_rad_s=1e9, window_factor=1e9)


def tracing_hand(seed=0, count=WINDOW_COUNT, *, tremor=2e-5):
    """Smooth motion with tremor, as a stylus gives it."""
    rng = np.random.default_rng(seed)
    t = WINDOW_STEP_S * np.arange(count)
    phase, rate = rng.uniform(0, 6, size=7), rng.uniform(1, 6, size=7)
    poses = 0.02 * np.sin(rate * t[:, None] + phase) + tremor * rng.normal(size=(count, 7))
    poses[:, 3] += 1.0
    return np.concatenate([poses[:, :3], quat_normalize(poses[:, 3:])], axis=1)


def burg(x, order):
    """Textbook Burg recursion on one channel."""
    forward, backward, a = x[1:].copy(), x[:-1].copy(), np.zeros(0)
    for _ in range(order):
        k = 2 * forward @ backward / (forward @ forward + backward @ backward)
        a = np.concatenate([a - k * a[::-1], [k]])
        forward, backward = (forward - k * backward)[1:], (backward - k * forward)[:-1]
    return a


def test_the_default_is_burg_on_increments():
    window, out = tracing_hand(), np.empty((CURVE_KNOTS, 7))
    forecaster = ArmaForecaster(order=5, limits=NO_LIMITS)
    forecaster.forecast(window, out=out)
    for channel in range(7):
        a = burg(np.diff(window[:, channel]), 5)
        np.testing.assert_allclose(forecaster.coefficients[:, channel], a, atol=1e-10)
        x = list(np.diff(window[:, channel]))
        for _ in range(50):
            x.append(a @ np.array(x[-1:-6:-1]))
        if channel < 3:
            expected = window[-1, channel] + np.cumsum(x[-50:])[1::2]
            np.testing.assert_allclose(out[1:, channel], expected, atol=1e-10)


@pytest.mark.parametrize("lags", [(1, 2, 3, 4, 5), (1, 3, 7, 15), (2,)])
@pytest.mark.parametrize("seed", range(4))
def test_paper_mode_equals_statsmodels_to_1e_12(lags, seed):
    models = pytest.importorskip("statsmodels.tsa.ar_model")
    window, out = tracing_hand(seed, tremor=5e-4), np.empty((CURVE_KNOTS, 7))
    forecaster = AutoregForecaster(lags=lags, limits=NO_LIMITS)
    forecaster.forecast(window, out=out)
    displacement = np.empty((50, 7))
    for channel in range(7):
        fit = models.AutoReg(np.diff(window[:, channel]), lags=list(lags), trend="c").fit()
        np.testing.assert_allclose(np.roll(forecaster.coefficients[:, channel], 1), fit.params, rtol=0, atol=1e-12)
        displacement[:, channel] = np.cumsum(fit.forecast(50))
    expected = window[-1] + displacement[1::2]
    expected[:, 3:] = quat_normalize(expected[:, 3:])
    np.testing.assert_allclose(out[1:], expected, rtol=0, atol=1e-12)


def exact_least_squares(x, lags):
    """Lag coefficients, then the constant, of the normal equations in rational numbers."""
    start, columns = max(lags), len(lags) + 1
    rows = [[*(Fraction(x[t - lag]) for lag in lags), Fraction(1), Fraction(x[t])] for t in range(start, len(x))]
    system = [[sum(r[i] * r[j] for r in rows) for j in range(columns + 1)] for i in range(columns)]
    for i in range(columns):
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(columns):
            if k != i:
                system[k] = [a - system[k][i] * b for a, b in zip(system[k], system[i], strict=True)]
    return [float(row[-1]) for row in system]


def test_paper_mode_is_exact_where_the_fit_is_ill_conditioned():
    window, out = tracing_hand(3, tremor=1e-5), np.empty((CURVE_KNOTS, 7))
    forecaster = AutoregForecaster(limits=NO_LIMITS)
    forecaster.forecast(window, out=out)
    expected = exact_least_squares(np.diff(window[:, 1]), (1, 2, 3, 4, 5))
    np.testing.assert_allclose(forecaster.coefficients[:, 1], expected, rtol=0, atol=1e-13)


def test_paper_mode_gives_still_and_even_channels_no_say_of_their_own():
    window, mixed, alone = tracing_hand(1), np.empty((CURVE_KNOTS, 7)), np.empty((CURVE_KNOTS, 7))
    forecaster = AutoregForecaster(limits=NO_LIMITS)
    forecaster.forecast(window, out=alone)
    window[:, 1] = 0.3
    window[:, 2] = 0.001 * np.arange(WINDOW_COUNT)
    forecaster.forecast(window, out=mixed)
    np.testing.assert_array_equal(mixed[:, 0], alone[:, 0])
    np.testing.assert_array_equal(mixed[:, 1], 0.3)
    np.testing.assert_allclose(mixed[:, 2] - window[-1, 2], 0.002 * np.arange(CURVE_KNOTS), rtol=0, atol=1e-9)


def test_linear_ignores_one_bad_increment():
    window = np.zeros((WINDOW_COUNT, 7))
    window[:, 0] = 0.001 * np.arange(WINDOW_COUNT)
    window[:, 3] = 1.0
    window[-3:, 0] += 0.005
    out = np.empty((CURVE_KNOTS, 7))
    build_forecaster("linear").forecast(window, out=out)
    np.testing.assert_allclose(out[:, 0] - window[-1, 0], 0.1 * CURVE_STEP_S * np.arange(CURVE_KNOTS), atol=1e-12)


@pytest.mark.parametrize(
    "name", ["linear", "constant-velocity", "kalman", "arma", "autoreg", "pooled-ar", "pooled-fir", "combined"]
)
def test_many_hands_get_what_one_hand_gets(name):
    windows = np.stack([tracing_hand(seed) for seed in range(7)])
    single = build_forecaster(name)
    expected = np.empty((7, CURVE_KNOTS, 7))
    for window, curve in zip(windows, expected, strict=True):
        single.forecast(window, out=curve)
    np.testing.assert_array_equal(BatchedForecaster(name, hands=7).forecast(windows), expected)


def test_arma_forecasts_a_sine_far_better_than_holding():
    t = WINDOW_STEP_S * np.arange(WINDOW_COUNT)
    future = CURVE_STEP_S * np.arange(CURVE_KNOTS) + t[-1]
    rng = np.random.default_rng(3)
    window = np.tile([0, 0, 0, 1.0, 0, 0, 0], (WINDOW_COUNT, 1))
    window[:, 0] = 0.05 * np.sin(5 * t) + 1e-6 * rng.normal(size=WINDOW_COUNT)
    out = np.empty((CURVE_KNOTS, 7))
    ArmaForecaster().forecast(window, out=out)
    truth = 0.05 * np.sin(5 * future)
    assert np.sqrt(np.mean((out[:, 0] - truth) ** 2)) < 0.35 * np.sqrt(np.mean((window[-1, 0] - truth) ** 2))


def test_a_turn_beyond_the_limit_is_cut_on_the_shorter_way():
    window = np.tile([0, 0, 0, 1.0, 0, 0, 0], (WINDOW_COUNT, 1))
    angle = 0.1 * np.arange(WINDOW_COUNT)  # 10 rad/s
    window[:, 3], window[:, 6] = np.cos(angle / 2), np.sin(angle / 2)
    out = np.empty((CURVE_KNOTS, 7))
    build_forecaster("linear").forecast(window, out=out)
    reached = 2 * np.arccos(np.clip(np.abs(out[1] @ np.r_[0, 0, 0, window[-1, 3:]]), 0, 1))
    assert reached == pytest.approx(6.0 * CURVE_STEP_S, abs=1e-6)


def test_no_forecast_outruns_the_fastest_step_of_its_window():
    window, out = tracing_hand(1, tremor=1e-7), np.empty((CURVE_KNOTS, 7))
    fastest_m_s = np.linalg.norm(np.diff(window[:, :3], axis=0), axis=1).max() / WINDOW_STEP_S
    AutoregForecaster().forecast(window, out=out)
    distance = np.linalg.norm(out[:, :3] - window[-1, :3], axis=1)
    assert (distance <= fastest_m_s * CURVE_STEP_S * np.arange(CURVE_KNOTS) + 1e-12).all()


@pytest.mark.parametrize(
    "refused",
    [
        lambda: build_forecaster("crystal-ball"),
        lambda: arma_spec(order=0),
        lambda: autoreg_spec(lags=(3, 2)),
        lambda: autoreg_spec(lags=()),
        lambda: MotionLimits(speed_m_s=-1.0),
        lambda: BatchedForecaster("hold", hands=3),
        lambda: BatchedForecaster("arma", hands=0),
    ],
)
def test_settings_that_make_no_sense_are_refused(refused):
    with pytest.raises(ConfigError, match="given"):
        refused()


def test_the_names_are_listed_when_one_is_unknown():
    with pytest.raises(ConfigError, match=r"hold, linear, .*arma, autoreg, .*combined"):
        build_forecaster("crystal-ball")
