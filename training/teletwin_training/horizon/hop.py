"""One hop of the imitated network, offered packets in time order while its settings change by schedule."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_MS
from teletwin.link.delay import DelayLine
from teletwin.messages import LinkSettings

LOST = np.iinfo(np.int64).max
"""Arrival time of what never arrives [ns]."""
_PROBE_NS, _PROBE_BYTES = 100 * NS_PER_MS, 60


class Hop:
    """The runtime's own delay line, with the changes of its settings carried out on time.

    As live, a bare probe enters at the start and whenever nothing else has for 100 ms: it keeps the path's draws going.
    """

    def __init__(self, changes: Sequence[tuple[int, LinkSettings]], seed: int) -> None:
        self._line = DelayLine(changes[0][1], seed)
        self._changes, self._next = changes, 1
        self._due_ns, self._sent_ns = self._change_ns(), -_PROBE_NS

    def _change_ns(self) -> float:
        return self._changes[self._next][0] if self._next < len(self._changes) else math.inf

    def offer(self, t_ns: int, size: int = 300) -> int:
        """When a packet that enters at t_ns [ns] arrives, or LOST."""
        while t_ns - self._sent_ns >= _PROBE_NS:
            self._enter(self._sent_ns + _PROBE_NS, _PROBE_BYTES)
        return self._enter(t_ns, size)

    def _enter(self, t_ns: int, size: int) -> int:
        self._sent_ns = t_ns
        while t_ns >= self._due_ns:
            self._line.settings = self._changes[self._next][1]
            self._next += 1
            self._due_ns = self._change_ns()
        dues = self._line.offer(t_ns, size)
        return dues[0] if dues else LOST

    def offer_all(self, times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Arrivals (n,) [ns] of packets that enter at increasing times (n,) [ns]."""
        offer = self.offer
        return np.fromiter((offer(t) for t in times_ns.tolist()), dtype=np.int64, count=len(times_ns))


def newest_at(arrivals_ns: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.int32]:
    """Number (m,) of the newest packet that has arrived by each time; -1 before the first.

    Arrivals (n,) are in order but for LOST ones.
    """
    kept = np.flatnonzero(arrivals_ns != LOST)
    place = np.searchsorted(arrivals_ns[kept], times_ns, side="right") - 1
    return np.where(place >= 0, kept[np.maximum(place, 0)], -1).astype(np.int32) if len(kept) else _none(times_ns)


def _none(times_ns: NDArray[np.int64]) -> NDArray[np.int32]:
    return np.full(len(times_ns), -1, dtype=np.int32)
