"""Thousands of cells side by side; what happens in one depends on its seed alone, not on how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.allocation.features import Feature
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.twin.rmpflow.launch import usable_cores
from teletwin_training.allocation.counts import Count
from teletwin_training.allocation.scenario import Scenario
from teletwin_training.allocation.streams import Draws, check_draws

_LEAST_A_THREAD = 16


class Cells:
    """N cells of one scenario; `reset` begins episodes, `step` goes on by a step.

    Args:
        scenario: Of all cells.
        seeds: One for each cell (N,).
        draws: Replayed in every episode instead of drawing from the seeds.
        device: "cpu" or "cuda:0".
        threads: On the CPU; 0 takes one per core.
    """

    def __init__(
        self,
        scenario: Scenario,
        seeds: Sequence[int] | NDArray[Any],
        *,
        draws: Draws | None = None,
        device: str = "cpu",
        threads: int = 0,
    ) -> None:
        self.scenario, self.count = scenario, len(seeds)
        if not self.count:
            raise ConfigError("no cells", given=0, allowed="1 seed or more, one for each")
        if draws is not None:
            check_draws(draws, scenario, self.count)
        self._seeds = np.asarray(seeds, dtype=np.uint64)
        self._episodes = np.zeros(self.count, dtype=np.uint64)
        self.clamped_count = 0
        """Shares that were outside [0, 1]."""
        self._shared: dict[str, NDArray[Any]] = {
            "key": np.zeros(self.count, dtype=np.int32),
            "done": np.ones(self.count, dtype=np.int32),
            "shares": np.zeros((self.count, 2)),
            "seen": np.zeros((self.count, len(Feature))),
            "reward": np.zeros(self.count),
            "totals": np.zeros((self.count, len(Count))),
            "histogram": np.zeros((self.count, scenario.steps + 1), dtype=np.int32),
        }
        wanted = (threads or usable_cores()) if device == "cpu" else 1
        parts = max(1, min(wanted, self.count // _LEAST_A_THREAD))
        edges = [self.count * part // parts for part in range(parts + 1)]
        from teletwin_training.allocation.block import Block

        self.blocks = [
            Block(
                scenario,
                {name: array[first:last] for name, array in self._shared.items()},
                draws=_part(draws, first, last),
                device=device,
            )
            for first, last in pairwise(edges)
        ]
        self._pool = ThreadPoolExecutor(parts - 1, "cells") if parts > 1 else None

    @property
    def seen(self) -> Array:
        """Features (N, 16) of this moment, columns as in `teletwin.allocation.features.Feature`."""
        return self._shared["seen"]

    @property
    def reward(self) -> Array:
        """Of the newest step (N,)."""
        return self._shared["reward"]

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which episodes are over (N,)."""
        return self._shared["done"] != 0

    @property
    def totals(self) -> Array:
        """What was counted in each episode (N, K), columns as in `counts.Count`."""
        return self._shared["totals"]

    @property
    def histogram(self) -> NDArray[np.int32]:
        """Requests that were answered, by AoRI (N, steps + 1)."""
        return self._shared["histogram"]

    def reset(self, rows: NDArray[np.bool_] | None = None) -> None:
        """Begin an episode in the chosen cells (N,), or in all."""
        chosen = np.ones(self.count, dtype=bool) if rows is None else rows
        self._shared["done"][:] = chosen
        self._shared["key"][chosen] = _keys(self._seeds[chosen], self._episodes[chosen])
        self._episodes[chosen] += np.uint64(1)
        for block in self.blocks:
            block.reset()
        self._shared["done"][:] = 0

    def reseed(self, seeds: NDArray[Any] | None = None) -> None:
        """Let the next episodes be the first ones of these seeds (N,), or of the same ones again."""
        if seeds is not None:
            self._seeds[:] = seeds
        self._episodes[:] = 0

    def step(self, shares: Array) -> None:
        """One step with shares of requests (N, 2) or (2,): link and compute; those outside [0, 1] are clamped, counted.

        Raises:
            ConfigError: A share is not a number, or they are of another shape.
        """
        target, given = self._shared["shares"], np.asarray(shares, dtype=np.float64)
        if given.shape not in ((2,), target.shape):
            raise ConfigError("shares do not fit the cells", given=given.shape, allowed=f"{target.shape} or (2,)")
        if not np.isfinite(given).all():
            spoiled = given[~np.isfinite(given)]
            raise ConfigError("a share is not a number", given=f"{len(spoiled)} like {spoiled[0]}", allowed="0 ... 1")
        target[...] = given
        outside = int(np.count_nonzero((target < 0.0) | (target > 1.0)))
        if outside:
            self.clamped_count += outside
            np.clip(target, 0.0, 1.0, out=target)
        jobs = [self._pool.submit(block.advance) for block in self.blocks[1:]] if self._pool else []
        self.blocks[0].advance()
        for job in jobs:
            job.result()


def _part(draws: Draws | None, first: int, last: int) -> Draws | None:
    if draws is None:
        return None
    return Draws(
        positions=draws.positions[first:last], waypoints=draws.waypoints[first:last], jobs=draws.jobs[first:last]
    )


def _keys(seeds: NDArray[np.uint64], episodes: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Well mixed (splitmix64), so that neighbouring seeds have nothing in common."""
    with np.errstate(over="ignore"):
        mixed = seeds * np.uint64(0x9E3779B97F4A7C15) + episodes * np.uint64(0xBF58476D1CE4E5B9)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return (mixed >> np.uint64(32)).astype(np.uint32).view(np.int32)
