"""For each packet of each session: the horizon that the rule makes of it, and how far ahead its motion becomes real.

With them a horizon can be judged against the recorded hand without stepping the loop, and by gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.rule import STOCK_ORIENTATION_LAG_S, STOCK_POSITION_LAG_S
from teletwin.session.build import FED_LAG_S, FED_TURN_LAG_S, SERVO_LAG_S
from teletwin_training.horizon.pictures import Pictures
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.timing import TICKS_PER_SLOT, Timing

FED_LAG_SEEN_S, FED_TURN_LAG_SEEN_S = 0.002, 0.012
"""Lag of the motion policy with feed-forward, as the errors of the loop show it [s]: position, orientation."""
STOCK_LAG_SEEN_S, STOCK_TURN_LAG_SEEN_S = 0.125, 0.185
"""The same of the stock policy, at the speeds of hands [s]."""
_TICK_S = 0.002
_SLOT_S = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """All (sessions, slots); `late` and `truth` count from the packet's pose [s]."""

    control_late_s: Array
    """Horizon of the late bound rule, over the packet's time in control on average."""
    control_truth_s: Array
    """When the motion that it controls becomes real, on average."""
    control_weight: Array
    """Share of a slot that it is in control; 0 where a younger packet came with it or it was lost."""
    render_late_s: Array
    render_truth_s: Array
    """When the picture that it shaped is on the screen, on average."""
    render_weight: Array
    """Slots that its picture is on the screen, over the usual three."""
    turn_late_s: float
    """What late binding adds for orientation [s]."""
    turn_truth_s: float
    """By how much later orientation becomes real [s]."""


CATCH_UP_S = 0.0155
"""By how much sooner a picture shows an absolute horizon [s]: its catch-up ticks all aim at the newest packet's."""


def moments_of(sessions: SessionBank, *, stock: bool, absolute: bool = False) -> Moments:
    """Moments of every session.

    Args:
        sessions: Their times.
        stock: Of the motion policy without feed-forward.
        absolute: For horizons that are bound at the sender.
    """
    lag_s, turn_lag_s = (STOCK_POSITION_LAG_S, STOCK_ORIENTATION_LAG_S) if stock else (FED_LAG_S, FED_TURN_LAG_S)
    stock_s, fed_s = (STOCK_LAG_SEEN_S, STOCK_TURN_LAG_SEEN_S), (FED_LAG_SEEN_S, FED_TURN_LAG_SEEN_S)
    seen_s, turn_seen_s = stock_s if stock else fed_s
    pairs = list(zip(sessions.timings, sessions.pictures, strict=True))
    control = [_control(timing, lag_s, seen_s) for timing, _ in pairs]
    render = [_render(timing, pictures, lag_s, seen_s) for timing, pictures in pairs]
    c_late, c_truth, c_weight = (np.stack(column) for column in zip(*control, strict=True))
    r_late, r_truth, r_weight = (np.stack(column) for column in zip(*render, strict=True))
    return Moments(
        control_late_s=c_late,
        control_truth_s=c_truth,
        control_weight=c_weight,
        render_late_s=r_late,
        render_truth_s=r_truth - (CATCH_UP_S if absolute else 0.0),
        render_weight=r_weight,
        turn_late_s=turn_lag_s - lag_s,
        turn_truth_s=turn_seen_s - seen_s,
    )


def _control(timing: Timing, lag_s: float, seen_s: float) -> tuple[Array, Array, Array]:
    slots = np.arange(timing.slot_count)
    first = np.searchsorted(timing.packet, slots, side="left")
    after = np.searchsorted(timing.packet, slots, side="right")
    last = len(timing.packet) - 1
    middle = np.clip((first + after) // 2, 0, last)
    age_s = 0.5 * (first + after - 1) * _TICK_S - slots * _SLOT_S
    plays = np.clip(middle + np.round(timing.downstream_s[middle] / _TICK_S).astype(np.int64), 0, last)
    held = ~timing.is_fresh[middle]
    weight = np.where(held, 0.0, (after - first) / TICKS_PER_SLOT)
    age_s += SERVO_LAG_S
    return age_s + timing.downstream_s[middle] + lag_s, age_s + timing.transit_s[plays] + seen_s, weight


def _render(timing: Timing, pictures: Pictures, lag_s: float, seen_s: float) -> tuple[Array, Array, Array]:
    late, truth, weight = (np.zeros(timing.slot_count) for _ in range(3))
    seen = pictures.last_slot > pictures.first_slot
    packet = pictures.packet[seen]
    shown_s = 0.5 * (pictures.first_slot[seen] + pictures.last_slot[seen] - 1) * _SLOT_S
    begun_s = 1e-3 * (pictures.first_tick_ms[seen] + 4 * (pictures.tick_count[seen] - 1))
    late[packet] = begun_s - packet * _SLOT_S + pictures.way_s[seen] + lag_s
    truth[packet] = shown_s - packet * _SLOT_S + seen_s
    weight[packet] = (pictures.last_slot[seen] - pictures.first_slot[seen]) / 3.0
    return late, truth, weight
