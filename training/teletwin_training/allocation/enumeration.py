"""The best constant shares by trying them all: the bound that MetaLore compares itself with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teletwin.errors import ConfigError, MissingPartError
from teletwin.geometry import Array
from teletwin_training.allocation.rollout import run_shares
from teletwin_training.allocation.scenario import Scenario

_AT_ONCE = 8192


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Rewards over the grid of shares."""

    points: Array
    """Shares along one side (n,), 0 to 1."""
    reward: Array
    """Mean over seeds (n, n): link first, then compute."""

    @property
    def best(self) -> tuple[float, float]:
        """Shares of link and compute with the greatest reward."""
        row, column = np.unravel_index(int(self.reward.argmax()), self.reward.shape)
        return float(self.points[row]), float(self.points[column])


def enumerate_static(
    scenario: Scenario, seeds: Sequence[int], *, side: int = 11, threads: int = 0, use_ray: bool = False
) -> Grid:
    """Every pair of side x side shares on every seed, as many cells at once as are good for a machine.

    Args:
        scenario: Of the cells.
        seeds: All pairs meet the same ones.
        side: Shares along a side, 2 or more: 11 steps by a tenth.
        threads: On the CPU; 0 takes one per core.
        use_ray: Share the work out among the machines of a ray cluster (the package `ray` is needed).

    Raises:
        ConfigError: side is too small.
        MissingPartError: ray is asked for and not installed.
    """
    if side < 2:
        raise ConfigError("the grid of shares is too coarse", given=side, allowed="2 or more along a side")
    points = np.linspace(0.0, 1.0, side)
    pairs = np.array([(link, compute) for link in points for compute in points])
    size = max(1, _AT_ONCE // len(seeds))
    parts = [pairs[first : first + size] for first in range(0, len(pairs), size)]
    means = _by_ray(scenario, parts, seeds) if use_ray else [_means(scenario, each, seeds, threads) for each in parts]
    return Grid(points=points, reward=np.concatenate(means).reshape(side, side))


def _means(scenario: Scenario, pairs: Array, seeds: Sequence[int], threads: int = 0) -> Array:
    return run_shares(scenario, pairs, seeds, threads=threads).totals["reward"].reshape(len(pairs), -1).mean(axis=1)


def _by_ray(scenario: Scenario, parts: Sequence[Array], seeds: Sequence[int]) -> list[Any]:
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingPartError("ray is not installed", mend="pip install ray, or leave --ray out") from error
    remote = ray.remote(_means)
    return ray.get([remote.remote(scenario, part, list(seeds)) for part in parts])
