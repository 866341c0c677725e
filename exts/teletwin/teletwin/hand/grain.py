"""Smooths a window of poses whose positions are only known in steps, as those of a pointer in pixels are.

A screen's pixel is a millimetre or two in front of the arm, and a forecast looks ahead by ten or twenty times the
distance between two inputs: what rounding does to the motion's speed it multiplies. The true path is smooth and lies
within half a step of what was seen, so the smoothest path that still explains what was seen is taken (Whittaker's
graduation, 1923, on third differences: parabolas pass unchanged). Only past samples are used and nothing is delayed.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from teletwin.geometry import Array

STIFFNESS = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
"""Weights of the third differences that are tried, on a grid of 10 ms."""
_TOLERANCE = 0.45
"""Root mean square of what is smoothed away, in steps; rounding in a plane alone gives 0.41."""
_ORDER = 3


def smooth_window(window: Array, grain_m: float) -> Array:
    """The window (n, 7) with its positions smoothed within steps of grain_m [m]; the same array where that is 0."""
    if not grain_m > 0.0 or len(window) <= _ORDER:
        return window
    positions = window[:, :3]
    best, most_m2 = None, len(window) * (_TOLERANCE * grain_m) ** 2
    for smoother in _smoothers(len(window)):
        smoothed = smoother @ positions
        away = smoothed - positions
        if float(np.einsum("ij,ij->", away, away)) > most_m2:
            break
        best = smoothed
    if best is None:
        return window
    out = window.copy()
    out[:, :3] = best
    return out


@cache
def _smoothers(count: int) -> tuple[Array, ...]:
    """Matrices (count, count), the gentlest first."""
    differences = np.diff(np.eye(count), _ORDER, axis=0)
    penalty = differences.T @ differences
    return tuple(np.linalg.inv(np.eye(count) + weight * penalty).astype(np.float64) for weight in STIFFNESS)
