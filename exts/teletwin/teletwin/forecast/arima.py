"""ARIMA with given parameters: exact forecasts by a Kalman filter, all channels at once.

Harvey's state-space form (A. C. Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989).
The gains depend on the parameters only, so channels that share parameters share the filter.
"""

from __future__ import annotations

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

_DOUBLINGS = 40


def arima_forecast(values: Array, *, ar: Array, ma: Array, differences: int = 1, steps: int = 50) -> Array:
    """Forecast (steps, channels) from values (n, channels).

    The model is (1 - sum ar_j L^j) (1 - L)^d x = (1 + sum ma_j L^j) e, without a constant, started in its
    stationary distribution.

    Raises:
        ConfigError: The autoregression is not stationary, or there are too few values.
    """
    ar, ma = np.atleast_1d(np.asarray(ar, dtype=float)), np.atleast_1d(np.asarray(ma, dtype=float))
    if differences not in (0, 1) or len(values) < differences + 2:
        raise ConfigError(
            "the series cannot be forecast", given=f"{len(values)} values, d = {differences}", allowed="d = 0 or 1"
        )
    series = np.diff(values, axis=0) if differences else np.asarray(values, dtype=float)
    transition, noise = _state_space(ar, ma)
    state = _filter(series, transition, noise)
    ahead = np.empty((steps, values.shape[1]))
    for step in range(steps):
        ahead[step] = state[0]
        state = transition @ state
    return values[-1] + np.cumsum(ahead, axis=0) if differences else ahead


def _state_space(ar: Array, ma: Array) -> tuple[Array, Array]:
    """Transition (r, r) and how the noise enters (r,), r = max(p, q + 1)."""
    size = max(len(ar), len(ma) + 1)
    transition = np.diag(np.ones(size - 1), 1)
    transition[: len(ar), 0] = ar
    noise = np.zeros(size)
    noise[0] = 1.0
    noise[1 : len(ma) + 1] = ma
    radius = float(np.abs(np.linalg.eigvals(transition)).max())
    if not radius < 1.0:
        raise ConfigError("the autoregression is not stationary", given=f"root {radius:.6g}", allowed="below 1")
    return transition, noise


def _filter(series: Array, transition: Array, noise: Array) -> Array:
    """Predicted state (r, channels) one step after the last value."""
    input_covariance = np.outer(noise, noise)
    covariance = _stationary(transition, input_covariance)
    state = np.zeros((len(noise), series.shape[1]))
    for value in series:
        gain = transition @ covariance[:, 0] / covariance[0, 0]
        state = transition @ state + np.outer(gain, value - state[0])
        reduced = transition - np.outer(gain, np.eye(len(noise))[0])
        covariance = transition @ covariance @ reduced.T + input_covariance
    return state


def _stationary(transition: Array, input_covariance: Array) -> Array:
    """Solve P = T P T' + Q by doubling."""
    power, total = transition, input_covariance
    for _ in range(_DOUBLINGS):
        total = total + power @ total @ power.T
        power = power @ power
    return total
