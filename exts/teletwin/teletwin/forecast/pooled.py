"""Models fitted beforehand on other hands: an autoregression and a direct FIR for every knot."""

from __future__ import annotations

from functools import lru_cache

from teletwin.assets import asset_path
from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.pooled_model import PooledModel, per_channel
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array


@lru_cache(maxsize=1)
def default_model() -> PooledModel:
    """The shipped model, fitted on synthetic operators and handwriting only (scripts/fit_pooled.py)."""
    return PooledModel.load(asset_path("forecast", "pooled.json"))


def pooled_fir_spec(*, model: PooledModel | None = None, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of PooledFirForecaster; also for `batched`."""
    weights = per_channel((model or default_model()).fir)
    lags = tuple(range(1, weights.shape[1] + 1))
    return KernelSpec(kernel="pooled_fir", lags=lags, limits=limits or MotionLimits(), weights=weights)


def pooled_ar_spec(*, model: PooledModel | None = None, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of PooledArForecaster; also for `batched`."""
    weights = per_channel((model or default_model()).ar)[:, None]
    lags = tuple(range(1, len(weights) + 1))
    return KernelSpec(kernel="pooled_ar", lags=lags, limits=limits or MotionLimits(), weights=weights)


class PooledFirForecaster:
    """Displacement to each knot as a weighted sum of the last increments, with the same weights for every hand."""

    def __init__(self, *, model: PooledModel | None = None, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(pooled_fir_spec(model=model, limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""


class PooledArForecaster:
    """Autoregression of the 10 ms increments with the same coefficients for every hand."""

    def __init__(self, *, model: PooledModel | None = None, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(pooled_ar_spec(model=model, limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""
