"""Time-correlated delay of a first-in-first-out path, with the mean that was asked for.

An Ornstein-Uhlenbeck process x (time constant 100 ms, standard deviation jitter_ms) is drawn on a fixed
grid of 2 ms. The delay follows D_k = max(D_{k-1} - grid, base + x_k, 0) and runs linearly between grid
points: it never falls faster than time passes, so nothing overtakes, whatever the packets' spacing.

That maximum lifts the mean above `base` (53.8 ms instead of 50 at 10 ms of jitter). `base` is therefore
chosen so that the time average of D over a long reference path equals delay_ms. Because D lives on the
grid and not on the packets, the calibration holds at every packet rate. Where jitter is large beside the
delay no base can reach it down to zero: the delay is then as low as the path allows.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from teletwin.geometry import Array

TAU_S = 0.1
GRID_S = 0.002

_DECAY = math.exp(-GRID_S / TAU_S)
_KICK = math.sqrt(1.0 - _DECAY * _DECAY)
_REFERENCE_STEPS = 100_000
_BLOCK = 512
_MAX_IDLE_STEPS = round(8 * TAU_S / GRID_S)


@functools.cache
def _reference_path() -> Array:
    """A long path of unit variance and zero mean, for calibration only."""
    noise = np.random.default_rng(7).standard_normal(_REFERENCE_STEPS) * _KICK
    path = np.empty(_REFERENCE_STEPS)
    x = 0.0
    for k, kick in enumerate(noise.tolist()):
        x = _DECAY * x + kick
        path[k] = x
    return (path - path.mean()) / path.std()


@functools.lru_cache(maxsize=64)
def calibrated_base_s(delay_s: float, jitter_s: float) -> float:
    """Base delay [s] that makes the mean delay of the first-in-first-out path equal delay_s."""
    if jitter_s <= 0.0:
        return delay_s
    ramp = GRID_S * np.arange(_REFERENCE_STEPS)
    excess = np.maximum.accumulate(jitter_s * _reference_path() + ramp) - ramp
    low, high = -float(excess.max()), delay_s
    for _ in range(40):
        base = 0.5 * (low + high)
        low, high = (low, base) if float(np.maximum(excess + base, 0.0).mean()) > delay_s else (base, high)
    return 0.5 * (low + high)


class CorrelatedDelay:
    """The delay of one hop over time; its draws depend on the seed and on time since the first call."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._noise: list[float] = []
        self._x = 0.0
        self._origin_s = 0.0
        self._step = -1
        self._left_s = self._right_s = 0.0
        self._base_s = self._jitter_s = 0.0

    def configure(self, *, delay_s: float, jitter_s: float) -> None:
        """Aim at another mean delay and jitter from now on."""
        self._base_s = calibrated_base_s(delay_s, jitter_s)
        self._jitter_s = jitter_s

    def at(self, t_s: float) -> float:
        """Delay [s] of what enters at t_s [s]; times must not decrease."""
        if self._step < 0:
            self._start(t_s)
        position = (t_s - self._origin_s) / GRID_S
        step = int(position)
        if step - self._step > _MAX_IDLE_STEPS:  # long silence: only the newest stretch still matters
            self._step = step - _MAX_IDLE_STEPS
        while self._step < step:
            self._advance()
        return self._left_s + (position - step) * (self._right_s - self._left_s)

    def _start(self, t_s: float) -> None:
        self._origin_s, self._step = t_s, 0
        self._x = self._draw()
        self._left_s = max(self._base_s + self._jitter_s * self._x, 0.0)
        self._right_s = self._next()

    def _advance(self) -> None:
        self._step += 1
        self._left_s, self._right_s = self._right_s, self._next()

    def _next(self) -> float:
        self._x = _DECAY * self._x + _KICK * self._draw()
        return max(self._right_s - GRID_S, self._base_s + self._jitter_s * self._x, 0.0)

    def _draw(self) -> float:
        if not self._noise:
            self._noise = self._rng.standard_normal(_BLOCK).tolist()
        return self._noise.pop()
