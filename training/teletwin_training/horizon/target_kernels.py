"""From a packet to the target of a tick, as `twin.target` does it; importing this loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false, reportReturnType=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

import warp as wp  # noqa: TID253

from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S, HORIZON_MAX_S
from teletwin.twin.reference import MOTION_FLOOR, STEP_MAX_S, TURN_FLOOR, ReferenceCfg
from teletwin.twin.target import PathCfg
from teletwin_training.horizon.motion_types_kernel import ACTION_RING, Loop, Motion, Params, Path, Times, vec7

wp.set_module_options({"enable_backward": False, "fast_math": False, "max_unroll": 4})

_TINY_TURN = wp.constant(wp.float64(1.0e-9))
_LAST_KNOT = wp.constant(CURVE_KNOTS - 2)
_PLACES = wp.constant(wp.float64(CURVE_KNOTS - 1))
_PER_STEP = wp.constant(wp.float64(1.0 / CURVE_STEP_S))
_H_MAX = wp.constant(wp.float64(HORIZON_MAX_S))
_RING = wp.constant(ACTION_RING)
_REFERENCE = ReferenceCfg()
_TIME, _HORIZON_SHARE = (wp.constant(wp.float64(v)) for v in (_REFERENCE.time_s, _REFERENCE.horizon_share))
_DAMPING, _ENTRY = (wp.constant(wp.float64(v)) for v in (_REFERENCE.damping, _REFERENCE.entry))
_DOUBT_FROM, _DOUBT_SPAN = (wp.constant(wp.float64(v)) for v in (_REFERENCE.doubt_from, _REFERENCE.doubt_span))
_DOUBT_TIME, _DOUBT_LAG = (wp.constant(wp.float64(v)) for v in (_REFERENCE.doubt_time, _REFERENCE.doubt_lag))
_AVERAGING = wp.constant(wp.float64(_REFERENCE.averaging_s))
_STEP_MOST = wp.constant(wp.float64(STEP_MAX_S))
_MOTION_FLOOR, _TURN_FLOOR = (wp.constant(wp.float64(v)) for v in (MOTION_FLOOR, TURN_FLOOR))
_LEAD, _TURN_LEAD = (wp.constant(wp.float64(v)) for v in (PathCfg().lead_s, PathCfg().turn_lead_s))
_SPEED_MOST = wp.constant(wp.float64(PathCfg().max_speed_m_s))
_TURN_MOST = wp.constant(wp.float64(PathCfg().max_turn_rad_s))
_SINE_MIN = wp.constant(_TINY_TURN)
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
def packet_age(times: Times, e: wp.int32, packet: wp.int32, now: wp.float64):
    """Age of a packet's pose at time now [s] of the session: since its slot, and what the sample was old then."""
    age = now - wp.float64(packet) * _SLOT_S
    if times.sample_age.shape[0] > 1:
        age = age + times.sample_age[times.first_row[e] + packet - times.first_slot_of[e]]
    return age


@wp.func
def packet_horizon(
    times: Times, loop: Loop, e: wp.int32, packet: wp.int32, render: wp.int32, now: wp.float64, way: wp.float64
):
    """How far ahead a packet's position is looked up at time now [s] of the session, way [s] ahead."""
    place = wp.max(packet - times.first_slot_of[e], 0) % _RING
    horizon = loop.horizons[e, place, render]
    if loop.horizons[e, place, 5] > _ZERO:
        horizon = horizon + (packet_age(times, e, packet, now) + way)
    return wp.clamp(horizon, _ZERO, _H_MAX)


@wp.func
def packet_is_late(times: Times, loop: Loop, e: wp.int32, packet: wp.int32):
    """Whether a packet's target is bound at the twin."""
    place = wp.max(packet - times.first_slot_of[e], 0) % _RING
    return loop.horizons[e, place, 5] > _ZERO


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
    turn = loop.horizons[e, place, 2 + render]
    gain = loop.horizons[e, place, 4]
    if loop.horizons[e, place, 5] > _ZERO:
        age = packet_age(times, e, packet, now) + way
        turn = turn + age + turn_extra
    pose = motion.seen[row]
    at = between_knots(motion, row, packet_horizon(times, loop, e, packet, render, now, way))
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
def part(pose: vec7):
    """Position of a pose."""
    return wp.vec3d(pose[0], pose[1], pose[2])


@wp.func
def turned(pose: vec7, turn: wp.vec3d):
    """Orientation (as a quatd, xyzw) of a pose after a rotation vector [rad] in the base frame."""
    angle = wp.length(turn)
    share = wp.float64(0.5)
    if angle >= _TINY_TURN:
        share = wp.sin(wp.float64(0.5) * angle) / angle
    by = wp.quatd(turn[0] * share, turn[1] * share, turn[2] * share, wp.cos(wp.float64(0.5) * angle))
    return wp.normalize(by * wp.quatd(pose[4], pose[5], pose[6], pose[3]))


