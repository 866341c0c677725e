"""Paper mode: autoregression with a constant and a lag sequence by least squares (Chen et al., arXiv 2407.16591)."""

from __future__ import annotations

from teletwin.errors import ConfigError
from teletwin.forecast.launch import KernelSpec, MotionLimits
from teletwin.forecast.single import SingleHand
from teletwin.geometry import Array

DEFAULT_LAGS = (1, 2, 3, 4, 5)
"""10 ... 50 ms; the paper does not give its sequence."""


def autoreg_spec(*, lags: tuple[int, ...] = DEFAULT_LAGS, limits: MotionLimits | None = None) -> KernelSpec:
    """The kernel of this forecaster; also for `batched`. Lags are in steps of 10 ms.

    Raises:
        ConfigError: The lags are not increasing numbers from 1 to 40.
    """
    if not lags or list(lags) != sorted(set(lags)) or lags[0] < 1 or lags[-1] > 40:
        raise ConfigError("the lag sequence cannot be used", given=lags, allowed="increasing whole numbers 1 ... 40")
    return KernelSpec(kernel="autoreg_least_squares", lags=tuple(lags), limits=limits or MotionLimits())


class AutoregForecaster:
    """Least squares on 10 ms increments; the same as `AutoReg(lags=[...], trend="c")` of statsmodels.

    The bound on the displacement is what keeps it usable: without it stop-and-go motion explodes.
    """

    def __init__(self, *, lags: tuple[int, ...] = DEFAULT_LAGS, limits: MotionLimits | None = None) -> None:
        self._hand = SingleHand(autoreg_spec(lags=lags, limits=limits))

    def forecast(self, window: Array, *, out: Array) -> None:
        """Continue past poses (n, 7) into out (CURVE_KNOTS, 7)."""
        self._hand.run(window, out=out)

    def reset(self) -> None:
        """Nothing is remembered: each window is fitted anew."""

    @property
    def coefficients(self) -> Array:
        """Coefficients of the last window (lags + 1, 7), a view; the last row is the constant."""
        return self._hand.coefficients
