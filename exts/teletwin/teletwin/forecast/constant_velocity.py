"""Constant velocity, from a straight line through the last poses."""

from __future__ import annotations

from teletwin.errors import ConfigError
from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array


def constant_velocity_spec(*, span: int = 8, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of this forecaster; also for `batched`. The line goes through `span` increments of 10 ms.

    Raises:
        ConfigError: The span is not in 1 ... 40.
    """
    if not 1 <= span <= 40:
        raise ConfigError("the span of the line cannot be used", given=span, allowed="1 ... 40")
    return KernelSpec(kernel="constant_velocity", lags=(span,), limits=limits or MotionLimits())


class ConstantVelocityForecaster:
    """Continues with the least-squares slope of the last 80 ms; smoother and later than `linear`."""

    def __init__(self, *, span: int = 8, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(constant_velocity_spec(span=span, limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered."""
