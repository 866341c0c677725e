"""Forecasters of statsmodels behind our contract: slow, for studies and as a check of our own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from teletwin.errors import MissingPartError
from teletwin.forecast import WINDOW_STEP_S
from teletwin.forecast.autoreg import DEFAULT_LAGS
from teletwin.forecast.hold import HoldForecaster
from teletwin.forecast.launch import MotionLimits
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S

_STEPS_PER_KNOT = round(CURVE_STEP_S / WINDOW_STEP_S)
_STEPS = _STEPS_PER_KNOT * (CURVE_KNOTS - 1)
_REST = 1e-12
"""A channel that moved less over the window is held [m or 1]."""
Continue = Callable[[Array], Array]
"""Displacements (steps,) from one channel (n,)."""


class ArimaForecaster:
    """statsmodels' ARIMA(2, 1, 1), maximum likelihood, channel by channel, with our bound on the displacement."""

    typical_ms = 430.0

    def __init__(self, *, order: tuple[int, int, int] = (2, 1, 1), limits: MotionLimits | None = None) -> None:
        self._models = _statsmodels("statsmodels.tsa.arima.model")
        self._order = order
        self._limits = limits or MotionLimits()

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        _by_channel(window, self._continue, self._limits, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""

    def _continue(self, channel: Array) -> Array:
        scale = float(np.abs(channel - channel[-1]).max())
        fit = self._models.ARIMA((channel - channel[-1]) / scale, order=self._order).fit()
        return scale * np.asarray(fit.forecast(_STEPS))


class StatsmodelsAutoregForecaster:
    """statsmodels' AutoReg on the increments, the same model as `autoreg`."""

    typical_ms = 18.0

    def __init__(self, *, lags: tuple[int, ...] = DEFAULT_LAGS, limits: MotionLimits | None = None) -> None:
        self._models = _statsmodels("statsmodels.tsa.ar_model")
        self._lags = list(lags)
        self._limits = limits or MotionLimits()

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        _by_channel(window, self._continue, self._limits, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""

    def _continue(self, channel: Array) -> Array:
        fit = self._models.AutoReg(np.diff(channel), lags=self._lags, trend="c").fit()
        return np.cumsum(fit.forecast(_STEPS))


def _statsmodels(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPartError(
            "this forecaster needs statsmodels, which is not installed", mend="pip install 'teletwin[bench]'"
        ) from error


def _by_channel(window: Array, continue_channel: Continue, limits: MotionLimits, *, out: Array) -> None:
    """Continue each channel that moves and can be fitted; hold the others; keep the limits of motion."""
    HoldForecaster().forecast(window, out=out)
    moved = np.zeros((_STEPS, 7))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for number, channel in enumerate(window.T):
            # written so that a channel with NaN is held
            if not (_REST < np.ptp(channel) < 1e9) or len(channel) < 2 * len(DEFAULT_LAGS) + 10:
                continue
            try:
                ahead = continue_channel(np.ascontiguousarray(channel))
            except (ValueError, np.linalg.LinAlgError):
                continue
            if np.isfinite(ahead).all():
                moved[:, number] = ahead
    _add_bounded(window, moved[_STEPS_PER_KNOT - 1 :: _STEPS_PER_KNOT], limits, out=out)


def _add_bounded(window: Array, moved: Array, limits: MotionLimits, *, out: Array) -> None:
    """Add displacements (CURVE_KNOTS - 1, 7) to the held curve, as far as a hand can move."""
    steps = np.nan_to_num(np.diff(window, axis=0), posinf=0.0, neginf=0.0)
    horizon_s = CURVE_STEP_S * np.arange(1, CURVE_KNOTS)
    with np.errstate(all="ignore"):
        fastest = limits.window_factor / WINDOW_STEP_S * np.linalg.norm(steps[:, :3], axis=1).max(initial=0.0)
        turning = 2.0 * limits.window_factor / WINDOW_STEP_S * np.linalg.norm(steps[:, 3:], axis=1).max(initial=0.0)
    reach_m = horizon_s * min(limits.speed_m_s, fastest)
    reach_q = 0.45 * horizon_s * min(limits.turn_rate_rad_s, turning)  # a chord; below half the angle
    for part, reach in ((slice(0, 3), reach_m), (slice(3, 7), np.minimum(reach_q, 0.9))):
        length = np.linalg.norm(moved[:, part], axis=1)
        moved[:, part] *= np.minimum(1.0, reach / np.maximum(length, 1e-300))[:, None]
    out[1:] += moved
    out[1:, 3:] /= np.linalg.norm(out[1:, 3:], axis=1)[:, None]
