"""Times a piece of work call by call."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from teletwin.geometry import Array


def call_times_us(work: Callable[[], object], *, calls: int, warm_calls: int = 10) -> Array:
    """Durations (calls,) [us] of each call after some that do not count."""
    for _ in range(warm_calls):
        work()
    times_ns = np.empty(calls)
    for k in range(calls):
        start_ns = time.perf_counter_ns()
        work()
        times_ns[k] = time.perf_counter_ns() - start_ns
    return times_ns / 1e3
