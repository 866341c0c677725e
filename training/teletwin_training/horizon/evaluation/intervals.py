"""Ratios of two methods' errors over hands, with intervals that hold for other hands and networks of the kind.

A hand's ratio is that of the root mean squares over its networks; over hands the geometric mean is taken, so that no
hand counts for more than another because it moves faster. The bootstrap draws hands first, then networks (Efron and
Tibshirani, 1993, ch. 8); all hands were judged on the same networks, so one draw of those holds for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array

DRAWS = 2000
_LEAST = 1e-18
"""A mean square below this counts as this: a hand that rests has a ratio of 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """One method's error over another's, on the same hands and networks."""

    value: float
    low: float
    high: float
    """2.5 and 97.5 % of the bootstrap."""
    hands: int
    """How many hands it rests on: the interval of a few tells little of others."""
    networks: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell:
    """Mean squares of two methods on hands of one kind and networks of one condition."""

    motion: str
    condition: str
    own: Array
    """(hands, networks)."""
    beside: Array
    """(hands, networks)."""


def geometric_ratio(cells: Sequence[Cell], *, seed: int = 0) -> Ratio:
    """Geometric mean over cells of that over hands of their ratios; cells of one motion have the same hands."""
    rng = np.random.default_rng([17, seed])
    hands = {cell.motion: len(cell.own) for cell in cells}
    networks = {cell.condition: cell.own.shape[1] for cell in cells}
    drawn_hands = {name: _weights(rng, count) for name, count in hands.items()}
    drawn_networks = {name: _weights(rng, count) for name, count in networks.items()}
    value, drawn = 0.0, np.zeros(DRAWS)
    for cell in cells:
        even = np.full((1, cell.own.shape[1]), 1.0 / cell.own.shape[1])
        value += float(_log_ratios(cell, even).mean()) / len(cells)
        logs = _log_ratios(cell, drawn_networks[cell.condition])
        drawn += (drawn_hands[cell.motion] * logs).sum(axis=1) / len(cells)
    low, high = np.exp(np.percentile(drawn, [2.5, 97.5]))
    return Ratio(
        value=float(np.exp(value)),
        low=float(low),
        high=float(high),
        hands=sum(hands.values()),
        networks=sum(networks.values()),
    )


def _weights(rng: np.random.Generator, count: int) -> Array:
    """How much each of so many counts in each draw (DRAWS, count), drawn with replacement."""
    return rng.multinomial(count, np.full(count, 1.0 / count), size=DRAWS) / count


def _log_ratios(cell: Cell, weights: Array) -> Array:
    """Logarithm of each hand's ratio (draws, hands), networks weighted (draws, networks)."""
    own, beside = (np.maximum(weights @ squares.T, _LEAST) for squares in (cell.own, cell.beside))
    return 0.5 * np.log(own / beside)
