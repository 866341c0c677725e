"""The kernel that weighs forecasters by how their earlier forecasts came out. Only `combined` imports this.

One thread serves one hand. All that a hand has taught lies in arrays indexed by the hand first:

history (650, 5)      displacements forecast earlier, by candidate, the combination last. The curve's knot k lies
                      2 k slots ahead and owns the 2 k rows from k (k - 1) on: a row is read, exactly when its
                      forecast falls due, and then written anew.
moments (25, 2)       sums of the candidates' products, by knot and group (position, orientation)
products (25, 2)      sums of the candidates times what came
scores (25, 2)        effective count; squared error of the combination, of holding; squared activity
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import bounded_pose, fastest_increment, vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

vec7f = wp.types.vector(length=7, dtype=wp.float32)
vec4d = wp.vec4d
mat44d = wp.mat44d

KNOTS_AHEAD = wp.constant(25)
STEPS_PER_KNOT = wp.constant(2)
ISSUED_SLOTS = wp.constant(64)
"""Ring of the numbers of slots in which a forecast was made; longer than the longest horizon."""
SLOTS_MISSED_MAX = wp.constant(8)
ORIGIN_STRIDE = wp.constant(8)
NO_SLOT = wp.constant(-1000000)
FLOOR = wp.constant(wp.float64(1.0e-24))
SQUARE_MAX = wp.constant(wp.float64(1.0e12))
ERROR_SHARE = wp.constant(wp.float64(0.5))
"""Squared error over squared activity at the longest horizon, before anything is known."""
GUESS_SLOTS = wp.constant(wp.float64(1.0))
"""Slots of evidence that this guess is worth."""


@wp.func
def gap(a: vec7, b: vec7) -> wp.float64:
    """Squared distance of two poses, a radian counting as 50 mm; q and -q are one orientation."""
    place = wp.float64(0.0)
    same = wp.float64(0.0)
    opposite = wp.float64(0.0)
    for lane in range(3):
        place += (a[lane] - b[lane]) * (a[lane] - b[lane])
    for lane in range(3, 7):
        same += (a[lane] - b[lane]) * (a[lane] - b[lane])
        opposite += (a[lane] + b[lane]) * (a[lane] + b[lane])
    return place + wp.float64(0.01) * wp.min(same, opposite)


@wp.func
def slots_passed(
    window: wp.array2d(dtype=vec7),
    increments: wp.array2d(dtype=vec7),
    before: wp.array2d(dtype=vec7),
    hand: int,
) -> int:
    """Slots since the window before this one: 0 if it is the same, -1 if this window does not continue it."""
    last = window.shape[1] - 1
    exact = wp.float64(1.0e-18)
    if gap(before[hand, 0], window[hand, last - 1]) <= exact:
        return 1
    if gap(before[hand, 0], window[hand, last]) <= exact:
        return 0
    fastest = wp.float64(0.0)
    nearest = wp.float64(1.0e30)
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    for s in range(1, wp.min(SLOTS_MISSED_MAX, last - 1) + 1):
        step = increments[hand, last - s]
        fastest = wp.max(fastest, gap(step, vec7()))
        apart = gap(before[hand, 0], window[hand, last - s]) + gap(before[hand, 1], window[hand, last - s - 1])
        if apart < nearest:
            nearest = apart
            passed = s
    if nearest <= wp.float64(0.5) * fastest:
        return passed
    return -1


@wp.func
def forget_all(
    hand: int,
    issued: wp.array2d(dtype=wp.int32),
    moments: wp.array3d(dtype=mat44d),
    products: wp.array3d(dtype=vec4d),
    scores: wp.array3d(dtype=vec4d),
) -> None:
    """Start a new hand."""
    for slot in range(ISSUED_SLOTS):
        issued[hand, slot] = NO_SLOT
    for k in range(KNOTS_AHEAD):
        for group in range(2):
            moments[hand, k, group] = mat44d()
            products[hand, k, group] = vec4d()
            scores[hand, k, group] = vec4d()


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
def past(history: wp.array3d(dtype=vec7f), hand: int, row: int, candidate: int) -> vec7:
    """A displacement from the history."""
    stored = history[hand, row, candidate]
    result = vec7()
    for lane in range(7):
        result[lane] = wp.float64(stored[lane])
    return result


@wp.func
def keep(history: wp.array3d(dtype=vec7f), hand: int, row: int, candidate: int, moved: vec7) -> None:
    """Put a displacement into the history."""
    stored = vec7f()
    for lane in range(7):
        stored[lane] = wp.float32(moved[lane])
    history[hand, row, candidate] = stored


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
def learn(
    hand: int,
    k: int,
    row: int,
    came: vec7,
    activity: wp.vec2d,
    history: wp.array3d(dtype=vec7f),
    moments: wp.array3d(dtype=mat44d),
    products: wp.array3d(dtype=vec4d),
    scores: wp.array3d(dtype=vec4d),
) -> None:
    """Score the forecasts that fall due at one knot against what came."""
    a = past(history, hand, row, 0)
    b = past(history, hand, row, 1)
    c = past(history, hand, row, 2)
    d = past(history, hand, row, 3)
    error = came - past(history, hand, row, 4)
    for group in range(2):
        held = square_sum(came, group)
        if held < SQUARE_MAX:
            moments[hand, k, group] = moments[hand, k, group] + second_moments(a, b, c, d, group)
            products[hand, k, group] = products[hand, k, group] + vec4d(
                dot_group(a, came, group),
                dot_group(b, came, group),
                dot_group(c, came, group),
                dot_group(d, came, group),
            )
            score = vec4d(wp.float64(1.0), square_sum(error, group), held, wp.min(activity[group], SQUARE_MAX))
            scores[hand, k, group] = scores[hand, k, group] + score


@wp.func
def solve_spd(A: mat44d, b: vec4d) -> vec4d:
    """Solve A w = b for a symmetric positive definite A by Cholesky's method."""
    L = mat44d()
    x = vec4d()
    for i in range(4):
        for j in range(i + 1):
            total = A[i, j]
            for m in range(j):
                total -= L[i, m] * L[j, m]
            if i == j:
                L[i, i] = wp.sqrt(wp.max(total, wp.float64(1.0e-14) * A[i, i]))
            else:
                L[i, j] = total / L[j, j]
    for i in range(4):
        total = b[i]
        for m in range(i):
            total -= L[i, m] * x[m]
        x[i] = total / L[i, i]
    for back in range(4):
        i = 3 - back
        total = x[i]
        for m in range(i + 1, 4):
            total -= L[m, i] * x[m]
        x[i] = total / L[i, i]
    return x


