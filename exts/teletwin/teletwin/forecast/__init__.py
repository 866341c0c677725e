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
    "arma": "teletwin.forecast.arma:ArmaForecaster",
    "autoreg": "teletwin.forecast.autoreg:AutoregForecaster",
    "pooled-ar": "teletwin.forecast.pooled:PooledArForecaster",
    "pooled-fir": "teletwin.forecast.pooled:PooledFirForecaster",
    "combined": "teletwin.forecast.combined:CombinedForecaster",
}
"""Name on the command line -> where its class lies; a class is imported when it is built."""

DEFAULT_FORECASTER = "arma"


def build_forecaster(name: str = DEFAULT_FORECASTER) -> Forecaster:
    """Build a forecaster by name with its default settings; kernels are compiled here, not in the loop.

    Raises:
        ConfigError: No forecaster has this name.
    """
    if name not in FORECASTERS:
        raise ConfigError("no forecaster has this name", given=name, allowed=", ".join(FORECASTERS))
    module, _, attribute = FORECASTERS[name].partition(":")
    return getattr(import_module(module), attribute)()
