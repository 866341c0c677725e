"""A trained Informer behind the forecaster Protocol."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from teletwin.geometry import Array
from teletwin_training.informer.series import STEPS, curves_from, window_table


class SeriesNetwork(Protocol):
    """What is needed of a fitted `neuralforecast.NeuralForecast`."""

    def predict(self, df: Any) -> Any:
        """Continue every series of the table by STEPS rows, in the column 'Informer'."""
        ...


class InformerForecaster:
    """Forecasts the increments of each channel; tens of milliseconds a pose, so many windows at once are better."""

    def __init__(self, network: SeriesNetwork) -> None:
        self._network = network

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        out[:] = self.forecast_many(window[None])[0]

    def forecast_many(self, windows: Array) -> Array:
        """Continue windows (n, count, 7) of past poses; return curves (n, CURVE_KNOTS, 7)."""
        table, size = window_table(windows)
        answer = self._network.predict(df=table).sort_values(["unique_id", "ds"])
        scaled = np.asarray(answer["Informer"], dtype=np.float64).reshape(len(windows), 7, STEPS)
        return curves_from(scaled.transpose(0, 2, 1) * size[:, None], windows)

    def reset(self) -> None:
        """Nothing is remembered."""
