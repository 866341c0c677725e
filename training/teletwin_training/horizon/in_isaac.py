"""Training with arms of Isaac Sim, for the process that has started it."""

from __future__ import annotations

from collections.abc import Sequence

from teletwin.sim.batched import BatchedWorld
from teletwin_training.horizon.world_loops import WorldFactory, isaac_arms


def train_in_isaac(world: WorldFactory, arguments: Sequence[str]) -> int:
    """`teletwin train horizon --sim isaac` with these arguments; returns the exit status.

    Args:
        world: Makes so many arms in the open stage; called once at most, as they stay there.
        arguments: Of the command, without `--sim`.
    """
    from importlib import import_module

    made: list[BatchedWorld] = []

    def make(count: int) -> BatchedWorld:
        if not made:
            made.append(world(count))
        return made[0]

    with isaac_arms(make):
        return import_module("teletwin_training.cli.train").main(["horizon", *arguments, "--sim", "isaac"])
