"""`teletwin train horizon --sim isaac`, for the process that has started Isaac Sim."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from teletwin.cli.options import read_options
from teletwin.sim.batched import BatchedWorld
from teletwin_training.cli.train import TrainOptions, run_recorded


def train_in_isaac(world: Callable[[int], BatchedWorld], arguments: Sequence[str]) -> int:
    """Step 1 with arms of Isaac Sim; returns the exit status.

    Args:
        world: Makes so many arms in the open stage; called once at most, as they stay there.
        arguments: Those of `teletwin train horizon`, without `--sim`.
    """
    made: list[BatchedWorld] = []

    def make(count: int) -> BatchedWorld:
        if not made:
            made.append(world(count))
        return made[0]

    told = [*arguments, "--sim", "isaac"]
    options = read_options(TrainOptions, told, command="train horizon", description="Step 1 with arms of Isaac Sim.")
    return run_recorded(options, world=make)
