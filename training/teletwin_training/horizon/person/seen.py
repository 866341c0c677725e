"""What a person saw a while ago: they act on nothing newer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array


class Seen:
    """The last slots of a few numbers for each person, each read with their own delay.

    Args:
        persons: Rows.
        channels: Numbers seen in a slot.
        slots: Longest delay that can be read.
    """

    def __init__(self, *, persons: int, channels: int, slots: int) -> None:
        self._ring = np.zeros((slots + 1, persons, channels))
        self._rows = np.arange(persons)
        self._head = 0

    def reset(self, rows: NDArray[np.intp], values: Array) -> None:
        """Let rows (k,) have seen values (k, channels) for ever."""
        self._ring[:, rows] = values

    def push(self, *values: Array) -> None:
        """See this slot's values, arrays (persons, c) whose widths add up to the channels."""
        self._head = (self._head + 1) % len(self._ring)
        np.concatenate(values, axis=1, out=self._ring[self._head])

    def ago(self, slots: NDArray[np.intp]) -> Array:
        """Values (persons, channels) as they were this many slots (persons,) before the newest."""
        return self._ring[(self._head - slots) % len(self._ring), self._rows]
