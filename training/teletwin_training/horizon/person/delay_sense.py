"""Getting used to a display's delay: how far the shown tool trails behind the hand that is felt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array

_PRIOR_M_S = 0.02
"""Motion slower than this teaches little against the first guess."""
_LEAST_S, _MOST_S = -0.2, 0.5


class DelaySense:
    """Slow regression of the gap between hand and shown tool on the hand's velocity.

    People get used to delays of visual feedback as they track (Foulkes and Miall 2000), and their crossover falls
    with more delay (McRuer and Jex 1967). That they do it by a regression, and how fast, is an assumption. The hand
    and the tool may have different origins; their axes and scale are the same.

    Args:
        persons: Rows.
        guess_s: Delay expected at first [s].
        adapt_s: Time constant [s].
        slot_s: Time step [s].
    """

    def __init__(self, *, persons: int, guess_s: float, adapt_s: float, slot_s: float) -> None:
        self._guess_s = guess_s
        self._share = slot_s / adapt_s
        self._mean = np.zeros((persons, 6))
        self._shared = np.zeros((persons, 1))
        self._own = np.zeros((persons, 1))
        self._fresh = np.ones(persons, dtype=np.bool_)

    def reset(self, rows: NDArray[np.intp]) -> None:
        """Forget what these rows (k,) are used to."""
        self._shared[rows] = self._own[rows] = 0.0
        self._fresh[rows] = True

    def update(self, hand: Array, shown: Array, velocity: Array) -> Array:
        """Delay (persons, 1) [s] that each person reckons with; less than nothing for a display that leads.

        Args:
            hand: Where the hand is (persons, 3) [m].
            shown: Where the tool is seen (persons, 3) [m].
            velocity: The hand's velocity (persons, 3) [m/s].
        """
        both = np.concatenate([hand - shown, velocity], axis=1)
        if self._fresh.any():
            self._mean[self._fresh] = both[self._fresh]
            self._fresh[:] = False
        both -= self._mean
        self._mean += self._share * both
        gap, motion = both[:, :3], both[:, 3:]
        self._shared += self._share * ((gap * motion).sum(axis=1, keepdims=True) - self._shared)
        self._own += self._share * ((motion * motion).sum(axis=1, keepdims=True) - self._own)
        prior = _PRIOR_M_S**2
        return np.clip((self._shared + prior * self._guess_s) / (self._own + prior), _LEAST_S, _MOST_S)
