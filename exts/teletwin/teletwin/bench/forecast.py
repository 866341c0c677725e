"""Times the forecasters beside statsmodels, and compares paper mode with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

import numpy as np

from teletwin.bench.timing import call_times_us
from teletwin.forecast import WINDOW_COUNT, WINDOW_STEP_S, Forecaster, build_forecaster
from teletwin.forecast.autoreg import DEFAULT_LAGS, AutoregForecaster
from teletwin.forecast.batched import BatchedForecaster
from teletwin.forecast.launch import MotionLimits
from teletwin.geometry import Array, quat_normalize
from teletwin.messages import CURVE_KNOTS

_NAMES = ("arma", "autoreg", "combined")
_BATCH = 1024
_SLOTS = 1000
_STEPS = 50


def measure_forecast(*, calls: int = 3000, batch_calls: int = 20, seed: int = 0) -> dict[str, float | None]:
    """Times of one pose [us], of a pose in a batch of 1024 [us], of statsmodels [ms], and differences to it.

    `forecast_autoreg_times_faster` is statsmodels' time over ours for the same forecast, one pose.

    The differences are the largest over 20 hands: of parameters, and of positions [m] forecast to 500 ms with
    the bound on the displacement off. None where statsmodels is not installed.
    """
    rng = np.random.default_rng(seed)
    stream = tracing_hand(rng, count=WINDOW_COUNT + _SLOTS)
    window = stream[:WINDOW_COUNT]
    numbers: dict[str, float | None] = {}
    for name in _NAMES:
        work = _one_pose(build_forecaster(name), stream)
        times_us = call_times_us(work, calls=calls)
        for percent in (50, 95):
            numbers[f"forecast_{name}_us_p{percent}"] = float(np.percentile(times_us, percent))
        numbers[f"forecast_{name}_1024_us_per_pose_p50"] = _batch_us_per_pose(name, rng, batch_calls)
    beside = _beside_statsmodels(rng, window)
    theirs_ms, ours_us = beside["forecast_statsmodels_autoreg_ms_p50"], numbers["forecast_autoreg_us_p50"]
    ratio = None if theirs_ms is None or not ours_us else 1e3 * theirs_ms / ours_us
    return numbers | beside | {"forecast_autoreg_times_faster": ratio}


def tracing_hand(rng: np.random.Generator, *, count: int = WINDOW_COUNT) -> Array:
    """Poses (count, 7) of smooth motion, 20 to 120 mm/s, with 0.5 mm of noise."""
    t = WINDOW_STEP_S * np.arange(count)
    phase, rate = rng.uniform(0.0, 6.0, size=7), rng.uniform(1.0, 6.0, size=7)
    poses = 0.02 * np.sin(rate * t[:, None] + phase) + 5e-4 * rng.normal(size=(count, 7))
    poses[:, 3] += 1.0
    poses[:, 3:] = quat_normalize(poses[:, 3:])
    return poses


def _one_pose(forecaster: Forecaster, stream: Array) -> Callable[[], object]:
    """Work of a slot: each call goes one pose further, as live; at the end it turns back to the start."""
    out = np.empty((CURVE_KNOTS, 7))
    starts = cycle(range(len(stream) - WINDOW_COUNT))

    def slot() -> None:
        start = next(starts)
        forecaster.forecast(stream[start : start + WINDOW_COUNT], out=out)

    return slot


def _batch_us_per_pose(name: str, rng: np.random.Generator, calls: int) -> float:
    """Median time of a batch over its hands; every call brings each hand its next pose."""
    batch = BatchedForecaster(name, hands=_BATCH)
    streams = np.stack([tracing_hand(rng, count=WINDOW_COUNT + calls + 2) for _ in range(_BATCH)])
    times_us = np.empty(calls)
    for call in range(-2, calls):
        batch.load(streams[:, call + 2 : call + 2 + WINDOW_COUNT])
        time_us = call_times_us(batch.launch, calls=1, warm_calls=0)[0]
        if call >= 0:
            times_us[call] = time_us
    return float(np.median(times_us)) / _BATCH


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
