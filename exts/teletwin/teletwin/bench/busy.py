"""Processes that do nothing but compute, beside what is measured."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager


def burn() -> None:
    """Compute until killed."""
    while True:
        sum(range(10_000))


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """So many of them meanwhile."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=burn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()
