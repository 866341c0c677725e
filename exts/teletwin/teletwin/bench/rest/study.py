"""The runs on the virtual clock over processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from teletwin.bench.rest.cases import Case, draw_cases
from teletwin.bench.rest.virtual import run_case


def run_virtual(*, each: int, jobs: int = 0, tell: Callable[[int], None] = lambda _: None) -> list[dict[str, Any]]:
    """Run so many of each cause at each border; what each run was.

    Args:
        each: Runs of a cause at a border.
        jobs: Processes; 0 takes every core that this process may use.
        tell: Told how many runs are done.
    """
    results: list[dict[str, Any]] = []
    for run in _run_all(list(draw_cases(each=each)), jobs or len(os.sched_getaffinity(0))):
        results.append(run)
        tell(len(results))
    return results


def _run_all(cases: list[Case], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        yield from map(run_case, cases)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(run_case, cases, chunksize=4)