@wp.func
def doubt_of(path: Path, e: wp.int32, i: wp.int32, share: wp.float64, dt: wp.float64, jump: wp.vec3d, v: wp.vec3d):
    """How large the jumps of the targets' steps are beside their motion, 0 ... 1."""
    square = wp.float64(0.5) * wp.dot(jump, jump) / dt
    motion = wp.dot(v, v)
    path.doubts[e, i] = path.doubts[e, i] + share * (square - path.doubts[e, i])
    path.doubts[e, i + 1] = path.doubts[e, i + 1] + share * (motion - path.doubts[e, i + 1])
    floor = wp.where(i == 0, _MOTION_FLOOR, _TURN_FLOOR)
    ratio = wp.sqrt(path.doubts[e, i] / (_SLOT_S * (path.doubts[e, i + 1] + floor)))
    return wp.clamp((ratio - _DOUBT_FROM) / _DOUBT_SPAN, _ZERO, _ONE)


@wp.func
def rate_of(path: Path, e: wp.int32, doubt: wp.float64):
    """One over the reference's time constant [1/s]."""
    return _ONE / ((_TIME + _HORIZON_SHARE * path.horizon[e]) * (_ONE + _DOUBT_TIME * doubt))


@wp.func
def lead_of(rate: wp.float64, share: wp.float64, doubt: wp.float64, dt: wp.float64):
    """What the entry's rate counts for in the reference's acceleration [1/s]."""
    lead = _TWO * _DAMPING * rate + rate * rate * dt * (_ONE - _TWO * share) / share
    return lead * (_ONE - _DOUBT_LAG * doubt)


@wp.func
def begin_reference(path: Path, e: wp.int32, pose: vec7, ahead: wp.float64):
    """Start at a target, at rest."""
    path.has_last[e] = 1
    path.last[e] = pose
    path.entry[e] = pose
    path.reference[e] = pose
    path.horizon[e] = ahead


@wp.func
def refer(path: Path, params: Params, e: wp.int32, pose: vec7, ahead: wp.float64, is_late: wp.bool, tick: wp.float64):
    """Go on with the reference by a tick [s] towards a target that was looked up ahead [s]; see twin.reference."""
    if params.feed_forward[e] == 0:
        path.reference[e] = pose
        return
    if path.has_last[e] == 0:
        begin_reference(path, e, pose, ahead)
        return
    dt = wp.min(tick, _STEP_MOST)
    average = dt / (_AVERAGING + dt)
    path.horizon[e] = path.horizon[e] + average * (ahead - path.horizon[e])
    last = path.last[e]
    entry = path.entry[e]
    here = path.reference[e]
    v = path.reference_v[e]
    w = path.reference_w[e]
    moved = part(pose) - part(last)
    swung = turn_between(last, pose)
    if path.has_last[e] == 1:  # the first step
        path.has_last[e] = 2
        path.step_v[e] = moved
        path.step_w[e] = swung
    doubt = doubt_of(path, e, 0, average, dt, moved - path.step_v[e], v)
    if not is_late:
        doubt = _ZERO
    rate = rate_of(path, e, doubt)
    share = _ONE - wp.exp(-dt * rate * _ENTRY)
    step = share * (part(pose) - part(entry))
    entered = part(entry) + step
    change = rate * rate * (entered - part(here)) + (lead_of(rate, share, doubt, dt) / dt) * step
    change = change - (_TWO * _DAMPING * rate) * v
    v = v + dt * change
    x = part(here) + dt * v
    doubt = doubt_of(path, e, 2, average, dt, swung - path.step_w[e], w)
    path.step_v[e] = moved
    path.step_w[e] = swung
    if not is_late:
        doubt = _ZERO
    rate = rate_of(path, e, doubt)
    share = _ONE - wp.exp(-dt * rate * _ENTRY)
    step = share * turn_between(entry, pose)
    p = turned(entry, step)
    path.entry[e] = vec7(entered[0], entered[1], entered[2], p[3], p[0], p[1], p[2])
    turning = rate * rate * turn_between(here, path.entry[e]) + (lead_of(rate, share, doubt, dt) / dt) * step
    turning = turning - (_TWO * _DAMPING * rate) * w
    w = w + dt * turning
    q = turned(here, dt * w)
    path.reference[e] = vec7(x[0], x[1], x[2], q[3], q[0], q[1], q[2])
    path.last[e] = pose
    path.reference_v[e] = v
    path.reference_w[e] = w
    path.velocity[e] = capped(v + _LEAD * change, _SPEED_MOST)
    path.turn[e] = capped(w + _TURN_LEAD * turning, _TURN_MOST)


@wp.func
def rest_target(path: Path, e: wp.int32):
    """Forget the motion: the next target starts a new one."""
    path.has_last[e] = 0
    for i in range(4):
        path.doubts[e, i] = _ZERO
    path.reference_v[e] = wp.vec3d()
    path.reference_w[e] = wp.vec3d()
    path.velocity[e] = wp.vec3d()
    path.turn[e] = wp.vec3d()
