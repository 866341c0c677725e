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

from teletwin.forecast.fit_kernels import burg_lanes, least_squares_lanes
from teletwin.forecast.lane_kernels import continue_lanes, read_lanes, straight_lanes, vec7, vec8

wp.set_module_options({"enable_backward": False, "fast_math": False})

quat4 = wp.types.vector(length=4, dtype=wp.float64)

STEPS_PER_KNOT = wp.constant(2)
KNOTS_AHEAD = wp.constant(25)
QUATERNION_SQUARE_MIN = wp.constant(wp.float64(1.0e-12))
QUARTER_PI_SQUARED = wp.constant(wp.float64(2.4674011002723397))


@wp.func
def channels(row: vec8) -> vec7:
    """The seven lanes in use."""
    return vec7(row[0], row[1], row[2], row[3], row[4], row[5], row[6])


@wp.func
def unit_quaternion(pose: vec7, fallback: quat4) -> quat4:
    """Normalized orientation of a pose (7,), or the fallback where it has no direction."""
    q = quat4(pose[3], pose[4], pose[5], pose[6])
    square = wp.dot(q, q)
    if square > QUATERNION_SQUARE_MIN and wp.isfinite(square):
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
def write_lanes(
    hand: int,
    nook: int,
    increments: wp.array2d(dtype=vec8),
    known: int,
    limits: wp.vec4d,
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Write the curve from the displacements that were left in rows known ... known + 24 for each knot.

    limits: speed [m/s], turn rate [rad/s], grid step [s], and how many times the fastest increment of the window
    a forecast may be.
    """
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
def arma_burg(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """AR of order len(lags) by Burg's method (1967), no mean; |reflection| <= 1 keeps it stable."""
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    burg_lanes(increments, nook, known, lags, scratch, coefficients, hand)
    continue_lanes(increments, nook, known, lags, coefficients, hand)
    write_lanes(hand, nook, increments, known, limits, curve)


@wp.kernel
def linear_median(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Constant velocity: the median of the last three increments, so that one bad sample changes nothing."""
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    straight_lanes(increments, nook, known)
    write_lanes(hand, nook, increments, known, limits, curve)
