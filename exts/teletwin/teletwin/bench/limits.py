"""Times the limits: one UR3e as in the control tick, and 1024 at once as in training."""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

from teletwin.bench.timing import call_times_us
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin.limits import BatchLimiter, CommandLimiter

_TICK_S = 0.002
_BATCH = 1024
_NEAR_TABLE = np.array([0.0, -0.3, 1.4, -2.3, -1.57, 0.0])
"""Wrist 3 would be in the table: the desired motion of an arm that is pressed against a border."""


def measure_limits(*, calls: int = 5000, batch_calls: int = 300, seed: int = 0) -> dict[str, float]:
    """Tick times: one arm in free motion and along a border [us], 1024 arms of both kinds [ms]."""
    out = {}
    for name, center in (("free", HOME_Q), ("border", _NEAR_TABLE)):
        times_us = _one_arm(center, calls)
        out[f"limits_{name}_us_p50"], out[f"limits_{name}_us_p99"] = (
            float(np.percentile(times_us, p)) for p in (50, 99)
        )
    out["limits_1024_ms_p50"] = _many_arms(batch_calls, seed)
    return out


def _swing(center: Array, tick: int, *, phase: Array | float = 0.0) -> Array:
    """A slow figure about a posture, up to 0.5 rad/s."""
    return center + 0.15 * np.sin(np.arange(1, 7) * 0.5 * tick * _TICK_S + phase)


def _one_arm(center: Array, calls: int) -> Array:
    limiter = CommandLimiter()
    limiter.reset(HOME_Q)
    desired = iter([_swing(center, tick) for tick in range(1010 + calls)])
    for _ in range(1000):  # to the border, if there is one
        limiter.limit(next(desired), _TICK_S)
    return call_times_us(lambda: limiter.limit(next(desired), _TICK_S), calls=calls)


def _many_arms(calls: int, seed: int) -> float:
    """One arm in ten is at a border, more than in training."""
    limiter = BatchLimiter(batch=_BATCH)
    limiter.reset(HOME_Q)
    phase = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, (_BATCH, 6))
    centers = np.where(np.arange(_BATCH)[:, None] % 10 == 0, _NEAR_TABLE, HOME_Q)
    desired = limiter.state.desired.numpy()
    times_ms = []
    for tick in range(1000 + calls):
        desired[:] = _swing(centers, tick, phase=phase)
        start_ns = perf_counter_ns()
        limiter.tick()
        times_ms.append((perf_counter_ns() - start_ns) / 1e6)
    return float(np.median(times_ms[-calls:]))
