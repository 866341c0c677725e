"""Many seeded runs over processes; each finished run is one line of a file, from which a broken study goes on."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bench.faults.plan import draw_plan
from teletwin.bench.faults.run import run_seed
from teletwin.errors import ConfigError
from teletwin.jsonable import to_jsonable

Run = dict[str, Any]


def run_study(
    *, runs: int, seconds: float, jobs: int = 0, resume: str = "", tell: Callable[[int], None] = lambda _: None
) -> list[Run]:
    """Run the seeds 0 ... runs - 1.

    Args:
        runs: How many.
        seconds: Virtual time of each, about [s].
        jobs: Processes; 0 takes every core that this process may use.
        resume: File of finished runs (JSON lines); those in it are not run again, new ones are added.
        tell: Told how many runs are done.
    """
    done = {run["seed"]: run for run in _read(resume, seconds) if run.get("plan") == _plan_id(run["seed"], seconds)}
    tell(len(done))
    seeds = [seed for seed in range(runs) if seed not in done]
    for run in _run_all(seeds, seconds, jobs or len(os.sched_getaffinity(0))):
        done[run["seed"]] = run
        _add(resume, run | {"seconds": seconds, "plan": _plan_id(run["seed"], seconds)})
        tell(len(done))
    return [done[seed] for seed in sorted(done) if seed < runs]


def _plan_id(seed: int, seconds: float) -> int:
    """Tells the runs of this plan from those that an earlier version drew for the same seed."""
    return zlib.crc32(repr(draw_plan(seed, seconds=seconds)).encode())


def _run_all(seeds: Sequence[int], seconds: float, jobs: int) -> Iterator[Run]:
    """Runs as they finish; a few more than there are processes wait, so that an interrupt is soon over."""
    if jobs == 1:
        yield from (run_seed(seed, seconds=seconds) for seed in seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_end_with_parent) as pool:
        waiting: set[Future[Run]] = set()
        left = iter(seeds)
        while True:
            for seed in left:
                waiting.add(pool.submit(run_seed, seed, seconds=seconds))
                if len(waiting) >= 2 * jobs:
                    break
            if not waiting:
                return
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (each.result() for each in finished)


def _end_with_parent() -> None:
    """A worker whose study was killed does not go on by itself."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _read(resume: str, seconds: float) -> list[Run]:
    if not resume or not Path(resume).exists():
        return []
    try:
        runs = [json.loads(line) for line in Path(resume).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError("the file of finished runs cannot be read", given=f"{resume}: {error}") from error
    if any(run["seconds"] != seconds for run in runs):
        raise ConfigError("the file is of runs of another length", given=resume, mend="give another file")
    return runs


def _add(resume: str, run: Run) -> None:
    if resume:
        with Path(resume).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(to_jsonable(run)) + "\n")


def summarize(runs: Sequence[Run]) -> dict[str, Any]:
    """Totals over all runs; silences [ms], ways back [mm]."""
    names = ("position", "speed", "acceleration", "workspace", "jumps")
    to_hold = [ms for run in runs for each in run["to_hold_ms"].values() for ms in each]
    engaged = [ms for run in runs for ms in run["longest_engaged_ms"].values()]
    ways = [run["resume"] for run in runs if run["resume"] is not None]
    beyond = [way["overshoot_mm"] for way in ways]
    worst = max((run for run in runs if run["resume"]), key=lambda run: run["resume"]["overshoot_mm"], default=None)
    return {
        "run_count": len(runs),
        "virtual_s": float(sum(run["virtual_s"] for run in runs)),
        "set_point_count": sum(run["set_points"] for run in runs),
        "lost_count": sum(sum(run["network_loss"].values()) for run in runs),
        "violations": {name: sum(run["violations"][name] for run in runs) for name in names},
        "hold_count": len(to_hold),
        "to_hold_ms": {"p50": _quantile(to_hold, 0.5), "max": max(to_hold, default=0.0)},
        "longest_engaged_ms": max(engaged, default=0.0),
        "resume_count": len(ways),
        "overshoot_mm": {
            "p99": _quantile(beyond, 0.99),
            "max": max(beyond, default=0.0),
            "worst_seed": None if worst is None else worst["seed"],
        },
        "resume_way_mm": {"p50": _quantile([way["way_mm"] for way in ways], 0.5)},
    }


def _quantile(values: Sequence[float], share: float) -> float:
    return float(np.quantile(values, share)) if values else 0.0
