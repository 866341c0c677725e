"""Forecasting kernels, one source for one hand and for thousands, CPU and CUDA, float64.

Importing this module loads warp; only `launch` does it, when a forecaster is built. One thread serves one
hand; its seven channels (x, y, z, qw, qx, qy, qz) travel as the lanes of a vector, so that the compiler
vectorizes across channels and sums stay in a fixed order.

Every forecaster is the same recursion on the increments d of the past grid, with its own coefficients:
d[t] = c + sum_j a_j d[t - lag_j].
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.lane_kernels import continue_lanes, least_squares_lanes, read_lanes, vec7, vec8

wp.set_module_options({"enable_backward": False, "fast_math": False})

quat4 = wp.types.vector(length=4, dtype=wp.float64)

STEPS = wp.constant(50)
"""Steps of the roll-out, one grid step each."""
STEPS_PER_KNOT = wp.constant(2)
KNOTS_AHEAD = wp.constant(25)
QUARTER_PI_SQUARED = wp.constant(wp.float64(2.4674011002723397))


@wp.func
def channels(row: vec8) -> vec7:
    """The seven lanes in use."""
    return vec7(row[0], row[1], row[2], row[3], row[4], row[5], row[6])


@wp.func
def ratio(numerator: vec7, denominator: vec7, floor: vec7) -> vec7:
    """Lane-wise quotient; 0 where the denominator is not above the floor (nothing moved) or not a number."""
    result = vec7()
    for lane in range(7):
        if denominator[lane] > floor[lane]:
            result[lane] = numerator[lane] / denominator[lane]
    return result


@wp.func
def read_window(window: wp.array2d(dtype=vec7), increments: wp.array2d(dtype=vec7), hand: int) -> vec7:
    """Store the increments of one hand; return its newest values.

    A channel that holds anything non-finite is held: its increments become zero, its value the newest
    finite one.
    """
    count = window.shape[1]
    previous = window[hand, 0]
    finite = previous * wp.float64(0.0)
    for t in range(1, count):
        present = window[hand, t]
        difference = present - previous
        increments[hand, t - 1] = difference
        finite += difference * wp.float64(0.0)
        previous = present
    for lane in range(7):
        if finite[lane] != wp.float64(0.0):  # 0 * NaN and 0 * inf are NaN, which differs from 0
            newest = wp.float64(0.0)
            for t in range(count):
                value = window[hand, t][lane]
                if wp.isfinite(value):
                    newest = value
            previous[lane] = newest
            for t in range(count - 1):
                held = increments[hand, t]
                held[lane] = wp.float64(0.0)
                increments[hand, t] = held
    return previous


@wp.func
def unit_quaternion(pose: vec7, fallback: quat4) -> quat4:
    """Normalized orientation of a pose (7,), or the fallback where it has no direction."""
    q = quat4(pose[3], pose[4], pose[5], pose[6])
    square = wp.dot(q, q)
    if square > wp.float64(1.0e-12) and wp.isfinite(square):
        return q * (wp.float64(1.0) / wp.sqrt(square))
    return fallback


@wp.func
def bounded_turn(start: quat4, end: quat4, limit: wp.float64) -> quat4:
    """`end`, or the orientation on the shorter way to it that is `limit` [rad] from `start`."""
    cosine = wp.dot(start, end)
    target = end
    if cosine < wp.float64(0.0):
        cosine = -cosine
        target = -end
    reached = wp.float64(0.5) * limit
    # 1 - cos(half) >= 4 half^2 / pi^2: a turn well inside the limit needs no arc cosine
    if (wp.float64(1.0) - cosine) * QUARTER_PI_SQUARED <= reached * reached:
        return end
    half = wp.acos(wp.min(cosine, wp.float64(1.0)))
    if wp.float64(2.0) * half <= limit:
        return end
    sine = wp.sin(half)
    blend = start * (wp.sin(half - reached) / sine) + target * (wp.sin(reached) / sine)
    return blend / wp.length(blend)


@wp.func
def start_of(newest: vec7) -> quat4:
    """Unit orientation of the newest pose; none at all counts as no turn."""
    return unit_quaternion(newest, quat4(wp.float64(1.0), wp.float64(0.0), wp.float64(0.0), wp.float64(0.0)))


@wp.func
def bounded_pose(
    newest: vec7, start: quat4, moved: vec7, horizon: wp.float64, speed: wp.float64, turn_rate: wp.float64
) -> vec7:
    """The pose after a displacement, at most speed * horizon [m] and turn_rate * horizon [rad] away.

    start: `start_of` the newest pose.
    """
    square = moved[0] * moved[0] + moved[1] * moved[1] + moved[2] * moved[2]
    reach = speed * horizon
    share = wp.float64(1.0)
    if square > reach * reach:
        share = reach / wp.sqrt(square)
    q = bounded_turn(start, unit_quaternion(newest + moved, start), turn_rate * horizon)
    return vec7(
        newest[0] + share * moved[0],
        newest[1] + share * moved[1],
        newest[2] + share * moved[2],
        q[0],
        q[1],
        q[2],
        q[3],
    )


@wp.func
def fastest_increment(increments: wp.array2d(dtype=vec7), hand: int, known: int) -> wp.vec2d:
    """Longest displacement [m] and largest turn [rad] of a grid step in the window; the turn for small angles."""
    distance = wp.float64(0.0)
    turn = wp.float64(0.0)
    for t in range(known):
        d = increments[hand, t]
        distance = wp.max(distance, d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
        turn = wp.max(turn, d[3] * d[3] + d[4] * d[4] + d[5] * d[5] + d[6] * d[6])
    return wp.vec2d(wp.sqrt(distance), wp.float64(2.0) * wp.sqrt(turn))


@wp.func
def sound_fit(constant: vec7, coefficients: wp.array2d(dtype=vec7), hand: int, order: int) -> vec7:
    """The constant; a channel whose fit overflowed is held: its constant and coefficients become zero."""
    for lane in range(7):
        sound = constant[lane] * wp.float64(0.0)
        for j in range(order):
            sound += coefficients[hand, j][lane] * wp.float64(0.0)
        if sound != wp.float64(0.0):
            constant[lane] = wp.float64(0.0)
            for j in range(order):
                zeroed = coefficients[hand, j]
                zeroed[lane] = wp.float64(0.0)
                coefficients[hand, j] = zeroed
    return constant


@wp.func
def roll_out(
    hand: int,
    newest: vec7,
    increments: wp.array2d(dtype=vec7),
    constant: vec7,
    coefficients: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    known: int,
    limits: wp.vec4d,
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Continue the increments, write the curve.

    limits: speed [m/s], turn rate [rad/s], grid step [s], and how many times the fastest increment of the
    window a forecast may be.
    """
    fastest = fastest_increment(increments, hand, known)
    speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    moved = vec7()
    start = start_of(newest)
    curve[hand, 0] = bounded_pose(newest, start, moved, wp.float64(0.0), speed, turn_rate)
    drift = sound_fit(constant, coefficients, hand, lags.shape[0])
    for step in range(STEPS):
        following = drift
        for j in range(lags.shape[0]):
            following += wp.cw_mul(coefficients[hand, j], increments[hand, known + step - lags[j]])
        increments[hand, known + step] = following
        moved += following
        ahead = step + 1
        if ahead % STEPS_PER_KNOT == 0:
            for lane in range(7):
                if not wp.isfinite(moved[lane]):
                    moved[lane] = wp.float64(0.0)
            horizon = wp.float64(ahead) * limits[2]
            curve[hand, ahead // STEPS_PER_KNOT] = bounded_pose(newest, start, moved, horizon, speed, turn_rate)


@wp.func
def levinson_step(coefficients: wp.array2d(dtype=vec7), hand: int, stage: int, reflection: vec7) -> None:
    """Raise the order by one: a_j <- a_j - k a_(m-j), from both ends at once."""
    for j in range((stage + 1) // 2):
        low = coefficients[hand, j]
        high = coefficients[hand, stage - 1 - j]
        coefficients[hand, j] = low - wp.cw_mul(reflection, high)
        coefficients[hand, stage - 1 - j] = high - wp.cw_mul(reflection, low)
    coefficients[hand, stage] = reflection


@wp.kernel
def arma_burg(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """AR of order len(lags) by Burg's method (1967), no mean; |reflection| <= 1 keeps it stable.

    scratch (2, hands, n - 1): forward and backward prediction errors.
    """
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    order = lags.shape[0]
    numerator = vec7()
    denominator = vec7()
    before = increments[hand, 0]
    scratch[1, hand, 0] = before
    for t in range(1, known):
        forward = increments[hand, t]
        scratch[0, hand, t] = forward
        scratch[1, hand, t] = forward
        numerator += wp.cw_mul(forward, before)
        denominator += wp.cw_mul(forward, forward) + wp.cw_mul(before, before)
        before = forward
    for stage in range(order):
        reflection = ratio(numerator + numerator, denominator, vec7())
        levinson_step(coefficients, hand, stage, reflection)
        if stage + 1 < order:  # the new errors and the sums over them in one pass
            numerator = vec7()
            denominator = vec7()
            delayed = scratch[1, hand, stage]
            first = stage + 1
            for t in range(first, known):
                forward = scratch[0, hand, t]
                backward = delayed - wp.cw_mul(reflection, forward)
                forward = forward - wp.cw_mul(reflection, delayed)
                delayed = scratch[1, hand, t]
                scratch[0, hand, t] = forward
                scratch[1, hand, t] = backward
                if t > first:
                    numerator += wp.cw_mul(forward, before)
                    denominator += wp.cw_mul(forward, forward) + wp.cw_mul(before, before)
                before = backward
    roll_out(hand, newest, increments, vec7(), coefficients, lags, known, limits, curve)


@wp.func
def write_lanes(
    hand: int,
    nook: int,
    increments: wp.array2d(dtype=vec8),
    known: int,
    limits: wp.vec4d,
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Write the curve from the displacements that `continue_lanes` left; limits as for `roll_out`."""
    last = increments.shape[1] - 1
    fastest = increments[nook, last]
    speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    newest = channels(increments[nook, last - 1])
    start = start_of(newest)
    curve[hand, 0] = bounded_pose(newest, start, vec7(), wp.float64(0.0), speed, turn_rate)
    for k in range(KNOTS_AHEAD):
        moved = channels(increments[nook, known + k])
        if not (wp.isfinite(wp.dot(moved, moved))):
            for lane in range(7):
                if not wp.isfinite(moved[lane]):
                    moved[lane] = wp.float64(0.0)
        horizon = wp.float64(STEPS_PER_KNOT * (k + 1)) * limits[2]
        curve[hand, k + 1] = bounded_pose(newest, start, moved, horizon, speed, turn_rate)


@wp.kernel
def autoreg_least_squares(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Autoregression with a constant and a lag sequence by least squares.

    Modified Gram-Schmidt on the centred columns and the right-hand side together (Bjorck 1967: as accurate
    as Householder); normal equations would lose half of the digits on a smooth hand.
    """
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    least_squares_lanes(increments, nook, known, lags, scratch, coefficients, hand)
    continue_lanes(increments, nook, known, lags, coefficients, hand)
    write_lanes(hand, nook, increments, known, limits, curve)


@wp.kernel
def linear_median(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Constant velocity: the median of the last three increments, so that one bad sample changes nothing."""
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    a = increments[hand, known - 3]
    b = increments[hand, known - 2]
    c = increments[hand, known - 1]
    slope = wp.max(wp.min(a, b), wp.min(wp.max(a, b), c))
    coefficients[hand, 0] = slope
    roll_out(hand, newest, increments, slope, coefficients, lags, known, limits, curve)