@wp.func
def weigh(learned: mat44d, product: vec4d, now: mat44d, score: vec4d, prior: vec4d, patience: wp.vec2d) -> vec4d:
    """Weights of the candidates: recursive ridge regression towards the prior weights.

    patience: how many slots of average motion, and of motion as large as now's, the prior is worth. Without
    the second, what was learned at rest would decide how a sudden motion is forecast.
    """
    A = learned
    b = product
    count = wp.max(score[0], wp.float64(1.0))
    for i in range(4):
        ridge = patience[0] * learned[i, i] / count + patience[1] * now[i, i] + FLOOR
        A[i, i] = learned[i, i] + ridge
        b[i] = product[i] + ridge * prior[i]
    w = solve_spd(A, b)
    sound = (w[0] + w[1] + w[2] + w[3]) * wp.float64(0.0)
    if sound != wp.float64(0.0):  # not a number
        return vec4d()
    if score[1] > score[2]:  # worse than holding of late: trust less
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
def advance(
    hand: int,
    passed: int,
    forgetting: wp.float64,
    slots: wp.array(dtype=wp.int32),
    signs: wp.array(dtype=wp.float64),
    issued: wp.array2d(dtype=wp.int32),
    moments: wp.array3d(dtype=mat44d),
    products: wp.array3d(dtype=vec4d),
    scores: wp.array3d(dtype=vec4d),
) -> None:
    """Let time pass: number this slot, fade what was learned; a window that continues nothing starts anew."""
    if passed < 0:
        forget_all(hand, issued, moments, products, scores)
        slots[hand] = 0
        signs[hand] = wp.float64(1.0)
    if passed > 0:
        slots[hand] = (slots[hand] + passed) % wp.int32(1000000)
        kept = wp.pow(forgetting, wp.float64(passed))
        for k in range(KNOTS_AHEAD):
            for group in range(2):
                moments[hand, k, group] = moments[hand, k, group] * kept
                products[hand, k, group] = products[hand, k, group] * kept
                scores[hand, k, group] = scores[hand, k, group] * kept


@wp.func
def liveliness(ways: wp.array2d(dtype=vec7), hand: int, last: int, span: int) -> wp.vec2d:
    """Mean squared displacement over `span` slots in the window, position and orientation."""
    place = wp.float64(0.0)
    turn = wp.float64(0.0)
    origins = wp.float64(0.0)
    t = last
    while t - span >= 0:
        moved = ways[hand, t] - ways[hand, t - span]
        place += square_sum(moved, 0)
        turn += square_sum(moved, 1)
        origins += wp.float64(1.0)
        t -= ORIGIN_STRIDE
    origins = wp.max(origins, wp.float64(1.0))
    return wp.vec2d(place / origins, turn / origins)


