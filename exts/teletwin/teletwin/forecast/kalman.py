"""Kalman filter of constant velocity whose noise is estimated from the window."""

from __future__ import annotations

from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array


def kalman_spec(*, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of this forecaster; also for `batched`."""
    return KernelSpec(kernel="kalman_velocity", limits=limits or MotionLimits())


class KalmanForecaster:
    """White-acceleration model, steady-state gains in closed form (P. R. Kalata, 1984), channel by channel.

    Six ratios of process to measurement noise run side by side; each channel believes the one whose innovations
    were smallest over the window. The displacement forecast is the filtered velocity times the horizon.
    """

    def __init__(self, *, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(kalman_spec(limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""
