"""A recording slot by slot, as the live operator would have seen it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_S
from teletwin.forecast import WINDOW_STEP_S
from teletwin.geometry import Array, interpolate_pose
from teletwin.hand.recording import HandRecording

SLOT_NS = NS_PER_S // 100
"""The operator forecasts at 100 Hz."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is known at one slot."""

    number: int
    origin_ns: int
    """Time of the newest sample, from the recording's start."""
    window: Array
    """Past poses (count, 7), WINDOW_STEP_S apart, that end at the newest sample."""


def slots_of(track: HandRecording, *, count: int) -> Iterator[Slot]:
    """Every slot at which a new sample has come; only samples up to the slot are ever looked at.

    The queue is the live one (`PoseHistory`): it interpolates between past samples and never towards one to come.

    Args:
        track: The hand.
        count: Poses of a window.
    """
    history = PoseHistory(capacity=_capacity(track, count))
    times = (track.t_ns - track.t_ns[0]).tolist()
    following, slot_ns, number = 0, 0, 0
    while following < len(times):
        fresh = False
        while following < len(times) and times[following] <= slot_ns:
            fresh |= history.append(times[following], track.poses[following])
            following += 1
        if fresh:
            window = history.window(count, step_ns=round(WINDOW_STEP_S * NS_PER_S))
            yield Slot(number=number, origin_ns=history.newest_t_ns, window=window)
        slot_ns += SLOT_NS
        number += 1


def slot_count(track: HandRecording) -> int:
    """How many slots a recording lasts."""
    return int((track.t_ns[-1] - track.t_ns[0]) // SLOT_NS) + 1


class Truth:
    """What came: the recording between its samples, for judging only."""

    def __init__(self, track: HandRecording) -> None:
        self._t_ns = track.t_ns - track.t_ns[0]
        self._poses = track.poses

    @property
    def end_ns(self) -> int:
        """Time of the last sample, from the recording's start."""
        return int(self._t_ns[-1])

    def at(self, t_ns: np.ndarray) -> Array:
        """Poses (..., 7) at these times (...), which lie inside the recording."""
        right = np.clip(np.searchsorted(self._t_ns, t_ns), 1, len(self._t_ns) - 1)
        start, end = self._t_ns[right - 1], self._t_ns[right]
        return interpolate_pose(self._poses[right - 1], self._poses[right], (t_ns - start) / (end - start))


def _capacity(track: HandRecording, count: int) -> int:
    """Samples that a window can reach back to, with some to spare."""
    shortest_ns = max(int(np.diff(track.t_ns).min()), 1)
    return int(min(len(track.t_ns), 2 * count * SLOT_NS // shortest_ns)) + 16
