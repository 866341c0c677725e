"""How often somebody may do something: a bucket that fills evenly and lets bursts through."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_NS_PER_S = 1_000_000_000


class RateLimit:
    """Lets `rate_hz` units a second through on average, and `burst` at once; times are the caller's."""

    def __init__(self, *, rate_hz: float, burst: float) -> None:
        self._rate_hz, self._burst = rate_hz, burst
        self._left, self._filled_ns = burst, 0

    def allows(self, now_ns: int, cost: float = 1.0) -> bool:
        """Whether something of this cost may pass at now_ns [ns]; what may not costs nothing.

        A cost of nothing tells whether there is anything left for one more.
        """
        if self._filled_ns:
            self._left += max(now_ns - self._filled_ns, 0) / _NS_PER_S * self._rate_hz
        self._left, self._filled_ns = min(self._left, self._burst), now_ns
        passes = max(cost, 1.0) <= self._left
        self._left -= cost if passes else 0.0
        return passes


class RateLimits:
    """A limit for each name, of the `most` that came last: whoever brings ever new names takes no memory."""

    def __init__(self, *, rate_hz: float, burst: float, most: int = 256) -> None:
        self._rate_hz, self._burst, self._most = rate_hz, burst, most
        self._limits: OrderedDict[Hashable, RateLimit] = OrderedDict()

    def allows(self, name: Hashable, now_ns: int, cost: float = 1.0) -> bool:
        """Whether this name may do something of this cost at now_ns [ns]."""
        limit = self._limits.get(name)
        if limit is None:
            limit = self._limits[name] = RateLimit(rate_hz=self._rate_hz, burst=self._burst)
            if len(self._limits) > self._most:
                self._limits.popitem(last=False)
        else:
            self._limits.move_to_end(name)
        return limit.allows(now_ns, cost)

    def __len__(self) -> int:
        return len(self._limits)
