"""Horizons of the arm once more, in joint space: there a wrist that is turned ahead moves the tool's position.

RMPflow reaches for position and orientation with the same joints, so that the two are no longer judged apart, as the
enumeration with an arm in task space does. Around what that has found, pairs of both are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from teletwin.geometry import Array

POSITION_STEPS_S = (-0.02, 0.0, 0.02)
"""Tried around the best horizon of the arm's position [s]; then half of that on both sides of what was best."""
TURN_STEPS_S = (-0.12, -0.06, 0.0)
"""Tried below that of its orientation: a wrist turned less far ahead."""
WORTH = (1.0, 0.3)
"""What squares of position and orientation count for, as in the reward."""
Judge = Callable[[Array], Array]
"""Horizons (n, 4) in the order of `baselines.Four` to ratios (hands, n, 4) of root mean squares over no prediction's,
in the order of errors."""


def refine(start: Array, judge: Judge, weights: Array, *, least_s: float) -> Array:
    """The best horizons (4,) around the start; the picture's stay, as its arm is a lag.

    Args:
        start: What was found with the arm in task space (4,): arm's position, the picture's, then their orientations.
        judge: Runs candidates.
        weights: What each hand counts for (hands,).
        least_s: No horizon is shorter than this [s].
    """
    pairs = [(start[0] + p, start[2] + t) for p, t in product(POSITION_STEPS_S, TURN_STEPS_S)]
    best = _best(start, pairs, judge, weights, least_s)
    half_s = 0.5 * POSITION_STEPS_S[0]
    return _best(best, [(best[0] + step, best[2]) for step in (half_s, 0.0, -half_s)], judge, weights, least_s)


def _best(start: Array, pairs: list[tuple[float, float]], judge: Judge, weights: Array, least_s: float) -> Array:
    rows = np.tile(start, (len(pairs), 1))
    rows[:, [0, 2]] = np.maximum(np.array(pairs), least_s)
    squares = (weights[:, None, None] * judge(rows)[..., :2] ** 2).sum(axis=0)
    return rows[int(np.argmin(squares @ np.array(WORTH)))]
