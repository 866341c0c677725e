"""How many steps of cells a machine makes in a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.scenario import Scenario

OFFICIAL_STEPS_S = {"default": 3266, "small": 1959, "large": 1025, "multi": 557, "mobile_sensor": 619}
"""What the official simulator made on two shared cores, one process, the best of two runs [steps/s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """One measurement."""

    scenario: str
    cells: int
    steps_s: float
    """Best of the rounds, resets of ended episodes in it."""
    median_steps_s: float


def measure(
    scenario: Scenario,
    *,
    cells: int = 2048,
    rounds: int = 5,
    device: str = "cpu",
    threads: int = 0,
    now_s: Callable[[], float] = time.perf_counter,
) -> Speed:
    """Random shares, whole episodes, some of them to warm up."""
    many = Cells(scenario, np.arange(cells), device=device, threads=threads)
    rng = np.random.default_rng(0)
    shares = rng.random((16, cells, 2))
    rates: list[float] = []
    for _ in range(rounds + 1):
        begun_s = now_s()
        many.reset()
        for step in range(scenario.steps):
            many.step(shares[step % 16])
        rates.append(cells * scenario.steps / (now_s() - begun_s))
    kept = rates[1:]
    return Speed(scenario=scenario.name, cells=cells, steps_s=float(max(kept)), median_steps_s=float(np.median(kept)))
