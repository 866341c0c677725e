"""The hand stays where it is: persistence, what every forecast is measured against."""

from __future__ import annotations

import math

import numpy as np

from teletwin.geometry import Array


class HoldForecaster:
    """Repeats the newest pose."""

    def forecast(self, window: Array, *, out: Array) -> None:
        """Write the newest pose (7,), of unit quaternion, into every row of out (CURVE_KNOTS, 7)."""
        newest = window[-1] if np.isfinite(window[-1]).all() else _newest_finite(window)
        w, x, y, z = newest[3:].tolist()
        norm = math.hypot(w, x, y, z)
        out[:] = newest
        out[:, 3:] = newest[3:] / norm if 1e-6 < norm < math.inf else (1.0, 0.0, 0.0, 0.0)

    def reset(self) -> None:
        """Nothing is remembered."""


def _newest_finite(window: Array) -> Array:
    """Per channel the newest finite value of (n, 7), else 0."""
    finite = np.isfinite(window)
    row = len(window) - 1 - np.argmax(finite[::-1], axis=0)
    values = window[row, np.arange(window.shape[1])]
    return np.where(finite.any(axis=0), values, 0.0)
