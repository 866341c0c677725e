"""Poisson numbers by one uniform draw each: alias tables of a fixed width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 512
_SPREADS = 8.0


@dataclass(frozen=True, kw_only=True, eq=False)
class PoissonTables:
    """Table k: bin i stands for `first[k] + width[k] * i`, and is kept when the draw's fraction is below `kept[k, i]`,
    else its `alias[k, i]` is taken.
    """

    kept: NDArray[np.float32]
    alias: NDArray[np.int32]
    first: NDArray[np.float32]
    width: NDArray[np.float32]


def poisson_tables(means: list[float]) -> PoissonTables:
    """Of max(Poisson(mean), 1); where the spread needs more than BINS values, neighbours share a bin."""
    rows = [_table(mean) for mean in means]
    kept, alias, first, width = (np.array([row[k] for row in rows]) for k in range(4))
    return PoissonTables(
        kept=kept.astype(np.float32),
        alias=alias.astype(np.int32),
        first=first.astype(np.float32),
        width=width.astype(np.float32),
    )


def _table(mean: float) -> tuple[Any, Any, float, float]:
    from scipy import stats

    spread = max(np.sqrt(mean), 1.0)
    low = max(1.0, np.floor(mean - _SPREADS * spread))
    high = np.ceil(mean + _SPREADS * spread) + 2.0
    width = max(1.0, np.ceil((high - low) / BINS))
    # A bin of width w stands for its middle value, so that the mean stays.
    edges = low + width * np.arange(BINS + 1) - 1.0
    mass = np.diff(stats.poisson.cdf(edges, mean))
    mass[0] += stats.poisson.cdf(edges[0], mean)
    kept, alias = _alias(mass / mass.sum())
    return kept, alias, low + 0.5 * (width - 1.0), width


def _alias(mass: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Vose's method."""
    scaled = mass * len(mass)
    kept, alias = np.ones(len(mass)), np.arange(len(mass))
    small = [int(i) for i in np.flatnonzero(scaled < 1.0)]
    large = [int(i) for i in np.flatnonzero(scaled >= 1.0)]
    while small and large:
        low, high = small.pop(), large[-1]
        kept[low], alias[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            small.append(large.pop())
    return kept, alias
