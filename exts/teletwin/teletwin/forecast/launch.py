"""A forecasting kernel bound to its arrays: everything is allocated and recorded once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_STEP_S
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S
from teletwin.warp_runtime import load_warp, record

_STEPS = round((CURVE_KNOTS - 1) * CURVE_STEP_S / WINDOW_STEP_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionLimits:
    """How far a hand may be forecast to move; the displacement after h is at most limit * h.

    The limit is the smaller of the hand's (`speed_m_s`) and `window_factor` times the fastest 10 ms of the
    window: without the latter a least-squares fit runs away on slow motion.
    """

    speed_m_s: float = 1.5
    turn_rate_rad_s: float = 6.0
    window_factor: float = 1.0

    def __post_init__(self) -> None:
        for name in ("speed_m_s", "turn_rate_rad_s", "window_factor"):
            value = getattr(self, name)
            if not 0.0 < value < float("inf"):
                raise ConfigError(f"{name} cannot be used", given=value, allowed="a positive number")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpec:
    """Which kernel of `kernels`, `velocity_kernels` or (with weights) `pooled_kernels` to run, and with what."""

    kernel: str
    lags: tuple[int, ...] = ()
    """Lags of the recursion in grid steps, increasing."""
    limits: MotionLimits = MotionLimits()
    weights: Array | None = field(default=None, compare=False)
    """Given coefficients (rows, columns, 7) of a model fitted beforehand; None for one that fits the window."""

    @property
    def shortest_window(self) -> int:
        """The fewest poses that the kernel can read."""
        return max(4, *(2 * lag + 3 for lag in self.lags), len(self.lags) + 4)


def bound_limits(warp: Any, limits: MotionLimits) -> Any:
    """The limits as the kernels read them."""
    return warp.vec4d(limits.speed_m_s, limits.turn_rate_rad_s, WINDOW_STEP_S, limits.window_factor)


def eight_lanes(weights: Array) -> Array:
    """Weights (..., 7) with an idle eighth lane."""
    return np.pad(weights, (*((0, 0),) * (weights.ndim - 1), (0, 1)))


class BoundKernel:
    """One kernel with its arrays for a number of hands and a window length.

    Attributes:
        window: Input (hands, count, 7) float64; on the CPU a numpy view, else None.
        curve: Output (hands, CURVE_KNOTS, 7); on the CPU a numpy view, else None.
        coefficients: (hands, lags + 1, 7); on the CPU a numpy view, else None.
        device_window, device_curve: The same memory as warp arrays of 7-vectors.
        device_increments: Room to work in, of 8-vectors.
    """

    def __init__(
        self,
        spec: KernelSpec,
        *,
        hands: int,
        count: int,
        device: str = "cpu",
        device_window: Any = None,
        device_curve: Any = None,
    ) -> None:
        """Allocate and record; device arrays that are given are used, so that kernels share a window."""
        warp = load_warp()
        from teletwin.forecast import kernels, pooled_kernels, velocity_kernels

        on_cpu = warp.get_device(device).is_cpu
        nooks = 1 if on_cpu else hands  # on the CPU one hand follows the other, in rows that stay in the cache

        def vectors(*shape: int) -> Any:
            return warp.zeros(shape, dtype=kernels.vec7, device=device)

        def lanes(*shape: int) -> Any:
            return warp.zeros(shape, dtype=kernels.vec8, device=device)

        homes = (kernels, velocity_kernels, pooled_kernels)
        order = len(spec.lags)
        limits = bound_limits(warp, spec.limits)
        self.device_window = vectors(hands, count) if device_window is None else device_window
        self.device_curve = vectors(hands, CURVE_KNOTS) if device_curve is None else device_curve
        coefficients = vectors(hands, order + 1)
        self.device_increments = lanes(nooks, count - 1 + 2 * _STEPS)
        inputs: list[Any] = [
            self.device_window,
            warp.array(np.array(spec.lags, dtype=np.int32), dtype=warp.int32, device=device),
            limits,
            self.device_increments,
            lanes(nooks, max(order + 1, 2), count + 2),
            coefficients,
        ]
        if spec.weights is not None:
            inputs.append(warp.array(eight_lanes(spec.weights), dtype=kernels.vec8, device=device))
        self.launch = record(
            next(getattr(home, spec.kernel) for home in homes if hasattr(home, spec.kernel)),
            dim=hands,
            inputs=inputs,
            outputs=[self.device_curve],
            device=device,
        ).launch
        self.window: Array | None = self.device_window.numpy() if on_cpu else None
        self.curve: Array | None = self.device_curve.numpy() if on_cpu else None
        self.coefficients: Array | None = coefficients.numpy() if on_cpu else None
