"""What the joint drives are told, in arrays that Isaac's prims take as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.twin.rmpflow.arrays import SharedArray
from teletwin.warp_runtime import load_warp


class DriveArrays:
    """Rows of joints for one robot: numpy writes them and warp reads the same memory.

    Isaac's prims make a warp array of every list and numpy array that they are given, at each call.
    """

    def __init__(self, index: Sequence[int]) -> None:
        wp = load_warp()
        self.index: Any = wp.array(list(index), dtype=wp.int32, device="cpu")
        """Where the joints stand among the articulation's degrees of freedom (n,)."""
        self._positions, self._velocities = (
            SharedArray(np.zeros((1, len(index)), dtype=np.float32), warp_dtype=wp.float32, device="cpu")
            for _ in range(2)
        )

    def positions(self, q: Array) -> Any:
        """Positions (n,) [rad] as a row (1, n), overwritten by the next call."""
        self._positions.write(q)
        return self._positions.device

    def velocities(self, qd: Array) -> Any:
        """Velocities (n,) [rad/s] as a row (1, n), overwritten by the next call."""
        self._velocities.write(qd)
        return self._velocities.device
