"""Thousands of hands at once, for training and studies: the same kernels as for one hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import DEFAULT_FORECASTER, WINDOW_COUNT
from teletwin.forecast.arma import arma_spec
from teletwin.forecast.autoreg import autoreg_spec
from teletwin.forecast.launch import BoundKernel, KernelSpec
from teletwin.forecast.linear import linear_spec
from teletwin.forecast.pooled import pooled_ar_spec, pooled_fir_spec
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS

_SPECS: dict[str, Callable[[], KernelSpec]] = {
    "linear": linear_spec,
    "arma": arma_spec,
    "autoreg": autoreg_spec,
    "pooled-ar": pooled_ar_spec,
    "pooled-fir": pooled_fir_spec,
}


class BatchedForecaster:
    """A compiled forecaster over many hands on the CPU ('cpu') or a GPU ('cuda:0').

    Code that keeps its data on the device writes `device_window`, calls `launch` and reads
    `device_curve` (warp arrays of 7-vectors of float64); `forecast` does the same with numpy arrays.
    """

    def __init__(
        self, name: str | KernelSpec = DEFAULT_FORECASTER, *, hands: int, count: int = WINDOW_COUNT, device: str = "cpu"
    ) -> None:
        spec = name if isinstance(name, KernelSpec) else _spec(name)
        if hands < 1 or count < spec.shortest_window:
            raise ConfigError(
                "the batch cannot be used",
                given=f"{hands} hands of {count} poses",
                allowed=f"at least 1 hand of {spec.shortest_window} poses",
            )
        self._bound = BoundKernel(spec, hands=hands, count=count, device=device)
        self.device_window: Any = self._bound.device_window
        self.device_curve: Any = self._bound.device_curve
        self.launch = self._bound.launch

    def forecast(self, windows: Array, *, out: Array | None = None) -> Array:
        """Continue windows (hands, count, 7) of past poses; return curves (hands, CURVE_KNOTS, 7)."""
        if self._bound.window is not None and self._bound.curve is not None:
            self._bound.window[:] = windows
            self.launch()
            curves = self._bound.curve
        else:
            self.device_window.assign(np.ascontiguousarray(windows, dtype=np.float64))
            self.launch()
            curves = self.device_curve.numpy()
        if out is None:
            out = np.empty((len(windows), CURVE_KNOTS, 7))
        out[:] = curves
        return out


def _spec(name: str) -> KernelSpec:
    if name not in _SPECS:
        raise ConfigError("no compiled forecaster has this name", given=name, allowed=", ".join(_SPECS))
    return _SPECS[name]()
