"""Constant velocity over the last 30 ms."""

from __future__ import annotations

from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array


def linear_spec(*, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of this forecaster; also for `batched`."""
    return KernelSpec(kernel="linear_median", limits=limits or MotionLimits())


class LinearForecaster:
    """Continues with the median of the last three 10 ms increments, channel by channel."""

    def __init__(self, *, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(linear_spec(limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""
