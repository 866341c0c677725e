"""Actions of many environments at once, as `teletwin.horizon.action` reads one."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.action import ActionLimits
from teletwin.messages import HORIZON_MAX_S

LATE_RULE = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0)
"""Horizons of the late bound rule: no correction, full gain."""
NO_PREDICTION = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""The newest pose as it is."""


def horizon_rows(actions: Array, *, kind: str, limits: ActionLimits, base: Array) -> Array:
    """Horizons (N, 6) of actions (N, m); base (N, 4) is what the rule says [s], see `loops.HORIZON_COLUMNS`."""
    a = np.clip(np.where(np.isnan(actions), 0.0, actions), -1.0, 1.0)
    out = np.empty((len(a), 6))
    if kind == "paper":
        out[:, :2] = 0.5 * HORIZON_MAX_S * (1.0 + a)
        out[:, 2:4] = out[:, :2]
        out[:, 4:] = 1.0, 0.0
        return out
    is_late = kind == "late"
    out[:, :2] = base[:, :2] + limits.correction_s * a[:, :2]
    out[:, 2:4] = base[:, 2:] + limits.orientation_correction_s * a[:, 3:]
    np.clip(out[:, :4], -HORIZON_MAX_S if is_late else 0.0, HORIZON_MAX_S, out=out[:, :4])
    out[:, 4] = gain_of(a[:, 2], limits)
    out[:, 5] = float(is_late)
    return out


def gain_of(action: Array, limits: ActionLimits) -> Array:
    """Gain of actions in [-1, 1]."""
    return 1.0 + np.where(action > 0.0, limits.gain_most - 1.0, 1.0 - limits.gain_least) * action


def fixed_rows(control_s: Array, render_s: Array, control_turn_s: Array, render_turn_s: Array) -> Array:
    """Absolute horizons (N, 6) of columns (N,)."""
    ones = np.ones(len(control_s))
    return np.stack([control_s, render_s, control_turn_s, render_turn_s, ones, 0.0 * ones], axis=1)
