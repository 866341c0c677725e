"""Thousands of hands at once, for training and studies: the same kernels as for one hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.forecast import DEFAULT_FORECASTER, WINDOW_COUNT
from teletwin.forecast.arma import arma_spec
from teletwin.forecast.autoreg import autoreg_spec
from teletwin.forecast.combined import CombinedCfg, CombinedHands
from teletwin.forecast.constant_velocity import constant_velocity_spec
from teletwin.forecast.kalman import kalman_spec
from teletwin.forecast.launch import BoundKernel, KernelSpec
from teletwin.forecast.linear import linear_spec
from teletwin.forecast.pooled import pooled_ar_spec, pooled_fir_spec
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS
from teletwin.warp_runtime import load_warp

_HANDS_PER_THREAD = 64
_SPECS: dict[str, Callable[[], KernelSpec]] = {
    "linear": linear_spec,
    "arma": arma_spec,
    "autoreg": autoreg_spec,
    "constant-velocity": constant_velocity_spec,
    "kalman": kalman_spec,
    "pooled-ar": pooled_ar_spec,
    "pooled-fir": pooled_fir_spec,
}


class BatchedForecaster:
    """A compiled forecaster over many hands on the CPU ('cpu') or a GPU ('cuda:0').

    Code that keeps its data on the device writes `device_window`, calls `launch` and reads `device_curve` (warp
    arrays of 7-vectors of float64); `forecast` does the same with numpy arrays. On the CPU the hands are shared
    out among threads; the numbers do not depend on how many.

    Args:
        name: A compiled forecaster, "combined" included (which remembers each hand), or a kernel.
        hands: How many.
        count: Poses of a window.
        device: Where it runs.
        threads: On the CPU; 0 takes one per processor, but not for a few hands.
    """

    def __init__(
        self,
        name: str | KernelSpec = DEFAULT_FORECASTER,
        *,
        hands: int,
        count: int = WINDOW_COUNT,
        device: str = "cpu",
        threads: int = 0,
    ) -> None:
        _check_batch(name, hands, count)
        self.hands = hands
        warp = load_warp()
        from teletwin.forecast import kernels

        self.device_window: Any = warp.zeros((hands, count), dtype=kernels.vec7, device=device)
        self.device_curve: Any = warp.zeros((hands, CURVE_KNOTS), dtype=kernels.vec7, device=device)
        on_cpu = warp.get_device(device).is_cpu
        parts = _thread_count(threads, hands) if on_cpu else 1
        edges = [hands * part // parts for part in range(parts + 1)]
        self.parts: list[BoundKernel | CombinedHands] = []
        for start, end in pairwise(edges):
            views = {"device_window": self.device_window[start:end], "device_curve": self.device_curve[start:end]}
            if name == "combined":
                self.parts.append(CombinedHands(hands=end - start, count=count, device=device, **views))
            else:
                spec = name if isinstance(name, KernelSpec) else _spec(name)
                self.parts.append(BoundKernel(spec, hands=end - start, count=count, device=device, **views))
        self._threads = ThreadPoolExecutor(parts - 1, "forecast") if parts > 1 else None
        self._window: Array | None = self.device_window.numpy() if on_cpu else None
        self._curve: Array | None = self.device_curve.numpy() if on_cpu else None

    def launch(self) -> None:
        """Forecast from `device_window` into `device_curve`."""
        if self._threads is None:
            self.parts[0].launch()
            return
        others = [self._threads.submit(part.launch) for part in self.parts[1:]]
        self.parts[0].launch()
        for other in others:
            other.result()

    def reset(self) -> None:
        """Forget what earlier windows taught."""
        for part in self.parts:
            if isinstance(part, CombinedHands):
                part.reset()

    def load(self, windows: Array) -> None:
        """Write windows (hands, count, 7) into `device_window`."""
        if self._window is not None:
            self._window[:] = windows
        else:
            self.device_window.assign(np.ascontiguousarray(windows, dtype=np.float64))

    def forecast(self, windows: Array, *, out: Array | None = None) -> Array:
        """Continue windows (hands, count, 7) of past poses; return curves (hands, CURVE_KNOTS, 7)."""
        self.load(windows)
        self.launch()
        curves = self._curve if self._curve is not None else self.device_curve.numpy()
        if out is None:
            out = np.empty((len(windows), CURVE_KNOTS, 7))
        out[:] = curves
        return out


def _check_batch(name: str | KernelSpec, hands: int, count: int) -> None:
    spec = CombinedCfg() if name == "combined" else name if isinstance(name, KernelSpec) else _spec(name)
    shortest = spec.shortest_window
    if hands < 1 or count < shortest:
        raise ConfigError(
            "the batch cannot be used",
            given=f"{hands} hands of {count} poses",
            allowed=f"at least 1 hand of {shortest} poses",
        )


def _thread_count(threads: int, hands: int) -> int:
    if threads < 0:
        raise ConfigError("the number of threads cannot be used", given=threads, allowed="0 or more")
    wanted = threads or min(os.cpu_count() or 1, 1 + hands // _HANDS_PER_THREAD)
    return min(wanted, hands)


def _spec(name: str) -> KernelSpec:
    if name not in _SPECS:
        raise ConfigError("no compiled forecaster has this name", given=name, allowed=", ".join([*_SPECS, "combined"]))
    return _SPECS[name]()
