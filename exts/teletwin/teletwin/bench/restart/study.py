"""The runs of the study, over processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from teletwin.bench.restart.cases import draw_cases
from teletwin.bench.restart.enabling import CAUSES, run_loss
from teletwin.bench.restart.patience import NETWORKS, run_patience
from teletwin.bench.restart.run import run_case

Job = tuple[str, tuple[Any, ...]]


def jobs_of(*, quick: bool, outages: bool, losses: int, minutes: float) -> list[Job]:
    """What is to be run: the longest first."""
    jobs: list[Job] = [("patience", (name, 60.0 * minutes)) for name in NETWORKS] if minutes else []
    if outages:
        cases = sorted(draw_cases(quick=quick), key=lambda case: -max(outage.ends_s for outage in case.outages))
        jobs += [("outages", (case,)) for case in cases]
    jobs += [("enabling", (cause, seed)) for seed in range(losses) for cause in CAUSES]
    return jobs


def run_jobs(
    todo: Sequence[Job], *, jobs: int = 0, tell: Callable[[int], None] = lambda _: None
) -> dict[str, list[dict[str, Any]]]:
    """Run them; results by kind, in the order of the jobs."""
    results: dict[int, dict[str, Any]] = {}
    for number, result in _run_all(todo, jobs or len(os.sched_getaffinity(0))):
        results[number] = result
        tell(len(results))
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for number, (kind, _) in enumerate(todo):
        by_kind.setdefault(kind, []).append(results[number])
    return by_kind


def _run_all(todo: Sequence[Job], jobs: int) -> Iterator[tuple[int, dict[str, Any]]]:
    if jobs == 1:
        for number, job in enumerate(todo):
            yield number, _run(job)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(_run, job): number for number, job in enumerate(todo)}
        for each in as_completed(running):
            yield running[each], each.result()


def _run(job: Job) -> dict[str, Any]:
    kind, what = job
    if kind == "patience":
        return run_patience(what[0], seconds=what[1])
    return run_case(*what) if kind == "outages" else run_loss(*what)
