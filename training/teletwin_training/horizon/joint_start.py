"""What the gradient taught, calibrated in joint space before PPO goes on from there.

The gradient knows nothing of joints: it turns the wrist as far ahead as its forecast is good for, which moves the tool.
How much less far pays is found by trial, as one constant on the action for the arm's orientation.
"""

from __future__ import annotations

from dataclasses import replace

from teletwin_training.horizon.direct import DirectResult
from teletwin_training.horizon.score import Score

TURN_ACTION = 3
"""Number of the action that corrects the horizon of the arm's orientation; see `actions.horizon_rows`."""
SHIFTS = (-0.8, -0.4)
"""Constants on that action that are tried beside none."""


def calibrated(direct: DirectResult, score: Score) -> DirectResult:
    """The best of them by score."""
    tried = [direct, *(_shifted(direct, shift) for shift in SHIFTS)]
    return min(tried, key=lambda each: score.judge(each.weights, each.mean, each.scale)[0])


def _shifted(direct: DirectResult, shift: float) -> DirectResult:
    *before, (weight, bias) = direct.weights.layers
    moved = bias.copy()
    moved[TURN_ACTION] += shift
    return replace(direct, weights=replace(direct.weights, layers=(*before, (weight, moved))))
