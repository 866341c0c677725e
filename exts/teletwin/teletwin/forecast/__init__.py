"""Where the hand will be: forecasters of pose, one class and one name each."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from teletwin.errors import ConfigError
from teletwin.geometry import Array

WINDOW_STEP_S = 0.01
"""Spacing of the past poses that a forecaster reads [s]."""
WINDOW_COUNT = 100
"""Past poses that a forecaster reads: one second."""


class Forecaster(Protocol):
    """Continues an even grid of past poses."""

    def forecast(self, window: Array, *, out: Array) -> None:
        """Write the curve of the next poses.

        Args:
            window: Past poses (n, 7), oldest first, WINDOW_STEP_S apart; quaternions in one hemisphere.
            out: Receives the curve (CURVE_KNOTS, 7); row 0 is the newest pose, rows CURVE_STEP_S apart.
        """
        ...

    def reset(self) -> None:
        """Forget what was learned from earlier windows."""
        ...


FORECASTERS: dict[str, str] = {
    "hold": "teletwin.forecast.hold:HoldForecaster",
    "linear": "teletwin.forecast.linear:LinearForecaster",
    "constant-velocity": "teletwin.forecast.constant_velocity:ConstantVelocityForecaster",
    "kalman": "teletwin.forecast.kalman:KalmanForecaster",
    "arma": "teletwin.forecast.arma:ArmaForecaster",
    "autoreg": "teletwin.forecast.autoreg:AutoregForecaster",
    "pooled-ar": "teletwin.forecast.pooled:PooledArForecaster",
    "pooled-fir": "teletwin.forecast.pooled:PooledFirForecaster",
    "combined": "teletwin.forecast.combined:CombinedForecaster",
    "arima": "teletwin.forecast.statsmodels_peers:ArimaForecaster",
    "statsmodels-autoreg": "teletwin.forecast.statsmodels_peers:StatsmodelsAutoregForecaster",
}
"""Name on the command line -> where its class lies; a class is imported when it is built."""

NEEDS_EXTRA = frozenset({"arima", "statsmodels-autoreg"})
"""Forecasters that need an optional package; too slow for the loop but in the background."""

LEARNS_PERSON = frozenset({"combined"})
"""Forecasters that can start from what earlier sessions learned of a person."""

DEFAULT_FORECASTER = "arma"


def build_forecaster(name: str = DEFAULT_FORECASTER) -> Forecaster:
    """Build a forecaster by name with its default settings; kernels are compiled here, not in the loop.

    Raises:
        ConfigError: No forecaster has this name.
    """
    return _class_of(name)()


def forecast_cost_ms(name: str) -> float:
    """What a forecaster says a pose costs it [ms]; 0.01 where it says nothing.

    Raises:
        ConfigError: No forecaster has this name.
    """
    return float(getattr(_class_of(name), "typical_ms", 0.01))


def _class_of(name: str) -> type[Forecaster]:
    if name not in FORECASTERS:
        raise ConfigError("no forecaster has this name", given=name, allowed=", ".join(FORECASTERS))
    module, _, attribute = FORECASTERS[name].partition(":")
    return getattr(import_module(module), attribute)
