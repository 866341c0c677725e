"""A recording slot by slot, as the live operator would have seen it, and what came afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import SLOT_NS, resample

_AT_ONCE = 256
"""Windows that are in memory at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What is known at one slot."""

    number: int
    origin_ns: int
    """Time of the newest sample, from the recording's start."""
    window: Array
    """Past poses (count, 7), WINDOW_STEP_S apart, that end at the newest sample."""
    truth: Array | None
    """What came (horizons, 7), for judging; None at slots that do not count."""


def slots_of(track: HandRecording, *, count: int, past_s: float, horizons_s: Array, every: int) -> Iterator[Slot]:
    """Every slot in order.

    Args:
        track: The hand.
        count: Poses of a window.
        past_s: Slots count once this much past is known.
        horizons_s: Where forecasts are judged [s], increasing; slots count while it is known what came.
        every: Of the slots that would count every so many do.
    """
    hand = resample(track)
    counts = np.zeros(len(hand), dtype=bool)
    counts[hand.whole(past_s=past_s, horizon_s=float(horizons_s[-1]))[::every]] = True
    for first in range(0, len(hand), _AT_ONCE):
        numbers = np.arange(first, min(first + _AT_ONCE, len(hand)))
        windows = hand.windows(numbers, count=count)
        truths = iter(hand.truth(numbers[counts[numbers]], horizons_s))
        for number, window in zip(numbers.tolist(), windows, strict=True):
            truth = next(truths) if counts[number] else None
            yield Slot(number=number, origin_ns=int(hand.newest_ns[number]), window=window, truth=truth)


def counted_slots(track: HandRecording, *, past_s: float, horizon_s: float, every: int) -> int:
    """How many slots of a recording count."""
    return -(-len(resample(track).whole(past_s=past_s, horizon_s=horizon_s)) // every)


def slot_count(track: HandRecording) -> int:
    """How many slots a recording lasts."""
    return int((track.t_ns[-1] - track.t_ns[0]) // SLOT_NS) + 1
