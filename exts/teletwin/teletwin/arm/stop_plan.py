"""How a joint motion comes to rest on its own: even in acceleration, never above a deceleration and a jerk."""

from __future__ import annotations

import math

import numpy as np

from teletwin.geometry import Array

STOP_ACCELERATION_RAD_S2 = 40.0
"""Hardest deceleration with which a gap in the set-points is braked in: that of the limits stage [rad/s^2]."""
OWN_STOP_RAD_S2 = 36.0
"""Hardest deceleration of the controller's own stops, which nothing smooths any more: drives may overshoot."""
STOP_JERK_RAD_S3 = 10_000.0
"""Fastest change of acceleration on the way [rad/s^3]."""
_FADE_CYCLES = 4
"""Cycles of 2 ms from the hardest braking to none: acceleration over jerk."""


def stop_accelerations(qd: Array, qdd: Array, *, most: float, cycle_s: float) -> Array:
    """Accelerations (m, n) [rad/s^2] of the next m cycles, after which all joints stand.

    From qdd the acceleration goes evenly to that of the braking, stays there, and goes evenly to nothing; all joints
    are at rest in the same cycle. The stay is the shortest with which no joint brakes harder than `most`.

    Args:
        qd: Speeds of the cycle before (n,) [rad/s].
        qdd: Accelerations of the cycle before (n,) [rad/s^2].
        most: Hardest braking [rad/s^2].
        cycle_s: Cycle of the controller [s].
    """
    if not (qd.any() or qdd.any()):
        return np.zeros((0, len(qd)))
    step = STOP_JERK_RAD_S3 * cycle_s
    turn = max(_FADE_CYCLES, math.ceil((float(np.abs(qdd).max()) + most) / step - 1e-9))
    change = qd / cycle_s + 0.5 * (turn - 1) * qdd
    ends = 0.5 * (turn + 1) + 0.5 * (_FADE_CYCLES - 1)
    stay = max(0, math.ceil(float(np.abs(change).max()) / most - ends - 1e-9))
    brake = -change / (ends + stay)
    rise = (np.arange(turn) + 1.0) / turn
    fade = np.arange(_FADE_CYCLES - 1, -1, -1.0) / _FADE_CYCLES
    return np.vstack(
        [
            qdd + rise[:, None] * (brake - qdd),
            np.broadcast_to(brake, (stay, len(qd))),
            fade[:, None] * brake,
        ]
    )
