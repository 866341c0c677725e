"""Input that nobody meant: seeded mutations of good messages and files, for everything that reads any."""

from __future__ import annotations

from teletwin.bench.faults.fuzz.count import fuzz_all, fuzz_one
from teletwin.bench.faults.fuzz.mutate import Mutator

__all__ = ["Mutator", "fuzz_all", "fuzz_one"]
