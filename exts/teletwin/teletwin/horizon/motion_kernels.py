"""What the hand's own motion tells about how far it can be forecast: one kernel, CPU and CUDA, float64.

Importing this module loads warp; only `observation` does it, when the features are first computed. One thread
serves one slot of one hand. The order of the columns is that of `observation.MOTION_NAMES`.
"""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false, reportReturnType=false

import warp as wp  # noqa: TID253

wp.set_module_options({"enable_backward": False, "fast_math": False})

vec7 = wp.types.vector(length=7, dtype=wp.float64)
quat4 = wp.types.vector(length=4, dtype=wp.float64)

PAST = wp.constant(4)
PATH_SLOTS = wp.constant(20)
LENGTH_FLOOR = wp.constant(wp.float64(1.0e-4))
ANGLE_FLOOR = wp.constant(wp.float64(1.0e-4))
BOUND = wp.constant(wp.float64(5.0))
BOUND_BELOW = wp.constant(wp.float64(-5.0))
ONE = wp.constant(wp.float64(1.0))
STEP_S, SPAN_S, TURN_S = (wp.constant(wp.float64(s)) for s in (0.02, 0.1, 0.05))
"""Times over which speed, its average and the turn rate are taken [s]."""
ACCELERATION_S2 = wp.constant(wp.float64(0.03 * 0.03))
JERK_S3 = wp.constant(wp.float64(0.04 * 0.04 * 0.04))
SPEED_UNIT = wp.constant(wp.float64(0.1))
ERROR_UNIT_M = wp.constant(wp.float64(0.003))
REACH_UNIT_M = wp.constant(wp.float64(0.03))
MINUS_THIRD = wp.constant(wp.float64(-1.0 / 3.0))
MINUS_ONE = wp.constant(wp.float64(-1.0))


@wp.func
def bounded(value: wp.float64) -> wp.float64:
    """Within +-5; what is not a number counts as nothing seen."""
    if wp.isnan(value):
        return wp.float64(0.0)
    return wp.clamp(value, BOUND_BELOW, BOUND)


@wp.func
def position(pose: vec7) -> wp.vec3d:
    """Position of a pose [m]."""
    return wp.vec3d(pose[0], pose[1], pose[2])


@wp.func
def turn_between(left: vec7, right: vec7) -> wp.float64:
    """Angle between the orientations of two poses [rad], whichever hemisphere they are in."""
    a = quat4(left[3], left[4], left[5], left[6])
    b = quat4(right[3], right[4], right[5], right[6])
    chord = wp.min(wp.length(a - b), wp.length(a + b))
    return wp.float64(4.0) * wp.asin(wp.min(wp.float64(0.5) * chord, ONE))


@wp.func
def log_above(value: wp.float64, floor: wp.float64, unit: wp.float64) -> wp.float64:
    """Decades above `unit`, no less than at the floor."""
    return wp.log10(wp.max(value, floor) / unit)


@wp.func
def moved(poses: wp.array2d(dtype=vec7), hand: int, newest: int, back: int) -> wp.vec3d:
    """Way from `back` slots before the newest pose to it [m]."""
    return position(poses[hand, newest]) - position(poses[hand, newest - back])


@wp.func
def smooth(poses: wp.array2d(dtype=vec7), hand: int, newest: int, back: int) -> wp.vec3d:
    """Mean of three neighbouring positions, seen from the newest [m]: differences of it see less noise."""
    ways = (
        moved(poses, hand, newest, back) + moved(poses, hand, newest, back + 1) + moved(poses, hand, newest, back + 2)
    )
    return ways * MINUS_THIRD


