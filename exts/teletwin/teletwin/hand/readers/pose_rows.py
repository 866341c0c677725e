"""Times and poses of a recording while it is read, as arrays that grow within what a file may take."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teletwin.bounded import Allowance
from teletwin.geometry import Array

POSE_BYTES = 320
"""A pose with its time, and what checking it takes for a while."""


class PoseRows:
    """The samples of the recording in `path`."""

    def __init__(self, path: Path) -> None:
        self._allowance = Allowance(path)
        self._t_ns, self._numbers = array("q"), array("d")

    def __len__(self) -> int:
        return len(self._t_ns)

    def add(self, t_ns: int, pose: Sequence[float]) -> None:
        """One more sample at t_ns [ns], of 7 numbers.

        Raises:
            OverflowError: The time is none of this age.
            TooLargeError: The recording would take more memory than a file may.
        """
        self._allowance.take(POSE_BYTES)
        self._t_ns.append(t_ns)
        self._numbers.extend(pose)

    def t_ns(self) -> NDArray[np.int64]:
        """Times (n,) [ns]."""
        return np.asarray(self._t_ns)

    def poses(self) -> Array:
        """(n, 7), quaternions wxyz."""
        return np.asarray(self._numbers).reshape(-1, 7)
