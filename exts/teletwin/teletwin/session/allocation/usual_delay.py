"""The delay of a way without a queue, and how much it varies by itself."""

from __future__ import annotations

from collections import deque

from teletwin.clock import NS_PER_S

_LOW, _MIDDLE = 0.2, 0.5
_SPREAD_MOST_MS = 20.0


class UsualDelay:
    """A low quantile over the newest seconds: one early packet does not set it, a queue of many does not raise it."""

    def __init__(self, *, window_s: float = 5.0, count: int = 150) -> None:
        self._window_s = window_s
        self._delays: deque[tuple[int, float]] = deque(maxlen=count)
        self.base_ms = 0.0
        """A fifth of the delays were shorter [ms]."""
        self.spread_ms = 0.0
        """From there to the median [ms], 20 ms at most: more is no noise."""

    @property
    def is_known(self) -> bool:
        """Whether a delay was measured."""
        return bool(self._delays)

    def add(self, delay_ms: float, t_ns: int) -> None:
        """Note a delay [ms] measured at t_ns [ns]."""
        self._delays.append((t_ns, delay_ms))
        while t_ns - self._delays[0][0] > self._window_s * NS_PER_S:
            self._delays.popleft()
        ordered = sorted(delay for _, delay in self._delays)
        self.base_ms = ordered[int(_LOW * (len(ordered) - 1))]
        self.spread_ms = min(ordered[int(_MIDDLE * (len(ordered) - 1))] - self.base_ms, _SPREAD_MOST_MS)
