"""Errors of given horizons over whole stretches of hands: calibration, baselines and evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.hands import FUTURE_SLOTS, PAST_SLOTS, HandBank
from teletwin_training.horizon.loops import DelayedLoops, LoopsCfg, LoopSettings, Places
from teletwin_training.horizon.sessions import START_SLOT, SessionBank
from teletwin_training.horizon.tables import Tables, recorded_tables

SETTLE_SLOTS = 200
LEAST_SLOTS = 500
"""A hand with a shorter stretch than this [10 ms] does not cut that of all the others."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """One stretch of a hand on one session, under one chooser."""

    hand: int
    session: int
    start: int = 0
    """Slots into the hand, after what a forecaster needs."""
    stock: bool = False
    """The stock motion policy, without feed-forward."""


Chooser = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], Array]
"""(run, row of the hand, slot of the session), each (N,), to horizons (N, 6)."""


def measure(
    hands: HandBank,
    sessions: SessionBank,
    runs: Sequence[Run],
    choose: Chooser,
    *,
    slots: int,
    tables: Tables | None = None,
    loops: LoopsCfg | None = None,
    servo_lag_s: float = SERVO_LAG_S,
) -> Array:
    """Sums of squared errors and counts (runs, 6) over a stretch of `slots` slots after settling.

    Raises:
        ConfigError: A stretch is longer than its hand or its session.
    """
    count = len(runs)
    hand, session, start = (
        np.array([getattr(r, n) for r in runs], dtype=np.int64) for n in ("hand", "session", "start")
    )
    loops = loops or LoopsCfg()
    rest = hands.slot_count[hand] - PAST_SLOTS - start - (1 if loops.causal else FUTURE_SLOTS)
    room = min(int(rest.min()), sessions.slot_count - START_SLOT - 1) - SETTLE_SLOTS
    if slots > room or start.min() < 0:
        raise ConfigError("a stretch does not fit", given=f"{slots} slots", allowed=f"at most {room} from there on")
    settings = LoopSettings(
        feed_forward=np.array([not run.stock for run in runs]), servo_lag_s=np.full(count, servo_lag_s)
    )
    loop = DelayedLoops(tables or recorded_tables(hands, sessions), settings, loops)
    row, slot = hands.first_row[hand] + PAST_SLOTS + start, np.full(count, START_SLOT, dtype=np.int64)
    number = np.arange(count)
    loop.place(Places(rows=number, first_row=row, session=session, first_slot=slot, horizons=choose(number, row, slot)))
    total = np.zeros((count, 6))
    for step in range(SETTLE_SLOTS + slots):
        errors = loop.step(choose(number, row + step, slot + step))
        if step >= SETTLE_SLOTS:
            total += errors
    return total


def longest_stretch(hands: HandBank, sessions: SessionBank, hand: int, *, most: int) -> int:
    """Slots of a hand that can be judged on a session, at most `most`."""
    room = int(hands.rooms(0)[hand]) - 1 - SETTLE_SLOTS
    return min(room, sessions.slot_count - START_SLOT - SETTLE_SLOTS - START_SLOT // 2, most)


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """Which hands are judged, over how many slots each."""

    numbers: list[int]
    """Hands that are long enough; all where none is."""
    slots: int
    """Of each of them."""
    short: list[int]
    """The other hands."""
    short_slots: int
    """Slots that each of those has; 0 where there is none."""


def common_stretch(hands: HandBank, sessions: SessionBank, numbers: Sequence[int], *, most: int) -> Stretches:
    """The stretch, of at most `most` slots, that is judged of these hands; hands too short for it stay apart."""
    room = {hand: longest_stretch(hands, sessions, hand, most=most) for hand in numbers}
    kept = [hand for hand in numbers if room[hand] >= min(LEAST_SLOTS, most)] or list(numbers)
    short = [hand for hand in numbers if hand not in kept]
    return Stretches(
        numbers=kept,
        slots=min(room[hand] for hand in kept),
        short=short,
        short_slots=min((room[hand] for hand in short), default=0),
    )


def constant(horizons: Array) -> Chooser:
    """The same horizons (6,) or (runs, 6) in every slot."""
    rows = np.atleast_2d(np.asarray(horizons, dtype=np.float64))
    return lambda number, row, slot: rows[number] if len(rows) > 1 else np.repeat(rows, len(number), axis=0)


def mean_squares(total: Array) -> Array:
    """Mean squares (runs, 4) [m^2, rad^2]: arm's position and orientation, then the picture's."""
    return total[:, [0, 1, 3, 4]] / np.maximum(total[:, [2, 2, 5, 5]], 1.0)
