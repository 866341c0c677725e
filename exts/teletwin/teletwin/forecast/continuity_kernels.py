"""How far a window goes on from the one before it, in slots and parts of them. Functions of kernels.

A window ends at the newest sample, and samples need not come once a slot: at 30 Hz a window is 3.3 slots on, at
125 Hz 0.8 or 1.6. Whoever took these for whole slots would compare a forecast with another time than it was made for.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

from teletwin.forecast.lane_kernels import vec7

wp.set_module_options({"enable_backward": False, "fast_math": False})

POSES_KEPT = wp.constant(4)
"""Newest poses of a window that find their place in the next one."""
SLOTS_MISSED_MAX = wp.constant(20)
CHORD_M = wp.constant(wp.float64(0.1))
"""What a chord of 1 between quaternions, about 2 rad, counts as [m]."""
SAME_GAP_MAX = wp.constant(wp.float64(1.0e-18))
TINY = wp.constant(wp.float64(1.0e-30))
NOT_ON = wp.constant(wp.float64(-1.0))


@wp.func
def placed(pose: vec7, sign: wp.float64) -> vec7:
    """A pose as a point in which distances count as [m]; sign: hemisphere of its quaternion."""
    turn = CHORD_M * sign
    return vec7(pose[0], pose[1], pose[2], turn * pose[3], turn * pose[4], turn * pose[5], turn * pose[6])


@wp.func
def hemisphere(a: vec7, b: vec7) -> wp.float64:
    """-1 where two poses have their quaternions in opposite hemispheres, else 1."""
    if a[3] * b[3] + a[4] * b[4] + a[5] * b[5] + a[6] * b[6] < wp.float64(0.0):
        return wp.float64(-1.0)
    return wp.float64(1.0)


@wp.func
def is_same(a: vec7, b: vec7, sign: wp.float64) -> bool:
    """Whether two poses are one."""
    apart = placed(a, sign) - placed(b, wp.float64(1.0))
    return wp.dot(apart, apart) <= SAME_GAP_MAX


@wp.func
def fit_at(
    window: wp.array2d(dtype=vec7), before: wp.array2d(dtype=vec7), hand: int, back: int, sign: wp.float64
) -> wp.vec3d:
    """Lay the last poses of the window before on this one, between `back` and `back` + 1 slots from its end.

    Returns:
        Part of a slot further back, 0 ... 1; squares left over; largest square of a step there.
    """
    last = window.shape[1] - 1
    along = wp.float64(0.0)
    length = wp.float64(0.0)
    square = wp.float64(0.0)
    fastest = wp.float64(0.0)
    for j in range(POSES_KEPT):
        newer = placed(window[hand, last - back - j], wp.float64(1.0))
        step = placed(window[hand, last - back - j - 1], wp.float64(1.0)) - newer
        apart = placed(before[hand, j], sign) - newer
        along += wp.dot(apart, step)
        step_square = wp.dot(step, step)
        length += step_square
        fastest = wp.max(fastest, step_square)
        square += wp.dot(apart, apart)
    part = wp.clamp(along / wp.max(length, TINY), wp.float64(0.0), wp.float64(1.0))
    left = square - part * (wp.float64(2.0) * along - part * length)
    return wp.vec3d(part, wp.max(left, wp.float64(0.0)), fastest)


@wp.func
def slots_passed(
    window: wp.array2d(dtype=vec7), before: wp.array2d(dtype=vec7), hand: int, sign: wp.float64
) -> wp.float64:
    """Slots since the window before this one: 0 if it is the same, -1 if this window does not continue it."""
    last = window.shape[1] - 1
    if is_same(before[hand, 0], window[hand, last - 1], sign):
        return wp.float64(1.0)
    if is_same(before[hand, 0], window[hand, last], sign):
        return wp.float64(0.0)
    passed = wp.float64(0.0)
    least = wp.float64(0.0)
    fastest = wp.float64(0.0)
    for back in range(0, wp.min(SLOTS_MISSED_MAX, last - POSES_KEPT) + 1):
        fit = fit_at(window, before, hand, back, sign)
        fastest = wp.max(fastest, fit[2])
        if back == 0 or fit[1] < least:
            least = fit[1]
            passed = wp.float64(back) + fit[0]
    if least <= fastest:  # on average a pose lies within half a step of where it should be
        return passed
    return NOT_ON
