"""Intervals of a mean over trained policies and persons, both drawn anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teletwin.geometry import Array


def mean_interval(
    groups: Sequence[Array], *, draws: int = 4000, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """Mean over groups of the mean of each (seeds, persons), with its bootstrap interval.

    Seeds are drawn once for all groups, persons within their group.
    """
    rng = np.random.default_rng([15, seed])
    seeds = len(groups[0])
    total = np.zeros(draws)
    chosen = rng.multinomial(seeds, np.full(seeds, 1.0 / seeds), size=draws) / seeds
    for values in groups:
        persons = values.shape[1]
        drawn = rng.multinomial(persons, np.full(persons, 1.0 / persons), size=draws) / persons
        total += np.einsum("ds,sp,dp->d", chosen, values, drawn, optimize=True)
    low, high = np.quantile(total / len(groups), [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    mean = float(np.mean([values.mean() for values in groups]))
    return {"mean": mean, "low": float(low), "high": float(high)}
