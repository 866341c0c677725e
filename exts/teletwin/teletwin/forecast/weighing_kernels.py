"""What one knot's candidates are worth: ridge regression on four displacements, and the error to expect.

Functions of kernels; only `combine_kernels` imports this.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

vec4d = wp.vec4d
mat44d = wp.mat44d

FLOOR = wp.constant(wp.float64(1.0e-24))
LIVELIER_MAX = wp.constant(wp.float64(1.0e6))
ERROR_SHARE = wp.constant(wp.float64(0.5))
"""Squared error over squared activity at the longest horizon, before anything is known."""
PIVOT_SHARE_MIN = wp.constant(wp.float64(1.0e-14))
GUESS_SLOTS = wp.constant(wp.float64(1.0))
"""Slots of evidence that this guess is worth."""


@wp.struct
class Trust:
    """How fast trust is won and lost.

    kept, kept_check: shares of what was learned, and of what tells mix from prior, that outlive a slot. patience,
    surprise (position, orientation): of `weigh`. check_horizons: of `checked`.
    """

    kept: wp.float64
    kept_check: wp.float64
    patience: wp.float64
    surprise: wp.vec2d
    check_horizons: wp.float64


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
def second_moments(a: vec7, b: vec7, c: vec7, d: vec7, group: int) -> mat44d:
    """Products of four candidates' displacements, summed over the channels of a group."""
    ab = dot_group(a, b, group)
    ac = dot_group(a, c, group)
    ad = dot_group(a, d, group)
    bc = dot_group(b, c, group)
    bd = dot_group(b, d, group)
    cd = dot_group(c, d, group)
    aa = square_sum(a, group)
    bb = square_sum(b, group)
    cc = square_sum(c, group)
    dd = square_sum(d, group)
    return mat44d(aa, ab, ac, ad, ab, bb, bc, bd, ac, bc, cc, cd, ad, bd, cd, dd)


@wp.func
def solve_spd(A: mat44d, b: vec4d) -> vec4d:
    """Solve A w = b for a symmetric positive definite A by its factors L D L^T."""
    tiny = PIVOT_SHARE_MIN
    one = wp.float64(1.0)
    r0 = one / A[0, 0]
    l10 = A[1, 0] * r0
    l20 = A[2, 0] * r0
    l30 = A[3, 0] * r0
    r1 = one / wp.max(A[1, 1] - l10 * A[1, 0], tiny * A[1, 1])
    u21 = A[2, 1] - l20 * A[1, 0]
    u31 = A[3, 1] - l30 * A[1, 0]
    l21 = u21 * r1
    l31 = u31 * r1
    r2 = one / wp.max(A[2, 2] - l20 * A[2, 0] - l21 * u21, tiny * A[2, 2])
    u32 = A[3, 2] - l30 * A[2, 0] - l31 * u21
    l32 = u32 * r2
    r3 = one / wp.max(A[3, 3] - l30 * A[3, 0] - l31 * u31 - l32 * u32, tiny * A[3, 3])
    y1 = b[1] - l10 * b[0]
    y2 = b[2] - l20 * b[0] - l21 * y1
    x3 = (b[3] - l30 * b[0] - l31 * y1 - l32 * y2) * r3
    x2 = y2 * r2 - l32 * x3
    x1 = y1 * r1 - l21 * x2 - l31 * x3
    x0 = b[0] * r0 - l10 * x1 - l20 * x2 - l30 * x3
    return vec4d(x0, x1, x2, x3)


@wp.func
def trace(a: mat44d) -> wp.float64:
    """Sum of the diagonal."""
    return a[0, 0] + a[1, 1] + a[2, 2] + a[3, 3]


@wp.func
def weigh(
    learned: mat44d,
    product: vec4d,
    now: mat44d,
    count: wp.float64,
    prior: vec4d,
    patience: wp.float64,
    surprise: wp.float64,
) -> vec4d:
    """Weights of the candidates: recursive ridge regression towards the prior weights.

    patience: slots of average motion that the prior is worth. surprise: so many slots of motion as large as now's
    more, times how much livelier than the average it is; without them, what was learned in slow motion would decide
    how a burst is forecast.
    """
    A = learned
    b = product
    share = wp.float64(1.0) / wp.max(count, wp.float64(1.0))
    livelier = wp.min(trace(now) / (share * trace(learned) + FLOOR), LIVELIER_MAX)
    for i in range(4):
        ridge = patience * share * learned[i, i] + surprise * livelier * now[i, i] + FLOOR
        A[i, i] = learned[i, i] + ridge
        b[i] = product[i] + ridge * prior[i]
    w = solve_spd(A, b)
    sound = (w[0] + w[1] + w[2] + w[3]) * wp.float64(0.0)
    if sound != wp.float64(0.0):  # not a number
        return vec4d()
    return w


@wp.func
def checked(check: wp.vec3d, horizon_slots: wp.float64, horizons: wp.float64) -> wp.float64:
    """How far from the prior weights to the learned ones to go, 0 ... 1.

    Least squares of what came on the difference that learning made, towards 1 by a ridge of so many horizons: errors
    of neighbouring slots tell one and the same thing, about a horizon long.

    check: sums of the squared difference between the two mixtures and of its product with what the prior's missed;
    effective count.
    """
    ridge = horizons * horizon_slots * check[0] / wp.max(check[2], wp.float64(1.0)) + FLOOR
    return wp.clamp((check[1] + ridge) / (check[0] + ridge), wp.float64(0.0), wp.float64(1.0))


@wp.func
def sobered(w: vec4d, score: vec4d) -> vec4d:
    """Smaller weights where the combination came out worse than holding of late."""
    if score[1] > score[2]:
        return w * (score[2] / score[1])
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


@wp.func
def mix(a: vec7, b: vec7, c: vec7, d: vec7, place: vec4d, turn: vec4d) -> vec7:
    """Weighted sum of four displacements, with weights for position and for orientation."""
    moved = vec7()
    for lane in range(3):
        moved[lane] = place[0] * a[lane] + place[1] * b[lane] + place[2] * c[lane] + place[3] * d[lane]
    for lane in range(3, 7):
        moved[lane] = turn[0] * a[lane] + turn[1] * b[lane] + turn[2] * c[lane] + turn[3] * d[lane]
    for lane in range(7):
        if not wp.isfinite(moved[lane]):
            moved[lane] = wp.float64(0.0)
    return moved
