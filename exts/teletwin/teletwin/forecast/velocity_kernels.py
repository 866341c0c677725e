"""Kernels that fit a velocity or a quick autoregression to one window. Only `launch` imports this."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import ratio, read_window, roll_out, vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

BANK = wp.constant(6)
"""Kalman filters that run side by side."""
RIDGE = wp.constant(wp.float64(1.0e-9))


@wp.kernel
def constant_velocity(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """The slope of the straight line by least squares through the last poses, lags[0] increments of them."""
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    span = lags[0]
    slope = vec7()
    total = wp.float64(0.0)
    for j in range(span):  # an increment counts with the poses on either side of it
        weight = wp.float64((j + 1) * (span - j))
        slope += increments[hand, known - span + j] * weight
        total += weight
    slope = slope / total
    coefficients[hand, 0] = vec7()
    coefficients[hand, 1] = slope
    roll_out(hand, newest, increments, slope, coefficients, lags, known, limits, curve)


@wp.kernel
def kalman_velocity(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Steady-state Kalman filter of constant velocity (white acceleration; Kalata 1984), noise estimated.

    A bank of tracking indices runs over the window; each channel takes the one with the least innovations.
    """
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    best = vec7()
    least = vec7()
    for member in range(BANK):
        index = wp.pow(wp.float64(4.0), wp.float64(member - 4))
        root = (wp.float64(4.0) + index - wp.sqrt(wp.float64(8.0) * index + index * index)) / wp.float64(4.0)
        alpha = wp.float64(1.0) - root * root
        beta = wp.float64(2.0) * (wp.float64(2.0) - alpha) - wp.float64(4.0) * wp.sqrt(wp.float64(1.0) - alpha)
        velocity = increments[hand, 0]
        behind = vec7()  # measured less filtered position
        energy = vec7()
        for t in range(1, known):
            innovation = behind + increments[hand, t] - velocity
            behind = innovation * (wp.float64(1.0) - alpha)
            velocity = velocity + innovation * beta
            energy += wp.cw_mul(innovation, innovation)
        for lane in range(7):
            if member == 0 or energy[lane] < least[lane]:
                least[lane] = energy[lane]
                best[lane] = velocity[lane]
    coefficients[hand, 0] = best
    roll_out(hand, newest, increments, best, coefficients, lags, known, limits, curve)


@wp.func
def lagged_sum(increments: wp.array2d(dtype=vec7), hand: int, lag: int, start: int, known: int) -> vec7:
    """Sum of d[t] d[t - lag] over t = start ... known - 1."""
    total = vec7()
    for t in range(start, known):
        total += wp.cw_mul(increments[hand, t], increments[hand, t - lag])
    return total


@wp.kernel
def autoreg_quick(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec7),
    scratch: wp.array3d(dtype=vec7),
    coefficients: wp.array2d(dtype=vec7),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Paper mode at a third of its cost, not to its last digits: the covariance method (lags 1 ... p, constant).

    Each moment follows from its diagonal neighbour by one term at either end. scratch (p + 1, hands, p + 1):
    centred moments, factored in place (L D L^T); a trace of ridge stands in for the exact solution's care.
    """
    hand = wp.tid()
    newest = read_window(window, increments, hand)
    known = window.shape[1] - 1
    p = lags.shape[0]
    for j in range(p + 1):
        scratch[0, hand, j] = lagged_sum(increments, hand, j, p, known)
    for i in range(1, p + 1):
        for j in range(i, p + 1):
            scratch[i, hand, j] = (
                scratch[i - 1, hand, j - 1]
                + wp.cw_mul(increments[hand, p - i], increments[hand, p - j])
                - wp.cw_mul(increments[hand, known - i], increments[hand, known - j])
            )
    total = vec7()
    for t in range(p, known):
        total += increments[hand, t]
    rows = wp.float64(known - p)
    scratch[0, hand, p + 1] = total
    for i in range(1, p + 1):
        total += increments[hand, p - i] - increments[hand, known - i]
        scratch[i, hand, p + 1] = total
    for i in range(p + 1):
        for j in range(i, p + 1):
            product = wp.cw_mul(scratch[i, hand, p + 1], scratch[j, hand, p + 1]) / rows
            scratch[i, hand, j] = scratch[i, hand, j] - product
    for i in range(1, p + 1):
        scratch[i, hand, i] = scratch[i, hand, i] * (wp.float64(1.0) + RIDGE)
    for i in range(1, p + 1):  # eliminate; row i keeps D in its diagonal, U right of it
        for k in range(i + 1, p + 1):
            share = ratio(scratch[i, hand, k], scratch[i, hand, i], vec7())
            for j in range(k, p + 1):
                scratch[k, hand, j] = scratch[k, hand, j] - wp.cw_mul(share, scratch[i, hand, j])
            scratch[0, hand, k] = scratch[0, hand, k] - wp.cw_mul(share, scratch[0, hand, i])
    constant = scratch[0, hand, p + 1] / rows
    for back in range(p):
        i = p - back
        value = scratch[0, hand, i]
        for j in range(i + 1, p + 1):
            value -= wp.cw_mul(scratch[i, hand, j], coefficients[hand, j - 1])
        value = ratio(value, scratch[i, hand, i], vec7())
        coefficients[hand, i - 1] = value
        constant -= wp.cw_mul(value, scratch[i, hand, p + 1]) / rows
    coefficients[hand, p] = constant
    roll_out(hand, newest, increments, constant, coefficients, lags, known, limits, curve)