@wp.func
def add_up(increments: wp.array2d(dtype=vec7), ways: wp.array2d(dtype=vec7), hand: int, last: int) -> None:
    """The way from the oldest pose of the window to each."""
    way = vec7()
    ways[hand, 0] = way
    for t in range(last):
        way += increments[hand, t]
        ways[hand, t + 1] = way


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


@wp.kernel
def combine(
    window: wp.array2d(dtype=vec7),
    increments: wp.array2d(dtype=vec7),
    curve_0: wp.array2d(dtype=vec7),
    curve_1: wp.array2d(dtype=vec7),
    curve_2: wp.array2d(dtype=vec7),
    curve_3: wp.array2d(dtype=vec7),
    limits: wp.vec4d,
    prior: wp.array2d(dtype=vec4d),
    fading: wp.vec3d,
    ways: wp.array2d(dtype=vec7),
    before: wp.array2d(dtype=vec7),
    slots: wp.array(dtype=wp.int32),
    signs: wp.array(dtype=wp.float64),
    issued: wp.array2d(dtype=wp.int32),
    history: wp.array3d(dtype=vec7f),
    moments: wp.array3d(dtype=mat44d),
    products: wp.array3d(dtype=vec4d),
    scores: wp.array3d(dtype=vec4d),
    curve: wp.array2d(dtype=vec7),
    expected: wp.array2d(dtype=wp.vec2d),
) -> None:
    """Weigh four forecast curves, knot by knot, position and orientation apart.

    increments: Those of the window, without what is not finite. prior (25, 2): weights to start from.
    fading: share kept from slot to slot, and the two numbers of `weigh`. expected (26): error to expect [m],
    [rad].
    """
    hand = wp.tid()
    last = window.shape[1] - 1
    passed = int(-1)  # noqa: UP018, RUF046 - a variable, not a constant of the kernel
    if slots[hand] >= 0:
        passed = slots_passed(window, increments, before, hand)
    advance(hand, passed, fading[0], slots, signs, issued, moments, products, scores)
    newest = window[hand, last]
    previous = window[hand, last - 1]
    if passed >= 0:
        facing = dot_group(before[hand, 0], window[hand, last - passed], 1)
        if facing < wp.float64(0.0):  # this window is in the other hemisphere
            signs[hand] = -signs[hand]
    before[hand, 0] = newest
    before[hand, 1] = previous
    sign = signs[hand]
    slot = slots[hand]
    add_up(increments, ways, hand, last)
    fastest = fastest_increment(increments, hand, last)
    speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    start = curve_0[hand, 0]
    curve[hand, 0] = start
    expected[hand, 0] = wp.vec2d()
    faced = vec7(wp.float64(1.0), wp.float64(1.0), wp.float64(1.0), sign, sign, sign, sign)
    for k in range(KNOTS_AHEAD):
        span = STEPS_PER_KNOT * (k + 1)
        row = k * (k + 1) + slot % span
        activity = liveliness(ways, hand, last, span)
        if passed > 0 and last >= span:
            if issued[hand, (slot - span) & (ISSUED_SLOTS - 1)] == slot - span:
                came = wp.cw_mul(faced, ways[hand, last] - ways[hand, last - span])
                learn(hand, k, row, came, activity, history, moments, products, scores)
        a = curve_0[hand, k + 1] - start
        b = curve_1[hand, k + 1] - start
        c = curve_2[hand, k + 1] - start
        d = curve_3[hand, k + 1] - start
        patience = wp.vec2d(fading[1], fading[2])
        place = weigh(
            moments[hand, k, 0],
            products[hand, k, 0],
            second_moments(a, b, c, d, 0),
            scores[hand, k, 0],
            prior[k, 0],
            patience,
        )
        turn = weigh(
            moments[hand, k, 1],
            products[hand, k, 1],
            second_moments(a, b, c, d, 1),
            scores[hand, k, 1],
            prior[k, 1],
            patience,
        )
        horizon = wp.float64(span) * limits[2]
        share = ERROR_SHARE * wp.float64(k + 1) / wp.float64(KNOTS_AHEAD)
        pose = bounded_pose(start, mix(a, b, c, d, place, turn), horizon, speed, turn_rate)
        curve[hand, k + 1] = pose
        expected[hand, k + 1] = wp.vec2d(
            expected_error(scores[hand, k, 0], activity[0], share),
            wp.float64(2.0) * expected_error(scores[hand, k, 1], activity[1], share),
        )
        if passed != 0:
            keep(history, hand, row, 0, wp.cw_mul(faced, a))
            keep(history, hand, row, 1, wp.cw_mul(faced, b))
            keep(history, hand, row, 2, wp.cw_mul(faced, c))
            keep(history, hand, row, 3, wp.cw_mul(faced, d))
            keep(history, hand, row, 4, wp.cw_mul(faced, pose - start))
    issued[hand, slot & (ISSUED_SLOTS - 1)] = slot
