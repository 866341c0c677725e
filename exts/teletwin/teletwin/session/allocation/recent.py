"""The newest seconds of a measured number."""

from __future__ import annotations

import math
from collections import deque

from teletwin.clock import NS_PER_S


class Recent:
    """Values of the newest window; quantiles over them."""

    def __init__(self, *, window_s: float = 3.0, count: int = 256) -> None:
        self._window_ns = int(window_s * NS_PER_S)
        self._values: deque[tuple[int, float]] = deque(maxlen=count)

    def add(self, value: float, t_ns: int) -> None:
        """Note a value at t_ns [ns]."""
        self._values.append((t_ns, value))

    def quantile(self, share: float, now_ns: int) -> float | None:
        """The least value that `share` of the window's do not exceed; None without any."""
        while self._values and now_ns - self._values[0][0] > self._window_ns:
            self._values.popleft()
        if not self._values:
            return None
        ordered = sorted(value for _, value in self._values)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
