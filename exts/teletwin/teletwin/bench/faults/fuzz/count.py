"""Feeds mutated inputs to every reader and counts what came of it."""

from __future__ import annotations

import contextlib
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bench.faults.fuzz.files import file_targets
from teletwin.bench.faults.fuzz.mutate import Mutator
from teletwin.bench.faults.fuzz.sockets import socket_targets
from teletwin.bench.faults.fuzz.target import FuzzTarget
from teletwin.bench.memory import resident_bytes
from teletwin.clock import NS_PER_S, SystemClock

_TOLD_EVERY = 500
_TRACES_MAX = 5


def all_targets(stack: contextlib.ExitStack) -> list[FuzzTarget]:
    """Every reader; their files live as long as the stack."""
    return [*socket_targets(), *file_targets(stack)]


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
        targets = all_targets(stack)
        total, fed = sum(target.share for target in targets), 0
        for number, target in enumerate(targets):
            part = max(round(count * target.share / total), 10)
            results[target.name] = fuzz_one(target, part, seed=1000 * seed + number, tell=_after(fed, tell))
            fed += part
    return results


def _after(fed: int, tell: Callable[[int], None]) -> Callable[[int], None]:
    return lambda count: tell(fed + count)


def fuzz_one(
    target: FuzzTarget, count: int, *, seed: int = 0, tell: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Feed one reader; counts, speed, memory grown [MB], and what crashed it."""
    mutator, counts = Mutator(target.corpus, seed=seed), Counts(target)
    with np.errstate(all="ignore"):
        for k in range(count):
            counts.feed(mutator.draw())
            if k % _TOLD_EVERY == 0:
                tell(k)
    return counts.result()


class Counts:
    """What came of the inputs that one reader was fed."""

    def __init__(self, target: FuzzTarget) -> None:
        self._target, self._clock = target, SystemClock()
        self._crashes: dict[str, int] = {}
        self._traces: list[str] = []
        self._accepted = self._refused = self.fed = 0
        self._before_mb, self._start_ns = _held_mb(), self._clock.now_ns()

    def feed(self, data: bytes) -> bool:
        """One input; whether it crashed the reader where no other one did."""
        self.fed += 1
        try:
            self._target.read(data)
            self._accepted += 1
        except self._target.refusals:
            self._refused += 1
        except Exception as error:
            return self._note(error, data)
        return False

    def result(self) -> dict[str, Any]:
        """Counts by name."""
        return {
            "inputs": self.fed,
            "accepted": self._accepted,
            "refused": self._refused,
            "crashes": sum(self._crashes.values()),
            "crash_kinds": self._crashes,
            "traces": self._traces,
            "moved": self._target.moved(),
            "grown_mb": max(_held_mb() - self._before_mb, 0.0),
            "per_s": self.fed * NS_PER_S / max(self._clock.now_ns() - self._start_ns, 1),
        }

    def _note(self, error: Exception, data: bytes) -> bool:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}"
        is_new = where not in self._crashes
        if is_new and len(self._traces) < _TRACES_MAX:
            self._traces.append("".join(traceback.format_exception(error)) + f"\ninput: {data[:300].hex()}")
        self._crashes[where] = self._crashes.get(where, 0) + 1
        return is_new


def _held_mb() -> float:
    with contextlib.suppress(OSError):
        return resident_bytes(os.getpid()) / 1e6
    return 0.0
