"""Effective motion-to-photon time: what a picture shows at its first appearance, less how far it looked ahead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.rule import STOCK_POSITION_LAG_S
from teletwin.session.build import FED_LAG_S
from teletwin_training.horizon.evaluation.methods import Method
from teletwin_training.horizon.hands import PAST_SLOTS, HandBank
from teletwin_training.horizon.probe import SETTLE_SLOTS, Chooser, Run
from teletwin_training.horizon.sessions import START_SLOT, SessionBank

_EVERY = 7
"""Slots from one look at the chooser to the next: not a multiple of a picture's three."""


def effective_mtp_ms(
    method: Method, choose: Chooser, hands: HandBank, sessions: SessionBank, runs: Sequence[Run], slots: int
) -> Array:
    """Mean over pictures (runs,) [ms] of drawn time minus pose time minus horizon; the motion policy's lag is in it."""
    number = np.arange(len(runs))
    session = np.array([run.session for run in runs])
    row = hands.first_row[[run.hand for run in runs]] + PAST_SLOTS
    delay_s, late_s = (np.stack([table[s] for s in session]) for table in _pictures(sessions))
    lag_s = STOCK_POSITION_LAG_S if method.stock else FED_LAG_S
    total, count = np.zeros(len(runs)), np.zeros(len(runs))
    for step in range(SETTLE_SLOTS, SETTLE_SLOTS + slots, _EVERY):
        slot = START_SLOT + step
        seen = np.isfinite(delay_s[:, slot])
        if not seen.any():
            continue
        horizons = choose(number, row + step, np.full(len(runs), slot))
        ahead = horizons[:, 1] + np.where(horizons[:, 5] > 0.0, late_s[:, slot] + lag_s, 0.0)
        ahead = np.clip(ahead, 0.0, 0.5) * horizons[:, 4]
        ahead -= np.where(horizons[:, 5] > 0.0, 0.0, hands.age_s[row + step])  # counted from the sample, not the slot
        total[seen] += (delay_s[:, slot] - ahead)[seen]
        count[seen] += 1.0
    return 1e3 * total / np.maximum(count, 1.0)


def _pictures(sessions: SessionBank) -> tuple[list[Array], list[Array]]:
    """By session: first appearance minus pose (slots,) [s], NaN without a picture; the late rule's own horizon."""
    delays, late_rows = [], []
    for timing, pictures in zip(sessions.timings, sessions.pictures, strict=True):
        delay, late = np.full(timing.slot_count, np.nan), np.zeros(timing.slot_count)
        seen = pictures.last_slot > pictures.first_slot
        packet = pictures.packet[seen]
        delay[packet] = (pictures.first_slot[seen] - packet) * 0.01
        begun_s = 1e-3 * (pictures.first_tick_ms[seen] + 4 * (pictures.tick_count[seen] - 1))
        late[packet] = begun_s - packet * 0.01 + pictures.way_s[seen]
        delays.append(delay)
        late_rows.append(late)
    return delays, late_rows
