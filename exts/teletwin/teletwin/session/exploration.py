"""What a learning policy tries: its action with a little noise, never much."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array

MOST = 0.3
"""No number of an action is moved further; an action's range is -1 to 1."""
_SIGMAS = 2.0


class BoundedNoise:
    """Gaussian noise, clipped to two standard deviations and to MOST; silent until `is_on`."""

    def __init__(self, spread: Array, *, rng: np.random.Generator) -> None:
        """With a standard deviation for each number of an action (m,)."""
        self._rng = rng
        self.is_on = False
        self.spread = spread

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
        if not self.is_on:
            return action
        noise = self._spread * self._rng.standard_normal(len(action))
        return action + np.minimum(np.maximum(noise, -self._most), self._most)
