"""Runs a recorded kernel over a batch, on the CPU in as many threads as it was split into."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

_ARMS_PER_THREAD = 256
"""Fewer are not worth the hand-over to another thread (some 30 us)."""


def split_batch(batch: int, *, threads: int) -> list[tuple[int, int]]:
    """Parts (first, count) of a batch for the threads; one part for a small batch."""
    parts = max(1, min(threads, batch // _ARMS_PER_THREAD))
    edges = [batch * k // parts for k in range(parts + 1)]
    return [(first, last - first) for first, last in itertools.pairwise(edges)]


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


class SplitLaunch:
    """Launches of the parts of one batch; the kernel runs without the interpreter's lock, so they overlap.

    Arms do not depend on each other: the split changes no bit of the result.
    """

    def __init__(self, launches: Sequence[Callable[[], object]]) -> None:
        self._own, *self._others = launches
        self._pool = ThreadPoolExecutor(len(self._others), thread_name_prefix="rmpflow") if self._others else None
        self.launch: Callable[[], object] = self._launch_all if self._others else self._own

    def _launch_all(self) -> None:
        assert self._pool is not None
        pending = [self._pool.submit(other) for other in self._others]
        self._own()
        for job in pending:
            job.result()
