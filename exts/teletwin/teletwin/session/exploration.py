"""What a learning policy tries: its action with a little noise, never much and never sudden.

The noise of each slot is Gaussian with the spread that the learner knows, but that of neighbouring slots is alike:
white noise would shake the arm into its limits, and as an action's effect is measured some ten slots later, noise that
stays that long is easier to learn from.
"""

from __future__ import annotations

import math

import numpy as np

from teletwin.geometry import Array

MOST = 0.3
"""No number of an action is moved further; an action's range is -1 to 1."""
_SIGMAS = 2.0
_SMOOTHING_S = 0.06
"""Time constant of each of the two low-passes that white noise goes through [s]."""


class BoundedNoise:
    """Gaussian noise, clipped to two standard deviations and to MOST; it begins at nothing whenever it `is_on`."""

    def __init__(self, spread: Array, *, rng: np.random.Generator, slot_s: float = 0.01) -> None:
        """With a standard deviation for each number of an action (m,)."""
        self._rng = rng
        self._keep = math.exp(-slot_s / _SMOOTHING_S)
        # Standard deviation 1 after both low-passes, of which the first gets 1 already.
        self._draw = math.sqrt(1.0 - self._keep**2)
        self._gain = (1.0 + self._keep) / math.sqrt(1.0 + self._keep**2)
        self._first, self._second = np.zeros((2, len(spread)))
        self._is_on = False
        self.spread = spread

    @property
    def is_on(self) -> bool:
        """Whether actions get noise."""
        return self._is_on

    @is_on.setter
    def is_on(self, on: bool) -> None:
        if not on:
            self._first[:] = self._second[:] = 0.0
        self._is_on = on

    @property
    def spread(self) -> Array:
        """Standard deviations (m,)."""
        return self._spread

    @spread.setter
    def spread(self, spread: Array) -> None:
        self._spread = np.asarray(spread, dtype=np.float64)
        self._most = np.minimum(_SIGMAS * self._spread, MOST)

    def __call__(self, action: Array) -> Array:
        """The action (m,) with this slot's noise; one that is not on leaves it as it is."""
        if not self._is_on:
            return action
        keep, first, second = self._keep, self._first, self._second
        first += self._draw * self._rng.standard_normal(len(first)) - (1.0 - keep) * first
        second += (1.0 - keep) * (first - second)
        noise = (self._gain * self._spread) * second
        return action + np.minimum(np.maximum(noise, -self._most), self._most)
