"""What the Age-of-Loop rule says in every slot of every session, bound at the sender."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.rule import AveragedDelay, RuleCfg
from teletwin.messages import HORIZON_MAX_S
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.horizon.timing import SLOT_NS


def sender_rule(sessions: SessionBank, cfg: RuleCfg) -> Array:
    """Horizons (sessions, slots, 4) [s]: control, render and both for orientation; see horizon.rule."""
    control = _averaged(np.where(sessions.rule_control_s >= 0.0, sessions.rule_control_s, sessions.aol_s), cfg, True)
    render = _averaged(sessions.display_s, cfg, False)
    columns = [
        control + cfg.position_lag_s,
        render + cfg.position_lag_s,
        control + cfg.orientation_lag_s,
        render + cfg.orientation_lag_s,
    ]
    return np.clip(np.stack(columns, axis=2), 0.0, HORIZON_MAX_S)


def raw_age(sessions: SessionBank) -> Array:
    """Horizons (sessions, slots, 4) [s]: the Age of Loop as it is, for both functions."""
    age = np.clip(np.where(sessions.aol_s >= 0.0, sessions.aol_s, RuleCfg().first_control_s), 0.0, HORIZON_MAX_S)
    return np.repeat(age[:, :, None], 4, axis=2)


def _averaged(delays_s: Array, cfg: RuleCfg, is_control: bool) -> Array:
    """Averages (sessions, slots) by the rule's own tracker."""
    out = np.empty_like(delays_s)
    first_s = cfg.first_control_s if is_control else cfg.first_render_s
    for row, delays in zip(out, delays_s, strict=True):
        tracker = AveragedDelay(first_s=first_s, averaging_s=cfg.averaging_s)
        row[:] = [tracker.update(slot * SLOT_NS, delay) for slot, delay in enumerate(delays.tolist())]
    return out
