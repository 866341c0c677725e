"""The default: autoregression by Burg's method on the increments of the last second."""

from __future__ import annotations

from teletwin.errors import ConfigError
from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array


def arma_spec(*, order: int = 5, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of this forecaster; also for `batched`.

    Raises:
        ConfigError: The order is not in 1 ... 20.
    """
    if not 1 <= order <= 20:
        raise ConfigError("the order of the autoregression cannot be used", given=order, allowed="1 ... 20")
    return KernelSpec(kernel="arma_burg", lags=tuple(range(1, order + 1)), limits=limits or MotionLimits())


class ArmaForecaster:
    """Burg AR(5) on 10 ms increments, no mean (J. P. Burg, 1967): stable by construction.

    Integrated once it is an ARIMA(5,1,0) of the pose. A moving-average part brought nothing measurable on
    recorded hands. On the recordings tried it was never worse than holding the pose.
    """

    def __init__(self, *, order: int = 5, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(arma_spec(order=order, limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered: each window is fitted anew."""

    @property
    def coefficients(self) -> Array:
        """AR coefficients of the last window (order, 7), a view; row j weighs the increment j + 1 steps back."""
        return self._hand.coefficients[:-1]
