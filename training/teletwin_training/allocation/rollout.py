"""An allocator in many cells for an episode each, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from teletwin.allocation import Allocator
from teletwin.allocation.features import Feature
from teletwin.geometry import Array
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.counts import TOTALS
from teletwin_training.allocation.scenario import Scenario

_SHARES = [Feature.LINK_SHARE, Feature.COMPUTE_SHARE]


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """N episodes; one that ended early counts up to its end."""

    totals: dict[str, Array]
    """What was counted (N,), by the names of `counts.TOTALS`."""
    histogram: NDArray[np.int64]
    """Answered requests by AoRI (N, steps + 1)."""
    steps: dict[str, Array]
    """The same counts step by step (steps, N), and the shares 'link_share', 'compute_share'; empty unless asked for."""
    clamped_count: int = 0
    fallback_count: int = 0

    @property
    def aori_steps(self) -> float:
        """Mean age of all answered requests [steps]; 0 where none was."""
        return float(self.totals["aori"].sum() / max(self.totals["done_requests"].sum(), 1.0))


def run_allocator(
    scenario: Scenario, allocator: Allocator, seeds: Sequence[int], *, traced: bool = False, threads: int = 0
) -> Outcome:
    """One episode for each seed."""
    return run_in(Cells(scenario, np.asarray(seeds), threads=threads), allocator, traced=traced)


def run_in(cells: Cells, allocator: Allocator, *, traced: bool = False) -> Outcome:
    """The first episode of cells that are there already: the same draws for every allocator that is tried in them."""
    cells.reseed()
    allocator.reset()
    clamped, fallbacks = cells.clamped_count, allocator.fallback_count
    outcome = _run(cells, lambda: allocator.allocate(cells.seen), traced=traced)
    return replace(
        outcome,
        clamped_count=cells.clamped_count - clamped,
        fallback_count=allocator.fallback_count - fallbacks,
    )


def run_shares(scenario: Scenario, shares: Array, seeds: Sequence[int], *, threads: int = 0) -> Outcome:
    """One episode with each constant pair of shares (k, 2) for each seed: N = k x seeds, the seeds run fastest."""
    count = len(seeds)
    cells = Cells(scenario, np.tile(np.asarray(seeds), len(shares)), threads=threads)
    every = np.repeat(shares, count, axis=0)
    return replace(_run(cells, lambda: every, traced=False), clamped_count=cells.clamped_count)


def _run(cells: Cells, decide: Callable[[], Array], *, traced: bool) -> Outcome:
    cells.reset()
    final, histogram = np.zeros_like(cells.totals), np.zeros_like(cells.histogram)
    running = np.ones(cells.count, dtype=bool)
    trace: list[Array] = []
    for _ in range(cells.scenario.steps):
        cells.step(decide())
        if traced:
            trace.append(np.concatenate([cells.totals, cells.seen[:, _SHARES]], axis=1))
        ended = running & cells.done
        final[ended], histogram[ended] = cells.totals[ended], cells.histogram[ended]
        running &= ~ended
        if not running.any():
            break
    names = (*TOTALS, "link_share", "compute_share")
    return Outcome(
        totals=dict(zip(TOTALS, final.T.copy(), strict=True)),
        histogram=histogram.astype(np.int64),
        steps=_per_step(np.array(trace), names) if traced else {},
    )


def _per_step(trace: Array, names: Sequence[str]) -> dict[str, Array]:
    counted = len(names) - 2
    made = np.diff(trace[:, :, :counted], axis=0, prepend=np.zeros((1, trace.shape[1], counted)))
    return {name: made[:, :, k] if k < counted else trace[:, :, k] for k, name in enumerate(names)}
