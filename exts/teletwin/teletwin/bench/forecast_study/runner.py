"""One forecaster on one hand: fed as it would be live, timed, judged."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from teletwin.bench.forecast_study.errors import ErrorSums, ratios, summary
from teletwin.bench.forecast_study.promises import Promises
from teletwin.forecast import Forecaster
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS

_FLUSH = 512


class Runner:
    """Feeds a forecaster every slot, or some when it is slow, and adds up the errors of the counted ones."""

    def __init__(self, name: str, forecaster: Forecaster, *, horizons: int, thin: bool) -> None:
        self.name = name
        self.thin = thin
        self._forecaster = forecaster
        self._many: Any = getattr(forecaster, "forecast_many", None)
        self._horizons = horizons
        self._out = np.empty((CURVE_KNOTS, 7))
        self._times_us: list[float] = []
        self._errors, self._hold = ErrorSums(horizons), ErrorSums(horizons)
        self._pending: list[tuple[Array, Array, Array]] = []
        self._promises = Promises(forecaster, horizons)

    def reset(self) -> None:
        """Another recording begins."""
        self.flush()
        self._forecaster.reset()

    def step(self, window: Array) -> Array:
        """Forecast one slot; the curve (CURVE_KNOTS, 7), which the next call overwrites."""
        start_ns = time.perf_counter_ns()
        self._forecaster.forecast(window, out=self._out)
        self._times_us.append((time.perf_counter_ns() - start_ns) / 1e3)
        return self._out

    def judge(self, curve: Array, window: Array, truth: Array) -> None:
        """Count a forecast against what came, truth (horizons, 7)."""
        forecast = curve[1 : self._horizons + 1].copy()
        self._promises.judge(forecast, truth)
        self._pending.append((forecast, window[-1], truth))
        if len(self._pending) >= _FLUSH:
            self.flush()

    def take(self, window: Array, truth: Array) -> None:
        """A counted slot of a slow forecaster; one that forecasts many windows at once does so at the end."""
        if self._many is None:
            self.judge(self.step(window), window, truth)
        else:
            self._pending.append((window, window[-1], truth))

    def flush(self) -> None:
        """Add up what is waiting."""
        if not self._pending:
            return
        given, newest, truths = (np.stack(each) for each in zip(*self._pending, strict=True))
        self._pending.clear()
        if self.thin and self._many is not None:
            start_ns = time.perf_counter_ns()
            given = np.asarray(self._many(given))[:, 1 : self._horizons + 1]
            self._times_us.append((time.perf_counter_ns() - start_ns) / 1e3 / len(given))
        self._errors.add(given, truths)
        self._hold.add(np.repeat(newest[:, None], self._horizons, axis=1), truths)

    def figures(self) -> dict[str, Any]:
        """What came out, ready for a report: errors beside those of holding on the same windows."""
        self.flush()
        errors, hold = self._errors, self._hold
        return {
            "forecast_count": errors.count,
            "time_us": {"p50": float(np.median(self._times_us)), "p99": float(np.percentile(self._times_us, 99))},
            "position_axis_mm": summary(errors.per_axis_mm(), hold.per_axis_mm())
            | {"xyz_mean": errors.axis_mm().mean(axis=0)},
            "position_mm": summary(errors.euclidean_mm(), hold.euclidean_mm()),
            "orientation_deg": summary(errors.geodesic_deg(), hold.geodesic_deg()),
            "quaternion_component_ratio": summary(errors.quaternion(), hold.quaternion()),
            "to_hold_ratio": {
                "position": ratios(errors.euclidean_mm(), hold.euclidean_mm()),
                "orientation": ratios(errors.geodesic_deg(), hold.geodesic_deg()),
            },
            "expected_errors": self._promises.figures(),
        }
