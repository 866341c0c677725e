"""Kernels of the models fitted beforehand: the same coefficients for every hand. Only `launch` imports this."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.kernels import channels, write_lanes
from teletwin.forecast.lane_kernels import continue_lanes, fir_lanes, read_lanes, vec7, vec8

wp.set_module_options({"enable_backward": False, "fast_math": False})


@wp.kernel
def pooled_ar(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    weights: wp.array2d(dtype=vec8),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Autoregression of the increments with given weights (lags, 1)."""
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    for j in range(lags.shape[0]):
        coefficients[hand, j] = channels(weights[j, 0])
    continue_lanes(increments, nook, known, lags, coefficients, hand)
    write_lanes(hand, nook, increments, known, limits, curve)


@wp.kernel
def pooled_fir(
    window: wp.array2d(dtype=vec7),
    lags: wp.array(dtype=wp.int32),
    limits: wp.vec4d,
    increments: wp.array2d(dtype=vec8),
    scratch: wp.array3d(dtype=vec8),
    coefficients: wp.array2d(dtype=vec7),
    weights: wp.array2d(dtype=vec8),
    curve: wp.array2d(dtype=vec7),
) -> None:
    """Displacement to each knot as a weighted sum of the last increments; weights (knots ahead, taps)."""
    hand = wp.tid()
    nook = hand % increments.shape[0]
    known = window.shape[1] - 1
    read_lanes(window, increments, hand, nook)
    fir_lanes(increments, nook, known, lags, weights)
    write_lanes(hand, nook, increments, known, limits, curve)