@wp.func
def write_speeds(poses: wp.array2d(dtype=vec7), hand: int, newest: int, row: int, out: wp.array2d(dtype=wp.float64)):  # noqa: ANN201
    """Columns 0 ... 5: speed, acceleration, jerk, straightness and turn rate."""
    floor = LENGTH_FLOOR
    fast = wp.length(moved(poses, hand, newest, 2)) / STEP_S
    slow = wp.length(moved(poses, hand, newest, 10)) / SPAN_S
    a0 = smooth(poses, hand, newest, 0)
    bend = a0 - wp.float64(2.0) * smooth(poses, hand, newest, 3) + smooth(poses, hand, newest, 6)
    three = wp.float64(3.0) * (smooth(poses, hand, newest, 8) - smooth(poses, hand, newest, 4))
    twist = a0 + three - smooth(poses, hand, newest, 12)
    path = floor
    for k in range(PATH_SLOTS):
        step = position(poses[hand, newest - k]) - position(poses[hand, newest - k - 1])
        path += wp.length(step)
    chord = wp.length(moved(poses, hand, newest, PATH_SLOTS)) + floor
    turn = turn_between(poses[hand, newest], poses[hand, newest - 5])
    out[row, 0] = bounded(log_above(fast, floor / STEP_S, SPEED_UNIT))
    out[row, 1] = bounded(log_above(slow, floor / SPAN_S, SPEED_UNIT))
    out[row, 2] = bounded(log_above(wp.length(bend) / ACCELERATION_S2, floor / ACCELERATION_S2, ONE))
    out[row, 3] = bounded(log_above(wp.length(twist) / JERK_S3, floor / JERK_S3, wp.float64(10.0)))
    out[row, 4] = bounded(chord / path)
    out[row, 5] = bounded(log_above(turn / TURN_S, ANGLE_FLOOR / TURN_S, ONE))


@wp.func
def write_past(now: vec7, then: vec7, forecast: vec7, k: int, row: int, out: wp.array2d(dtype=wp.float64)):  # noqa: ANN201
    """Columns 11 ... 24: how the forecast that was once made for now did, against now and against standing still."""
    floor = LENGTH_FLOOR
    error = wp.max(wp.length(position(forecast) - position(now)), floor)
    went = position(now) - position(then)
    ahead = position(forecast) - position(then)
    # With the floor in both, a hand at rest has done just what was forecast.
    share = (wp.dot(went, ahead) + floor * floor) / (wp.dot(ahead, ahead) + floor * floor)
    if wp.isnan(share):
        share = ONE
    out[row, 11 + k] = bounded(log_above(error, floor, ERROR_UNIT_M))
    out[row, 15 + k] = bounded(wp.log(error / wp.max(wp.length(went), floor)))
    out[row, 19 + k] = wp.clamp(share, MINUS_ONE, wp.float64(3.0))
    if k == 1 or k == 2:
        wrong = wp.max(turn_between(forecast, now), ANGLE_FLOOR)
        out[row, 22 + k] = bounded(wp.log(wrong / wp.max(turn_between(now, then), ANGLE_FLOOR)))


@wp.kernel
def motion_features(
    poses: wp.array2d(dtype=vec7),
    curves: wp.array2d(dtype=vec7),
    past: wp.array2d(dtype=vec7),
    knots: wp.vec4i,
    first: int,
    hand_step: int,
    slot_step: int,
    out: wp.array2d(dtype=wp.float64),
) -> None:
    """Features of row i: hand i * hand_step, newest pose first + i * slot_step; curve and past forecasts of row i."""
    row = wp.tid()
    hand = row * hand_step
    newest = first + row * slot_step
    now = poses[hand, newest]
    write_speeds(poses, hand, newest, row, out)
    for k in range(PAST):
        reach = wp.length(position(curves[row, knots[k]]) - position(now))
        out[row, 6 + k] = bounded(log_above(reach, LENGTH_FLOOR, REACH_UNIT_M))
        write_past(now, poses[hand, newest - 2 * knots[k]], past[row, k], k, row, out)
    recent = moved(poses, hand, newest, 5)
    ahead = position(curves[row, knots[2]]) - position(now)
    lengths = wp.max(wp.length(recent), LENGTH_FLOOR) * wp.max(wp.length(ahead), LENGTH_FLOOR)
    out[row, 10] = bounded(wp.dot(recent, ahead) / lengths)
