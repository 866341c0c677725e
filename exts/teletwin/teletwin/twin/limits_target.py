"""A target outside the workspace gives way to one on its border, so that the tool slides along; import lazily."""

# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, ANN202
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin.twin.limits_model import (
    BORDER_SLACK_M,
    GRADIENT_MIN,
    HALF,
    ONE,
    PULL_HOME_SHARE,
    PULL_NEAR_M,
    PULL_STEP_MAX,
    PULL_STEPS,
    SLIDE_STEPS,
    TARGET_SLACK_M,
    ZERO,
    LimiterModel,
    LimiterState,
    border_gradient,
    tool_position,
)


@wp.func
def _pull_along(m: LimiterModel, s: LimiterState, e: int, square: wp.float64, distance: wp.float64):
    """Move the target down the gradient by a distance [m] of the tool."""
    longest = PULL_STEP_MAX / wp.sqrt(square)
    step = wp.clamp(distance / square, -longest, longest)
    for j in range(m.lower.shape[0]):
        s.target[e, j] = wp.clamp(s.target[e, j] - step * s.gradient[e, j], m.lower[j], m.upper[j])


@wp.func
def _pull_home(m: LimiterModel, s: LimiterState, e: int):
    """Move the target a quarter of the way to the arm."""
    for j in range(m.lower.shape[0]):
        s.target[e, j] = s.target[e, j] + PULL_HOME_SHARE * (s.q[e, j] - s.target[e, j])


@wp.func
def _pull_once(m: LimiterModel, s: LimiterState, e: int, from_inside: bool):
    """Bring a target outside, or nearly, a step nearer to just inside the border; return its excess before [m].

    With from_inside a target further inside comes out to there too.
    """
    p = tool_position(m, e, s.target, s.target, ZERO)
    ball = wp.length(p - m.center) - m.border[0]
    table = m.border[1] - p[2]
    excess = wp.max(ball, table)
    if excess > -HALF * TARGET_SLACK_M or from_inside:
        square = border_gradient(m, s, e, s.target, table > ball)
        if square > GRADIENT_MIN and excess < PULL_NEAR_M:
            _pull_along(m, s, e, square, excess + TARGET_SLACK_M)
        else:
            _pull_home(m, s, e)
    return excess


@wp.func
def _slide_target(m: LimiterModel, s: LimiterState, e: int):
    """Move the target along the border towards what was desired."""
    p = tool_position(m, e, s.target, s.target, ZERO)
    square = border_gradient(m, s, e, s.target, m.border[1] - p[2] > wp.length(p - m.center) - m.border[0])
    if square > GRADIENT_MIN:
        along = ZERO
        for j in range(m.lower.shape[0]):
            wish = wp.clamp(s.desired[e, j], m.lower[j], m.upper[j]) - s.target[e, j]
            along = along + s.gradient[e, j] * wish / square
        for j in range(m.lower.shape[0]):
            wish = wp.clamp(s.desired[e, j], m.lower[j], m.upper[j]) - s.target[e, j]
            step = wp.clamp(wish - along * s.gradient[e, j], -PULL_STEP_MAX, PULL_STEP_MAX)
            s.target[e, j] = wp.clamp(s.target[e, j] + step, m.lower[j], m.upper[j])


@wp.func
def pull_target_inside(m: LimiterModel, s: LimiterState, e: int):
    """Replace a target outside the workspace by the one on its border that is near it; return whether it was outside.

    First towards the arm, to its side of a folded elbow; then along the border; Newton steps in between.
    """
    p = tool_position(m, e, s.target, s.target, ZERO)
    excess = wp.max(wp.length(p - m.center) - m.border[0], m.border[1] - p[2])
    outside = excess > -BORDER_SLACK_M
    if outside:
        for slide in range(SLIDE_STEPS + 1):
            if slide > 0:
                _slide_target(m, s, e)
            excess = ONE
            for _k in range(PULL_STEPS):
                if excess > -HALF * TARGET_SLACK_M:
                    excess = _pull_once(m, s, e, False)
        # Without these the target would jump by a millimetre whenever the number of steps above changes.
        for _k in range(2):
            excess = _pull_once(m, s, e, True)
    return outside
