"""One hand through a compiled kernel, in a few microseconds and without allocation."""

from __future__ import annotations

import numpy as np

from teletwin.forecast import WINDOW_COUNT
from teletwin.forecast.launch import BoundKernel, KernelSpec
from teletwin.geometry import Array


class SingleHand:
    """Runs a kernel for one hand; keeps no memory of earlier windows."""

    def __init__(self, spec: KernelSpec) -> None:
        self._spec = spec
        self._bind(max(WINDOW_COUNT, spec.shortest_window))

    def run(self, window: Array, *, out: Array) -> None:
        """Forecast from past poses (n, 7) into out (CURVE_KNOTS, 7); a new n binds new arrays once."""
        if len(window) != self._count:
            window = self._lengthened(window)
            if len(window) != self._count:
                self._bind(len(window))
        self._window[:] = window
        self._launch()
        out[:] = self._curve

    @property
    def coefficients(self) -> Array:
        """Coefficients of the last forecast (lags + 1, 7), a view; the last row is the constant."""
        return self._coefficients

    def _bind(self, count: int) -> None:
        bound = BoundKernel(self._spec, hands=1, count=count)
        assert bound.window is not None
        assert bound.curve is not None
        assert bound.coefficients is not None
        self._bound = bound
        self._count = count
        self._launch = bound.launch
        self._window, self._curve, self._coefficients = bound.window[0], bound.curve[0], bound.coefficients[0]

    def _lengthened(self, window: Array) -> Array:
        """Repeat the oldest pose until the kernel has enough to read."""
        missing = self._spec.shortest_window - len(window)
        if missing <= 0:
            return window
        return np.concatenate([np.repeat(window[:1], missing, axis=0), window])
