"""White noise in which each person has a stream of their own, so that nobody depends on who else is there."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array

_BLOCK = 128
"""Slots drawn at once: a draw costs microseconds however small it is."""


class PersonalStreams:
    """Standard normal numbers (persons, channels), slot by slot.

    Args:
        persons: Rows.
        channels: Numbers a person needs in a slot.
        seed: Together with the row and the number of its resets the seed of a person's stream.
    """

    def __init__(self, *, persons: int, channels: int, seed: int) -> None:
        self._seed = seed
        self._block = np.zeros((_BLOCK, persons, channels))
        self._cursor = 0
        self._resets = np.zeros(persons, dtype=np.int64)
        self._streams = [np.random.default_rng([seed, row]) for row in range(persons)]

    def renew(self, row: int, *, uniforms: int) -> Array:
        """Put a new person in a row; return their first even numbers (uniforms,) in 0 ... 1."""
        self._resets[row] += 1
        self._streams[row] = np.random.default_rng([self._seed, row, int(self._resets[row])])
        first = self._streams[row].random(uniforms)
        self._fill(row)
        return first

    def next(self) -> Array:
        """Numbers of this slot (persons, channels); valid until the next call."""
        if self._cursor == _BLOCK:
            self._cursor = 0
            for row in range(len(self._streams)):
                self._fill(row)
        self._cursor += 1
        return self._block[self._cursor - 1]

    def _fill(self, row: int) -> None:
        count = _BLOCK - self._cursor
        self._block[self._cursor :, row] = self._streams[row].standard_normal((count, self._block.shape[2]))
