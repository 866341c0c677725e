"""Kernels that fit a velocity to one window. Only `launch` imports this."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import KNOTS_AHEAD, STEPS_PER_KNOT, channels, write_lanes
from teletwin.forecast.lane_kernels import continue_lanes, read_lanes, vec7, vec8

wp.set_module_options({"enable_backward": False, "fast_math": False})

BANK = wp.constant(6)
"""Kalman filters that run side by side."""


@wp.func
def slope(increments: wp.array2d(dtype=vec8), nook: int, known: int, span: int) -> vec8:
    """Slope a slot of the straight line by least squares through the last poses, `span` increments of them."""
    steep = vec8()
    total = wp.float64(0.0)
    for j in range(span):  # an increment counts with the poses on either side of it
        weight = wp.float64((j + 1) * (span - j))
        steep += increments[nook, known - span + j] * weight
        total += weight
    return steep / total


@wp.func
def slope_lanes(increments: wp.array2d(dtype=vec8), nook: int, known: int, span: int) -> None:
    """Displacement to each knot at this slope, to rows known ... known + 24."""
    steep = slope(increments, nook, known, span)
    for k in range(KNOTS_AHEAD):
        increments[nook, known + k] = steep * wp.float64(STEPS_PER_KNOT * (k + 1))


@wp.kernel
def constant_velocity(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """The slope of the straight line by least squares through the last poses, lags[0] increments of them."""
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    coefficients[hand, 0] = vec7()
    coefficients[hand, 1] = channels(slope(increments, nook, known, lags[0]))
    continue_lanes(increments, nook, known, lags, coefficients, hand)
    write_lanes(hand, nook, increments, known, limits, curve)


@wp.kernel
def kalman_velocity(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Steady-state Kalman filter of constant velocity (white acceleration; Kalata 1984), noise estimated.

    A bank of tracking indices runs over the window; each channel takes the one with the least innovations.
    """
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    best = vec8()
    least = vec8()
    for member in range(BANK):
        index = wp.pow(wp.float64(4.0), wp.float64(member - 4))
        root = (wp.float64(4.0) + index - wp.sqrt(wp.float64(8.0) * index + index * index)) / wp.float64(4.0)
        alpha = wp.float64(1.0) - root * root
        beta = wp.float64(2.0) * (wp.float64(2.0) - alpha) - wp.float64(4.0) * wp.sqrt(wp.float64(1.0) - alpha)
        velocity = increments[nook, 0]
        behind = vec8()  # measured less filtered position
        energy = vec8()
        for t in range(1, known):
            innovation = behind + increments[nook, t] - velocity
            behind = innovation * (wp.float64(1.0) - alpha)
            velocity = velocity + innovation * beta
            energy += wp.cw_mul(innovation, innovation)
        for lane in range(7):
            if member == 0 or energy[lane] < least[lane]:
                least[lane] = energy[lane]
                best[lane] = velocity[lane]
    coefficients[hand, 0] = channels(best)
    continue_lanes(increments, nook, known, lags, coefficients, hand)
    write_lanes(hand, nook, increments, known, limits, curve)
