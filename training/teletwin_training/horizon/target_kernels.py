"""From a packet to the target of a tick, as `twin.target` does it; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, HORIZON_MAX_S
from teletwin.twin.target import PathCfg
from teletwin_training.horizon.motion_types_kernel import ACTION_RING, Loop, Motion, Params, Path, Times, vec7

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_LAST_KNOT = wp.constant(CURVE_KNOTS - 2)
_PLACES = wp.constant(wp.float64(CURVE_KNOTS - 1))
_PER_STEP = wp.constant(wp.float64(1.0 / CURVE_STEP_S))
_H_MAX = wp.constant(wp.float64(HORIZON_MAX_S))
_RING = wp.constant(ACTION_RING)
_VELOCITY_TIME = wp.constant(wp.float64(PathCfg().velocity_time_s))
_SPEED_MOST = wp.constant(wp.float64(PathCfg().max_speed_m_s))
_TURN_MOST = wp.constant(wp.float64(PathCfg().max_turn_rad_s))
_SINE_MIN = wp.constant(wp.float64(1.0e-9))
_SLOT_S = wp.constant(wp.float64(0.01))
_ZERO = wp.constant(wp.float64(0.0))
_ONE = wp.constant(wp.float64(1.0))
_TWO = wp.constant(wp.float64(2.0))


@wp.func
def hand_row(motion: Motion, e: wp.int32, slot: wp.int32):
    """Row of the hand and its forecast at a slot of the episode."""
    first = motion.first_row[e]
    if slot < 0:  # before the episode: recordings go on backwards, rings repeat their first row
        return wp.where(motion.ring > 1000000, first + slot, first)
    return first + slot % motion.ring


@wp.func
def between_knots(motion: Motion, row: wp.int32, horizon: wp.float64):
    """Row of the curve at a horizon [s]."""
    place = wp.clamp(horizon * _PER_STEP, _ZERO, _PLACES)
    knot = wp.min(wp.int32(place), _LAST_KNOT)
    share = place - wp.float64(knot)
    return (_ONE - share) * motion.curves[row, knot] + share * motion.curves[row, knot + 1]


@wp.func
def packet_target(
    motion: Motion,
    times: Times,
    loop: Loop,
    e: wp.int32,
    packet: wp.int32,
    render: wp.int32,
    now: wp.float64,
    way: wp.float64,
    turn_extra: wp.float64,
):
    """Pose (7,) that a packet (slot of the session) asks for at time now [s] of the session, way [s] ahead."""
    slot = packet - times.first_slot_of[e]
    row = hand_row(motion, e, slot)
    place = wp.max(slot, 0) % _RING
    horizon = loop.horizons[e, place, render]
    turn = loop.horizons[e, place, 2 + render]
    gain = loop.horizons[e, place, 4]
    if loop.horizons[e, place, 5] > _ZERO:
        age = now - wp.float64(packet) * _SLOT_S + way
        horizon = horizon + age
        turn = turn + age + turn_extra
    pose = motion.poses[row]
    at = between_knots(motion, row, wp.clamp(horizon, _ZERO, _H_MAX))
    turned = between_knots(motion, row, wp.clamp(turn, _ZERO, _H_MAX))
    out = vec7()
    for i in range(3):
        out[i] = pose[i] + gain * (at[i] - pose[i])
    square = _ZERO
    for i in range(3, 7):
        out[i] = pose[i] + gain * (turned[i] - pose[i])
        square = square + out[i] * out[i]
    scale = _ONE / wp.sqrt(square)
    for i in range(3, 7):
        out[i] = out[i] * scale
    return out


@wp.func
def turn_between(a: vec7, b: vec7):
    """Rotation vector [rad] from one pose to the next."""
    w = b[3] * a[3] + b[4] * a[4] + b[5] * a[5] + b[6] * a[6]
    x = b[4] * a[3] - b[3] * a[4] - b[5] * a[6] + b[6] * a[5]
    y = b[5] * a[3] - b[3] * a[5] - b[6] * a[4] + b[4] * a[6]
    z = b[6] * a[3] - b[3] * a[6] - b[4] * a[5] + b[5] * a[4]
    sine = wp.sqrt(x * x + y * y + z * z)
    scale = _TWO
    if sine >= _SINE_MIN:
        scale = _TWO * wp.atan2(sine, wp.abs(w)) / sine
    if w < _ZERO:
        scale = -scale
    return wp.vec3d(x * scale, y * scale, z * scale)


@wp.func
def capped(v: wp.vec3d, most: wp.float64):
    """The vector, shortened to length `most`."""
    norm = wp.length(v)
    if norm > most:
        return v * (most / norm)
    return v


@wp.func
def measure_target(path: Path, params: Params, e: wp.int32, pose: vec7, dt: wp.float64):
    """Low-pass the motion from the last target to this one."""
    if params.feed_forward[e] == 0:
        return
    if path.has_last[e] != 0:
        last = path.last[e]
        share = dt / (_VELOCITY_TIME + dt)
        moved = wp.vec3d(pose[0] - last[0], pose[1] - last[1], pose[2] - last[2]) / dt
        path.velocity[e] = capped(path.velocity[e] + share * (moved - path.velocity[e]), _SPEED_MOST)
        turned = turn_between(last, pose) / dt
        path.turn[e] = capped(path.turn[e] + share * (turned - path.turn[e]), _TURN_MOST)
    path.last[e] = pose
    path.has_last[e] = 1


@wp.func
def rest_target(path: Path, e: wp.int32):
    """Forget the measured velocity: the next target starts a new motion."""
    path.has_last[e] = 0
    path.velocity[e] = wp.vec3d()
    path.turn[e] = wp.vec3d()
