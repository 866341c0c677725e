"""95 % intervals of ratios of root mean squares, by a paired bootstrap over stretches of hands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array

DRAWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One method's root mean square over another's, on the same stretches and networks."""

    value: float
    low: float
    high: float
    """2.5 and 97.5 % of the bootstrap."""
    count: int
    """Stretches."""


def paired_ratio(squares: Array, beside: Array, *, seed: int = 0) -> Ratio:
    """RMS ratio of mean squares (n,) to those of another method (n,), stretch by stretch."""
    value = float(np.sqrt(squares.mean() / beside.mean()))
    picks = np.random.default_rng([17, seed]).integers(0, len(squares), (DRAWS, len(squares)))
    drawn = np.sqrt(squares[picks].mean(axis=1) / beside[picks].mean(axis=1))
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Ratio(value=value, low=float(low), high=float(high), count=len(squares))
