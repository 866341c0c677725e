"""What is fuzzed: a reader, good inputs for it, and whether anything moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzTarget:
    """One reader of a socket or a file."""

    name: str
    corpus: Sequence[bytes]
    read: Callable[[bytes], None]
    """Takes one input; refuses it by one of `refusals`, and raises nothing else."""
    refusals: tuple[type[Exception], ...]
    share: float = 1.0
    """Its part of all inputs, beside those of the others; slow readers get less."""
    moved: Callable[[], int] = lambda: 0
    """How many inputs moved the arm so far."""
