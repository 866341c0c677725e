"""Kernels of the models fitted beforehand: the same coefficients for every hand. Only `launch` imports this."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import bounded_pose, fastest_increment, read_window, roll_out, start_of, vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

KNOTS_AHEAD = wp.constant(25)
STEPS_PER_KNOT = wp.constant(2)


@wp.kernel
def pooled_ar(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    weights: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Autoregression of the increments with given weights (lags, 1)."""
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    for j in range(lags.shape[0]):
        coefficients[hand, j] = weights[j, 0]
    roll_out(hand, newest, increments, vec7(), coefficients, lags, window.shape[1] - 1, limits, curve)


@wp.kernel
def pooled_fir(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    weights: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Displacement to each knot as a weighted sum of the last increments; weights (knots ahead, taps)."""
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    fastest = fastest_increment(increments, hand, known)
    speed = wp.min(limits[0], limits[3] * fastest[0] / limits[2])
    turn_rate = wp.min(limits[1], limits[3] * fastest[1] / limits[2])
    start = start_of(newest)
    curve[hand, 0] = bounded_pose(newest, start, vec7(), wp.float64(0.0), speed, turn_rate)
    for k in range(KNOTS_AHEAD):
        moved = vec7()
        for j in range(lags.shape[0]):
            moved += wp.cw_mul(weights[k, j], increments[hand, known - lags[j]])
        for lane in range(7):
            if not wp.isfinite(moved[lane]):
                moved[lane] = wp.float64(0.0)
        horizon = wp.float64(STEPS_PER_KNOT * (k + 1)) * limits[2]
        curve[hand, k + 1] = bounded_pose(newest, start, moved, horizon, speed, turn_rate)
