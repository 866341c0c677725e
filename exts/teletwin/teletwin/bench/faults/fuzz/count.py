"""Feeds mutated inputs to every reader and counts what came of it."""

from __future__ import annotations

import contextlib
import logging
import resource
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bench.faults.fuzz.files import file_targets
from teletwin.bench.faults.fuzz.mutate import Mutator
from teletwin.bench.faults.fuzz.sockets import socket_targets
from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.clock import NS_PER_S, SystemClock

_TOLD_EVERY = 500
_TRACES_MAX = 5


def fuzz_all(count: int, *, seed: int = 0, tell: Callable[[int], None] = lambda _: None) -> dict[str, dict[str, Any]]:
    """Divide `count` inputs among all readers; what came of them, by reader.

    Args:
        count: Inputs in total; each reader gets at least ten.
        seed: Seed of the mutations.
        tell: Told how many inputs were fed.
    """
    results: dict[str, dict[str, Any]] = {}
    logging.getLogger("teletwin").setLevel(logging.ERROR)  # a warning for each refused input hides the count
    with contextlib.ExitStack() as stack:
        targets = [*socket_targets(), *file_targets(stack)]
        total, fed = sum(target.share for target in targets), 0
        for number, target in enumerate(targets):
            part = max(round(count * target.share / total), 10)
            before = fed
            results[target.name] = fuzz_one(target, part, seed=1000 * seed + number, tell=lambda k: tell(before + k))  # noqa: B023
            fed += part
            target.close()
    return results


def fuzz_one(
    target: FuzzTarget, count: int, *, seed: int = 0, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Feed one reader; counts, speed, memory grown [MB], and what crashed it."""
    mutator, clock = Mutator(target.corpus, seed=seed), SystemClock()
    crashes: dict[str, int] = {}
    traces: list[str] = []
    accepted = refused = 0
    before_mb, start_ns = _resident_mb(), clock.now_ns()
    with np.errstate(all="ignore"):
        for k in range(count):
            data = mutator.draw()
            try:
                target.read(data)
                accepted += 1
            except target.refusals:
                refused += 1
            except Exception as error:
                _note(crashes, traces, error, data)
            if k % _TOLD_EVERY == 0:
                tell(k)
    return {
        "inputs": count,
        "accepted": accepted,
        "refused": refused,
        "crashes": sum(crashes.values()),
        "crash_kinds": crashes,
        "traces": traces,
        "moved": target.moved(),
        "grown_mb": max(_resident_mb() - before_mb, 0.0),
        "per_s": count * NS_PER_S / max(clock.now_ns() - start_ns, 1),
    }


def _note(crashes: dict[str, int], traces: list[str], error: Exception, data: bytes) -> None:
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
    if where not in crashes and len(traces) < _TRACES_MAX:
        traces.append("".join(traceback.format_exception(error)) + f"\ninput: {data[:300].hex()}")
    crashes[where] = crashes.get(where, 0) + 1


def _resident_mb() -> float:
    """Memory of this process that is in use [MB]."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 1e6
    return 0.0
