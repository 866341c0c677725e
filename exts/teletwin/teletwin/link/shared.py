"""One bottleneck for everything that goes to a role, whoever sends it, with a lane for what must never wait."""

from __future__ import annotations

import math
from collections import deque
from typing import Generic, TypeVar

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.link.delay import QUEUE_LIMIT_S

MOST_MBPS = 1000.0
_BITS_NS = 8.0 * NS_PER_S

T = TypeVar("T")


class SharedBottleneck(Generic[T]):
    """Serves items one after the other at a rate; an item that would wait for more than 200 ms is dropped.

    What is reserved passes at once; the others make room for it, as before a scheduler with strict priority. Another
    rate holds at once, for what waits too.
    """

    def __init__(self, rate_mbps: float = 0.0) -> None:
        self._queue: deque[tuple[int, int, T]] = deque()
        self._left: list[tuple[int, T]] = []
        self._waiting_bytes = self._free_ns = 0
        self.rate_mbps = rate_mbps

    @property
    def rate_mbps(self) -> float:
        """Rate of the bottleneck [Mb/s]; 0 is unlimited."""
        return self._rate_mbps

    @rate_mbps.setter
    def rate_mbps(self, rate_mbps: float) -> None:
        if not (math.isfinite(rate_mbps) and 0.0 <= rate_mbps <= MOST_MBPS):
            allowed = f"0 ... {MOST_MBPS:g} Mb/s, 0 is unlimited"
            raise ConfigError("a bandwidth is out of range", given=rate_mbps, allowed=allowed)
        self._rate_mbps = rate_mbps

    @property
    def is_idle(self) -> bool:
        """Whether nothing limits and nothing waits."""
        return not (self._rate_mbps or self._queue or self._left)

    def enter(self, item: T, size: int, t_ns: int) -> bool:
        """Let an item of so many bytes queue at t_ns [ns], not before the one that entered last; False: dropped."""
        self._serve(t_ns)
        if self._service_ns(self._waiting_bytes) > QUEUE_LIMIT_S * NS_PER_S:
            return False
        self._queue.append((t_ns, size, item))
        self._waiting_bytes += size
        return True

    def pass_by(self, size: int, t_ns: int) -> None:
        """Something reserved of so many bytes passes at t_ns; what waits waits longer by it."""
        self._serve(t_ns)
        begun_ns = self._queue[0][0] if self._queue else t_ns
        self._free_ns = max(self._free_ns, begun_ns) + self._service_ns(size)

    def leave(self, now_ns: int) -> list[tuple[int, T]]:
        """What has left by now_ns, with the time of that [ns]."""
        self._serve(now_ns)
        left, self._left = self._left, []
        return left

    def wait_ms(self) -> float:
        """How long something that enters now would wait [ms]."""
        return self._service_ns(self._waiting_bytes) / NS_PER_MS

    def next_due_ns(self) -> int | None:
        """When the next item leaves [ns]; None when none waits."""
        if self._left:
            return self._left[0][0]
        return self._due_ns() if self._queue else None

    def _serve(self, until_ns: int) -> None:
        while self._queue and (due_ns := self._due_ns()) <= until_ns:
            _, size, item = self._queue.popleft()
            self._waiting_bytes -= size
            self._free_ns = due_ns
            self._left.append((due_ns, item))

    def _due_ns(self) -> int:
        t_ns, size, _ = self._queue[0]
        return max(t_ns, self._free_ns) + self._service_ns(size)

    def _service_ns(self, size: int) -> int:
        return round(_BITS_NS * size / (1e6 * self._rate_mbps)) if self._rate_mbps else 0
