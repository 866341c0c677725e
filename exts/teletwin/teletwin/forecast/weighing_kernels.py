"""What one knot's candidates are worth: ridge regression on their displacements, and the error to expect.

Functions of kernels; `choice_kernels` decides how far what is learned here is trusted.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast import candidates as table
from teletwin.forecast.kernels import vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

vec4d = wp.vec4d
Weights = wp.types.vector(length=len(table.CANDIDATES), dtype=wp.float64)
"""Of the candidates."""
Moments = wp.types.matrix(shape=(len(table.CANDIDATES), len(table.CANDIDATES)), dtype=wp.float64)
Shares = wp.types.vector(length=len(table.CANDIDATES) + 3, dtype=wp.float64)
"""Of the single candidates, holding, the prior mixture and the learned one."""

CANDIDATES = wp.constant(len(table.CANDIDATES))
FLOOR = wp.constant(wp.float64(1.0e-24))
LIVELIER_MAX = wp.constant(wp.float64(1.0e6))
ERROR_SHARE = wp.constant(wp.float64(0.5))
"""Squared error over squared activity at the longest horizon, before anything is known."""
PIVOT_SHARE_MIN = wp.constant(wp.float64(1.0e-14))
GUESS_SLOTS = wp.constant(wp.float64(1.0))
"""Slots of evidence that this guess is worth."""


@wp.func
def square_sum(a: vec7, group: int) -> wp.float64:
    """Sum of squares over the channels of position (0) or orientation (1)."""
    if group == 0:
        return a[0] * a[0] + a[1] * a[1] + a[2] * a[2]
    return a[3] * a[3] + a[4] * a[4] + a[5] * a[5] + a[6] * a[6]


@wp.func
def dot_group(a: vec7, b: vec7, group: int) -> wp.float64:
    """Sum of products over the channels of position (0) or orientation (1)."""
    if group == 0:
        return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return a[3] * b[3] + a[4] * b[4] + a[5] * b[5] + a[6] * b[6]


@wp.func
def solve_spd(A: Moments, b: Weights) -> Weights:
    """Solve A w = b for a symmetric positive definite A by its factors L D L^T, of which A's lower half is used."""
    factors = A
    w = b
    for i in range(CANDIDATES):
        for j in range(i):  # row i of L D, then of L
            reached = factors[i, j]
            for k in range(j):
                reached -= factors[i, k] * factors[j, k]
            factors[i, j] = reached
        pivot = factors[i, i]
        for j in range(i):
            scaled = factors[i, j] / factors[j, j]
            pivot -= scaled * factors[i, j]
            w[i] = w[i] - scaled * w[j]
            factors[i, j] = scaled
        factors[i, i] = wp.max(pivot, PIVOT_SHARE_MIN * A[i, i])
    for back in range(CANDIDATES):
        i = CANDIDATES - 1 - back
        w[i] = w[i] / factors[i, i]
        for k in range(i + 1, CANDIDATES):
            w[i] = w[i] - factors[k, i] * w[k]
    return w


@wp.func
def weigh(
    learned: Moments,
    product: Weights,
    now: Weights,
    count: wp.float64,
    prior: Weights,
    patience: wp.float64,
    surprise: wp.float64,
) -> Weights:
    """Weights of the candidates: recursive ridge regression towards the prior weights.

    now: squares of what each forecasts now. patience: slots of average motion that the prior is worth. surprise: so
    many slots of motion as large as now's more, times how much livelier than the average it is; without them, what
    was learned in slow motion would decide how a burst is forecast.
    """
    A = learned
    b = product
    share = wp.float64(1.0) / wp.max(count, wp.float64(1.0))
    moved = wp.float64(0.0)
    average = wp.float64(0.0)
    for i in range(CANDIDATES):
        moved += now[i]
        average += share * learned[i, i]
    livelier = wp.min(moved / (average + FLOOR), LIVELIER_MAX)
    for i in range(CANDIDATES):
        ridge = patience * share * learned[i, i] + surprise * livelier * now[i] + FLOOR
        A[i, i] = learned[i, i] + ridge
        b[i] = product[i] + ridge * prior[i]
    w = solve_spd(A, b)
    if wp.dot(w, Weights()) != wp.float64(0.0):  # not a number
        return prior
    return w


@wp.func
def expected_error(score: vec4d, activity: wp.float64, share: wp.float64) -> wp.float64:
    """Root mean square error to expect, from errors of late and from how lively the hand is now.

    share: squared error over squared activity, before anything is known.
    """
    guess = GUESS_SLOTS * share * activity
    by_activity = activity * (score[1] + guess) / (score[3] + GUESS_SLOTS * activity + FLOOR)
    of_late = (score[1] + guess) / (score[0] + GUESS_SLOTS)
    return wp.sqrt(wp.float64(0.5) * (by_activity + of_late))


@wp.func
def expected_errors(place: vec4d, turn: vec4d, activity: wp.vec2d, horizon_share: wp.float64) -> wp.vec2d:
    """Expected distance [m] and angle [rad] at a share of the longest horizon."""
    share = ERROR_SHARE * horizon_share
    return wp.vec2d(
        expected_error(place, activity[0], share), wp.float64(2.0) * expected_error(turn, activity[1], share)
    )
