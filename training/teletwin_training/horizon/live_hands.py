"""Hands that move as the loop runs: their newest poses, forecasts and features, in rings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.forecast import WINDOW_COUNT
from teletwin.forecast.batched import BatchedForecaster
from teletwin.geometry import Array
from teletwin.horizon.observation import MOTION_COUNT, PAST_KNOTS, SLOTS_PER_KNOT, MotionFeatures
from teletwin.messages import CURVE_KNOTS

RING_SLOTS = 128
"""Slots that are remembered; no packet that still acts is older."""
_ROOM_SLOTS = 512
"""Slots until windows are moved back to the beginning of their array."""


class LiveHands:
    """N hands, slot by slot.

    Args:
        count: N.
        forecaster: A compiled forecaster that needs no memory of a hand beyond its window.
        threads: Of the forecaster; 0 takes one per core.
    """

    def __init__(self, *, count: int, forecaster: str = "arma", threads: int = 0) -> None:
        self.count = count
        self.poses = np.zeros((count * RING_SLOTS, 7))
        """Rings of poses one after the other; row r * RING_SLOTS + slot % RING_SLOTS."""
        self.curves = np.zeros((count * RING_SLOTS, CURVE_KNOTS, 7))
        """The forecasts made then."""
        self.motion: Array = np.zeros((0, 0))
        """Features (N, n) of the newest slot, see horizon.observation."""
        self._ring = np.arange(count) * RING_SLOTS
        self._slot = np.zeros(count, dtype=np.int64)
        self._track = np.zeros((count, WINDOW_COUNT + _ROOM_SLOTS, 7))
        self._end = WINDOW_COUNT
        self._forecaster = BatchedForecaster(forecaster, hands=count, threads=threads)
        self._features = MotionFeatures(hands=count, count=MOTION_COUNT)
        self._curve = np.empty((count, CURVE_KNOTS, 7))
        self._past = np.empty((count, len(PAST_KNOTS), 7))

    @property
    def first_rows(self) -> NDArray[np.int64]:
        """First row (N,) of each ring."""
        return self._ring

    @property
    def newest(self) -> Array:
        """Newest poses (N, 7)."""
        return self._track[:, self._end - 1]

    def rest(self, rows: NDArray[np.intp], poses: Array) -> None:
        """Let hands (k,) have rested at poses (k, 7) until now, their slot 0; `look` then forecasts."""
        self._slot[rows] = 0
        self._track[rows, : self._end] = poses[:, None]
        self.poses.reshape(self.count, RING_SLOTS, 7)[rows] = poses[:, None]
        self.curves.reshape(self.count, RING_SLOTS, CURVE_KNOTS, 7)[rows] = poses[:, None, None]

    def move(self, poses: Array) -> None:
        """The hands' poses (N, 7) of the next slot, quaternions in the hemisphere of the ones before."""
        if self._end == self._track.shape[1]:
            self._track[:, :WINDOW_COUNT] = self._track[:, -WINDOW_COUNT:]
            self._end = WINDOW_COUNT
        self._track[:, self._end] = poses
        self._end += 1
        self._slot += 1
        self.poses[self._ring + self._slot % RING_SLOTS] = poses

    def look(self) -> None:
        """Forecast the newest slot, keep the forecast in its ring, and work out the features."""
        self._forecaster.forecast(self._track[:, self._end - WINDOW_COUNT : self._end], out=self._curve)
        self.curves[self._ring + self._slot % RING_SLOTS] = self._curve
        for k, knot in enumerate(PAST_KNOTS):
            then = self._slot - SLOTS_PER_KNOT * knot
            self._past[:, k] = self.curves[self._ring + then % RING_SLOTS, knot]
        recent = self._track[:, self._end - MOTION_COUNT : self._end]
        self.motion = self._features.compute(recent, self._curve, self._past)
