"""The line that a tool has drawn, for the picture."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array


class Trace:
    """The newest points of a path, no two nearer than a millimetre, in one contiguous array."""

    def __init__(self, *, capacity: int = 600, spacing_m: float = 0.001) -> None:
        self._points = np.zeros((2 * capacity, 3))
        self._capacity, self._spacing_m = capacity, spacing_m
        self._end = 0

    def add(self, point: Array) -> None:
        """Add a position (3,) [m] unless the last one is too near."""
        end = self._end
        if end and float(np.abs(point - self._points[end - 1]).max()) < self._spacing_m:
            return
        if end == len(self._points):
            self._points[: self._capacity] = self._points[self._capacity :]
            end = self._capacity
        self._points[end] = point
        self._end = end + 1

    @property
    def points(self) -> Array:
        """Positions (n, 3), oldest first, a view."""
        return self._points[max(self._end - self._capacity, 0) : self._end]

    def clear(self) -> None:
        """Forget the path."""
        self._end = 0
