"""What is counted over an episode of a cell, a column each."""

from __future__ import annotations

from enum import IntEnum


class Count(IntEnum):
    """Columns of `Cells.totals` (N, 20); where there are two of a kind, requests come before updates."""

    REWARD = 0
    MADE_REQUESTS = 1
    MADE_UPDATES = 2
    SENT_REQUESTS = 3
    SENT_UPDATES = 4
    DONE_REQUESTS = 5
    DONE_UPDATES = 6
    DROPPED_REQUESTS = 7
    DROPPED_UPDATES = 8
    BITS = 9
    """Sent, in the simulator's unit [Mbit]."""
    CYCLES = 10
    AORI = 11
    """Sum over answered requests [steps]; so are the next two."""
    AOSI = 12
    AOI = 13
    LATE = 14
    """Answered requests with an AoRI above `Objective.late_steps`."""
    IN_TIME = 15
    """Answered requests with an AoRI of at most `deadline_steps`."""
    FRESH = 16
    """Those of them with an AoSI of at most `sync_steps`."""
    UPDATE_DELAY = 17
    """Sum over processed updates [steps]."""
    REQUEST_BITS = 18
    UPDATE_BITS = 19


TOTALS = tuple(column.name.lower() for column in Count)
"""The columns' names."""
