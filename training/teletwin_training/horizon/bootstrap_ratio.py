"""Intervals of a mean over trained policies, persons and their networks, or over seeds and the persons of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array


def mean_interval(
    groups: Sequence[Array],
    *,
    networks: Sequence[NDArray[np.int64]] | None = None,
    draws: int = 4000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, float]:
    """Mean over groups of the mean of each (seeds, persons), with its bootstrap interval.

    Args:
        groups: Values (seeds, persons) of each group.
        networks: Number (persons,) of each person's network, by group: persons of one network have more in common
            than their kind, so networks are drawn anew after the persons. None: every person has one of their own.
        draws: Of the bootstrap. Seeds are drawn once for all groups, persons and networks within their group.
        seed: Of the draws.
        level: Of the interval.
    """
    rng = np.random.default_rng([15, seed])
    chosen = _shares(rng, len(groups[0]), draws)
    total = np.zeros(draws)
    for index, values in enumerate(groups):
        weight = _shares(rng, values.shape[1], draws)
        if networks is not None:
            _, number = np.unique(networks[index], return_inverse=True)
            weight = weight * _shares(rng, int(number.max()) + 1, draws)[:, number]
        whole = np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
        total += np.einsum("ds,sp,dp->d", chosen, values, weight / whole, optimize=True)
    low, high = np.quantile(total / len(groups), [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    mean = float(np.mean([values.mean() for values in groups]))
    return {"mean": mean, "low": float(low), "high": float(high)}


def ratio_interval(groups: Sequence[Array], *, networks: Sequence[NDArray[np.int64]] | None = None) -> dict[str, float]:
    """Geometric mean of ratios (seeds, persons) over groups, with its interval; see `mean_interval`."""
    logs = mean_interval([np.log(values) for values in groups], networks=networks)
    return {name: float(np.exp(value)) for name, value in logs.items()}


def _shares(rng: np.random.Generator, count: int, draws: int) -> Array:
    """How much each of so many counts in each draw (draws, count)."""
    return rng.multinomial(count, np.full(count, 1.0 / count), size=draws) / count


def nested_ratio(
    own: Array, beside: Array, *, draws: int = 4000, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """Geometric mean of own errors over others (seeds, persons), with its bootstrap interval.

    Seeds are drawn anew first, then persons within each.
    """
    rng, values = np.random.default_rng([16, seed]), np.log(own / beside)
    seeds, persons = values.shape
    chosen = rng.integers(0, seeds, (draws, seeds, 1))
    means = values[chosen, rng.integers(0, persons, (draws, seeds, persons))].mean(axis=(1, 2))
    low, high = np.exp(np.quantile(means, [0.5 - 0.5 * level, 0.5 + 0.5 * level]))
    return {"mean": float(np.exp(values.mean())), "low": float(low), "high": float(high)}
