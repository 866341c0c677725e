"""Times the forecasters beside statsmodels, and compares paper mode with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from teletwin.bench.timing import call_times_us
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, Forecaster, build_forecaster
from teletwin.forecast.autoreg import DEFAULT_LAGS, AutoregForecaster
from teletwin.forecast.batched import BatchedForecaster
from teletwin.forecast.launch import MotionLimits
from teletwin.geometry import Array, quat_normalize
from teletwin.messages import CURVE_KNOTS

_NAMES = ("arma", "autoreg")
_BATCH = 1024
_STEPS = 50


def measure_forecast(*, calls: int = 3000, batch_calls: int = 20, seed: int = 0) -> dict[str, float | None]:
    """Times of one pose [us], of a pose in a batch of 1024 [us], of statsmodels [ms], and differences to it.

    The differences are the largest over 20 hands: of parameters, and of positions [m] forecast to 500 ms with
    the bound on the displacement off. None where statsmodels is not installed.
    """
    rng = np.random.default_rng(seed)
    window = tracing_hand(rng)
    numbers: dict[str, float | None] = {}
    for name in _NAMES:
        work = _one_pose(build_forecaster(name), window)
        times_us = call_times_us(work, calls=calls)
        for percent in (50, 95):
            numbers[f"forecast_{name}_us_p{percent}"] = float(np.percentile(times_us, percent))
        batch = BatchedForecaster(name, hands=_BATCH)
        batch.forecast(np.stack([tracing_hand(rng) for _ in range(_BATCH)]))
        numbers[f"forecast_{name}_1024_us_per_pose_p50"] = _median_us(batch.launch, batch_calls) / _BATCH
    return numbers | _beside_statsmodels(rng, window)


def tracing_hand(rng: np.random.Generator) -> Array:
    """A window (WINDOW_COUNT, 7) of smooth motion, 20 to 120 mm/s, with 0.5 mm of noise."""
    t = WINDOW_STEP_S * np.arange(WINDOW_COUNT)
    phase, rate = rng.uniform(0.0, 6.0, size=7), rng.uniform(1.0, 6.0, size=7)
    poses = 0.02 * np.sin(rate * t[:, None] + phase) + 5e-4 * rng.normal(size=(WINDOW_COUNT, 7))
    poses[:, 3] += 1.0
    poses[:, 3:] = quat_normalize(poses[:, 3:])
    return poses


def _one_pose(forecaster: Forecaster, window: Array) -> Callable[[], object]:
    out = np.empty((CURVE_KNOTS, 7))
    return lambda: forecaster.forecast(window, out=out)


def _median_us(work: Callable[[], object], calls: int) -> float:
    return float(np.median(call_times_us(work, calls=calls, warm_calls=2)))


def _beside_statsmodels(rng: np.random.Generator, window: Array) -> dict[str, float | None]:
    names = (
        "forecast_statsmodels_autoreg_ms_p50",
        "autoreg_parameter_difference_max",
        "autoreg_position_difference_m_max",
    )
    try:
        _statsmodels_fit(window)
    except ImportError:
        return dict.fromkeys(names)
    time_ms = _median_us(lambda: _statsmodels_fit(window), 5) / 1e3
    return dict(zip(names, (time_ms, *_differences([tracing_hand(rng) for _ in range(20)])), strict=True))


def _statsmodels_fit(window: Array) -> tuple[Array, Array]:
    """Parameters (lags + 1, channels), the constant last, and positions (CURVE_KNOTS - 1, channels) forecast."""
    from statsmodels.tsa.ar_model import AutoReg

    parameters, displacements = [], []
    for channel in window.T:
        fit = AutoReg(np.diff(channel), lags=list(DEFAULT_LAGS), trend="c").fit()
        parameters.append(np.roll(fit.params, -1))
        displacements.append(np.cumsum(fit.forecast(_STEPS)))
    every = _STEPS // (CURVE_KNOTS - 1)
    return np.stack(parameters, axis=1), window[-1] + np.stack(displacements, axis=1)[every - 1 :: every]


def _differences(windows: list[Array]) -> tuple[float, float]:
    """Largest difference of parameters and of forecast positions [m] to statsmodels."""
    free = AutoregForecaster(limits=MotionLimits(speed_m_s=1e9, turn_rate_rad_s=1e9, window_factor=1e9))
    out = np.empty((CURVE_KNOTS, 7))
    of_parameters = of_positions = 0.0
    for window in windows:
        free.forecast(window, out=out)
        parameters, poses = _statsmodels_fit(window)
        of_parameters = max(of_parameters, float(np.abs(free.coefficients - parameters).max()))
        of_positions = max(of_positions, float(np.abs(out[1:, :3] - poses[:, :3]).max()))
    return of_parameters, of_positions
