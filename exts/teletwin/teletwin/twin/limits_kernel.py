"""The limiter's tick as one warp kernel, float64: one arm or thousands, CPU or CUDA; import it lazily.

How safety is kept. A state (q, v) is *safe* when the straight segment in joint space from q to
q + v T/2, with T = max_j |v_j| / a_j, lies inside the joint range and the workspace. Braking scales v by
1 - dt/T: every joint obeys its own acceleration limit, the arm stays on that segment, and the segment
of the state reached is part of it, for every dt. So braking from a safe state is always allowed, and a new
velocity is accepted only when the segment q ... q + v (dt + T/2), the tick's motion included, is safe.

The segment is sampled. Between samples the tool leaves its chord by at most h^2/8 of the second
derivative's bound, so the samples must keep four times that from the border, which also covers the first
interval of an arm that stands on it. Outside, every sample must be nearer than the one before: inward only.
"""

# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, ANN202, RUF046, SIM108, SIM114, UP018
# pyright: reportGeneralTypeIssues=false, reportArgumentType=false, reportOperatorIssue=false
# pyright: reportCallIssue=false, reportIndexIssue=false, reportAttributeAccessIssue=false, reportInvalidTypeForm=false

from typing import Any

import warp as wp  # noqa: TID253

ZERO = wp.constant(wp.float64(0.0))
HALF = wp.constant(wp.float64(0.5))
ONE = wp.constant(wp.float64(1.0))
TWO = wp.constant(wp.float64(2.0))
DT_MIN_S = wp.constant(wp.float64(1.0e-6))
SPEED_MIN = wp.constant(wp.float64(1.0e-12))
DT_MAX_S = wp.constant(wp.float64(0.02))
BORDER_SLACK_M = wp.constant(wp.float64(1.0e-9))
"""Kept from the workspace's border, so that rounding never crosses it."""
RANGE_SLACK = wp.constant(wp.float64(1.0e-12))
TARGET_SLACK_M = wp.constant(wp.float64(1.0e-4))
"""Targets outside are pulled this far inside, so that sliding along the border has room for its margins."""
SAMPLE_MARGIN_M = wp.constant(wp.float64(1.0e-4))
"""Samples are added, up to MAX_SAMPLES, until four times the chord error is below this."""
MAX_SAMPLES = wp.constant(8)
GRADIENT_MIN = wp.constant(wp.float64(1.0e-4))
"""Squared length below which a constraint cannot be moved by the joints [m^2/rad^2]."""
PULL_STEP_MAX = wp.constant(wp.float64(0.2))
"""Longest step of a target that is pulled back into the workspace [rad]."""

PULL_NEAR_M = wp.constant(wp.float64(0.02))
"""Targets further out than this first come nearer to the arm, so that they keep to its elbow's side."""
PULL_STEPS = wp.constant(12)
PULL_HOME_SHARE = wp.constant(wp.float64(0.25))
EDGE_SHARE = wp.constant(wp.float64(0.05))
"""A joint with less room than this share of its acceleration limit counts as braking fully."""
BEND_SHARE = wp.constant(wp.float64(1.2))
"""How much more than linear theory asks a candidate is turned, so that curvature does not refuse it again."""

FLAG_SPEED = wp.constant(1)
FLAG_ACCELERATION = wp.constant(2)
FLAG_RANGE = wp.constant(4)
FLAG_WORKSPACE = wp.constant(8)
FLAG_INPUT = wp.constant(16)
FLAG_HOLD = wp.constant(32)


@wp.struct
class LimiterModel:
    """The arm and its limits; joints in path order from the root to the tool where a path is meant."""

    path: wp.array(dtype=wp.int32)
    prismatic: wp.array(dtype=wp.int32)
    translation: wp.array(dtype=wp.vec3d)
    rotation: wp.array(dtype=wp.mat33d)
    axis: wp.array(dtype=wp.vec3d)
    reach: wp.array(dtype=wp.float64)
    tool: wp.vec3d
    lower: wp.array(dtype=wp.float64)
    upper: wp.array(dtype=wp.float64)
    speed: wp.array(dtype=wp.float64)
    acceleration: wp.array(dtype=wp.float64)
    center: wp.vec3d
    radius: wp.float64
    height: wp.float64


@wp.struct
class LimiterState:
    """What a tick reads and writes; arrays (batch, n) unless noted."""

    q: wp.array2d(dtype=wp.float64)
    v: wp.array2d(dtype=wp.float64)
    desired: wp.array2d(dtype=wp.float64)
    desired_v: wp.array2d(dtype=wp.float64)
    has_velocity: wp.array(dtype=wp.int32)
    hold: wp.array(dtype=wp.int32)
    dt: wp.array(dtype=wp.float64)
    speed_scale: wp.array(dtype=wp.float64)
    flags: wp.array(dtype=wp.int32)
    target: wp.array2d(dtype=wp.float64)
    target_before: wp.array2d(dtype=wp.float64)
    candidate: wp.array2d(dtype=wp.float64)
    trial: wp.array2d(dtype=wp.float64)
    gradient: wp.array2d(dtype=wp.float64)
    joint_origin: wp.array2d(dtype=wp.vec3d)
    joint_axis: wp.array2d(dtype=wp.vec3d)


@wp.func
def _rotated(axis: wp.vec3d, angle: wp.float64, point: wp.vec3d):
    c = wp.cos(angle)
    return point * c + wp.cross(axis, point) * wp.sin(angle) + axis * (wp.dot(axis, point) * (ONE - c))


@wp.func
def _tool(
    m: LimiterModel, e: int, q: wp.array2d(dtype=wp.float64), v: wp.array2d(dtype=wp.float64), ahead_s: wp.float64
):
    """Tool position at q + v ahead_s, from the tool towards the root."""
    p = m.tool
    count = m.path.shape[0]
    for i in range(count):
        k = count - 1 - i
        j = m.path[k]
        angle = q[e, j] + v[e, j] * ahead_s
        if m.prismatic[k] != 0:
            p = p + m.axis[k] * angle
        else:
            p = _rotated(m.axis[k], angle, p)
        p = m.translation[k] + m.rotation[k] * p
    return p


@wp.func
def _gradient(m: LimiterModel, s: LimiterState, e: int, q: wp.array2d(dtype=wp.float64), of_height: bool):
    """Write d(distance from the shoulder)/dq, or d(-height)/dq, at q; return its squared length."""
    rotation = wp.identity(n=3, dtype=wp.float64)
    origin = wp.vec3d()
    count = m.path.shape[0]
    for k in range(count):
        j = m.path[k]
        origin = origin + rotation * m.translation[k]
        rotation = rotation * m.rotation[k]
        axis = rotation * m.axis[k]
        s.joint_axis[e, k] = axis
        if m.prismatic[k] != 0:
            origin = origin + axis * q[e, j]
        else:
            rotation = rotation * wp.quat_to_matrix(wp.quat_from_axis_angle(m.axis[k], q[e, j]))
        s.joint_origin[e, k] = origin
    p = origin + rotation * m.tool
    outward = wp.vec3d(ZERO, ZERO, -ONE)
    if not of_height:
        outward = wp.normalize(p - m.center)
    for j in range(m.lower.shape[0]):
        s.gradient[e, j] = ZERO
    square = ZERO
    for k in range(count):
        slope = wp.dot(outward, s.joint_axis[e, k])
        if m.prismatic[k] == 0:
            slope = wp.dot(outward, wp.cross(s.joint_axis[e, k], p - s.joint_origin[e, k]))
        s.gradient[e, m.path[k]] = slope
        square = square + slope * slope
    return square


@wp.func
def _stop_time(m: LimiterModel, e: int, v: wp.array2d(dtype=wp.float64)):
    """Time T in which all joints brake to rest together [s]."""
    longest = ZERO
    for j in range(m.lower.shape[0]):
        longest = wp.max(longest, wp.abs(v[e, j]) / m.acceleration[j])
    return longest


@wp.func
def _inside_range(m: LimiterModel, e: int, q: wp.array2d(dtype=wp.float64), v: wp.array2d(dtype=wp.float64), span: Any):
    inside = bool(True)
    for j in range(m.lower.shape[0]):
        end = q[e, j] + v[e, j] * span
        highest = wp.max(m.upper[j] - RANGE_SLACK, q[e, j])
        lowest = wp.min(m.lower[j] + RANGE_SLACK, q[e, j])
        if not (end <= highest and end >= lowest):  # also when it is not a number
            inside = False
    return inside


@wp.func
def _excess(m: LimiterModel, s: LimiterState, e: int, v: wp.array2d(dtype=wp.float64), dt: wp.float64):
    """How far the segment of v leaves the workspace: (ball [m], when [s], table [m], when [s]); safe when <= 0."""
    span = dt + HALF * _stop_time(m, e, v)
    travel = ZERO
    turn = ZERO
    bend = ZERO
    for k in range(m.path.shape[0]):
        delta = wp.abs(v[e, m.path[k]]) * span
        travel = travel + m.reach[k] * delta
        bend = bend + m.reach[k] * delta * (delta + TWO * turn)
        turn = turn + delta
    here = _tool(m, e, s.q, v, ZERO)
    distance_before = wp.length(here - m.center)
    height_before = here[2]
    radius = m.radius - BORDER_SLACK_M
    height = m.height + BORDER_SLACK_M
    worst = wp.vec4d(-ONE, span, -ONE, span)
    if distance_before + travel > radius or height_before - travel < height:
        count = wp.clamp(int(wp.ceil(wp.sqrt(HALF * bend / SAMPLE_MARGIN_M))), 2, MAX_SAMPLES)
        margin = HALF * bend / wp.float64(count * count)
        for k in range(count):
            when = span * wp.float64(k + 1) / wp.float64(count)
            p = _tool(m, e, s.q, v, when)
            distance = wp.length(p - m.center)
            ball = distance + margin - wp.max(radius, distance_before)
            table = wp.min(height, height_before) - p[2] + margin
            if ball > worst[0]:
                worst[0] = ball
                worst[1] = when
            if table > worst[2]:
                worst[2] = table
                worst[3] = when
            distance_before = distance
            height_before = p[2]
    return worst


@wp.func
def _is_safe(m: LimiterModel, s: LimiterState, e: int, v: wp.array2d(dtype=wp.float64), dt: wp.float64):
    span = dt + HALF * _stop_time(m, e, v)
    safe = _inside_range(m, e, s.q, v, span)
    if safe:
        worst = _excess(m, s, e, v, dt)
        safe = worst[0] <= ZERO and worst[2] <= ZERO
    return safe


@wp.func
def _pull_along(m: LimiterModel, s: LimiterState, e: int, square: wp.float64, distance: wp.float64):
    """Move the target down the gradient by a distance [m] of the tool."""
    step = wp.min(distance / square, PULL_STEP_MAX / wp.sqrt(square))
    for j in range(m.lower.shape[0]):
        s.target[e, j] = wp.clamp(s.target[e, j] - step * s.gradient[e, j], m.lower[j], m.upper[j])


@wp.func
def _pull_home(m: LimiterModel, s: LimiterState, e: int):
    """Move the target a quarter of the way to the arm."""
    for j in range(m.lower.shape[0]):
        s.target[e, j] = s.target[e, j] + PULL_HOME_SHARE * (s.q[e, j] - s.target[e, j])


@wp.func
def _pull_target_inside(m: LimiterModel, s: LimiterState, e: int):
    """Newton steps from a target outside the workspace to its border; return whether it was outside."""
    outside = bool(False)
    for _i in range(PULL_STEPS):
        p = _tool(m, e, s.target, s.target, ZERO)
        ball = wp.length(p - m.center) - m.radius
        table = m.height - p[2]
        if ball > -BORDER_SLACK_M or table > -BORDER_SLACK_M:
            outside = True
        if outside and wp.max(ball, table) > -HALF * TARGET_SLACK_M:
            square = _gradient(m, s, e, s.target, table > ball)
            if square > GRADIENT_MIN and wp.max(ball, table) < PULL_NEAR_M:
                _pull_along(m, s, e, square, wp.max(ball, table) + TARGET_SLACK_M)
            else:
                _pull_home(m, s, e)
    return outside


@wp.func
def _closing_speed(error: wp.float64, a: wp.float64, dt: wp.float64):
    """Largest relative speed from which a stop at the target is still possible.

    Within a dt^2 the error is gone in this tick. Beyond, with c = a dt, the speed solves
    error = u dt + (u^2 - c^2) / (2 a), the square-root law of braking met at u = c.
    """
    c = a * dt
    size = wp.abs(error)
    u = size / dt
    if size > c * dt:
        u = -c + wp.sqrt(TWO * c * c + TWO * a * size)
    return wp.sign(error) * u


@wp.func
def _speed_towards(gap: wp.float64, a: wp.float64, dt: wp.float64):
    """Largest speed towards a wall such that tick and braking end before it."""
    c = a * dt
    return wp.where(gap > ZERO, -c + wp.sqrt(c * c + TWO * a * wp.max(gap, ZERO)), ZERO)


@wp.func
def _track(m: LimiterModel, s: LimiterState, e: int, pulled: bool, dt: wp.float64):
    """Write each joint's best velocity towards the target into candidate; return flags."""
    flags = int(0)
    for j in range(m.lower.shape[0]):
        a = m.acceleration[j]
        cap = m.speed[j] * s.speed_scale[e]
        target = s.target[e, j]
        target_v = (target - s.target_before[e, j]) / dt
        if s.has_velocity[e] != 0 and target == s.desired[e, j]:
            target_v = s.desired_v[e, j]
        if pulled:  # a pulled target follows the arm: its speed means nothing
            target_v = ZERO
        target_v = wp.clamp(target_v, -m.speed[j], m.speed[j])
        error = target - s.q[e, j] - target_v * dt
        wanted = target_v + _closing_speed(error, a, dt)
        u = wp.clamp(wanted, -cap, cap)
        if u != wanted:
            flags = flags | FLAG_SPEED
        up = _speed_towards(m.upper[j] - RANGE_SLACK - s.q[e, j], a, dt)
        down = _speed_towards(s.q[e, j] - m.lower[j] - RANGE_SLACK, a, dt)
        within = wp.clamp(u, -down, up)
        if within != u:
            flags = flags | FLAG_RANGE
        u = wp.clamp(within, s.v[e, j] - a * dt, s.v[e, j] + a * dt)
        u = wp.clamp(u, -m.speed[j], m.speed[j])
        if u != within or wp.abs(error) > a * dt * dt:
            flags = flags | FLAG_ACCELERATION
        s.candidate[e, j] = u
    return flags


@wp.func
def _braking_factor(m: LimiterModel, s: LimiterState, e: int, dt: wp.float64):
    """What is left of every joint's speed after a tick of full braking."""
    stop = _stop_time(m, e, s.v)
    return wp.where(stop > dt, ONE - dt / wp.max(stop, dt), ZERO)


@wp.func
def _mix(m: LimiterModel, s: LimiterState, e: int, share: wp.float64, braking: wp.float64):
    for j in range(m.lower.shape[0]):
        brake = s.v[e, j] * braking
        s.trial[e, j] = brake + share * (s.candidate[e, j] - brake)


@wp.func
def _bend_candidate(m: LimiterModel, s: LimiterState, e: int, worst: wp.vec4d, dt: wp.float64):
    """Turn the candidate along the border, and short of the joint range, within the acceleration limits."""
    for side in range(2):
        depth = worst[2 * side]
        if depth > ZERO:
            square = _gradient(m, s, e, s.q, side == 1)
            if square > GRADIENT_MIN:
                push = BEND_SHARE * depth / (square * worst[2 * side + 1])
                for j in range(m.lower.shape[0]):
                    s.candidate[e, j] = s.candidate[e, j] - push * s.gradient[e, j]
    span = dt + HALF * _stop_time(m, e, s.candidate)
    braking = _braking_factor(m, s, e, dt)
    fit = ONE
    for j in range(m.lower.shape[0]):
        up = wp.max(m.upper[j] - RANGE_SLACK - s.q[e, j], ZERO) / span
        down = wp.max(s.q[e, j] - m.lower[j] - RANGE_SLACK, ZERO) / span
        cap = m.speed[j] * s.speed_scale[e]
        u = wp.clamp(wp.clamp(s.candidate[e, j], -down, up), -cap, cap)
        change = m.acceleration[j] * dt
        brake = s.v[e, j] * braking
        # Room between braking and the acceleration limit, on the side where the candidate lies.
        room = wp.where(u > brake, s.v[e, j] + change - brake, brake - s.v[e, j] + change)
        if wp.abs(u - brake) > room:
            if room > EDGE_SHARE * change:
                fit = wp.min(fit, room / wp.abs(u - brake))
            else:  # a joint that brakes fully already does not hold the others back
                u = brake
        s.candidate[e, j] = u
    # One factor for all joints: cutting them singly would turn the motion into the border again.
    _mix(m, s, e, fit, braking)
    for j in range(m.lower.shape[0]):
        s.candidate[e, j] = s.trial[e, j]


@wp.func
def _choose_safe(m: LimiterModel, s: LimiterState, e: int, dt: wp.float64):
    """Write into trial a velocity that is safe: the candidate, the candidate bent, or a share of it with braking."""
    flags = int(0)
    accepted = bool(False)
    braking = _braking_factor(m, s, e, dt)
    for i in range(4):
        if not accepted:
            accepted = _is_safe(m, s, e, s.candidate, dt)
            if not accepted and i < 3:
                worst = _excess(m, s, e, s.candidate, dt)
                if worst[0] > ZERO or worst[2] > ZERO:
                    flags = flags | FLAG_WORKSPACE
                else:
                    flags = flags | FLAG_RANGE
                _bend_candidate(m, s, e, worst, dt)
    share = ONE
    if not accepted:
        share = ZERO
        step = HALF
        for _i in range(6):
            _mix(m, s, e, share + step, braking)
            if _is_safe(m, s, e, s.trial, dt):
                share = share + step
            step = step * HALF
    _mix(m, s, e, share, braking)
    if accepted:
        for j in range(m.lower.shape[0]):
            s.trial[e, j] = s.candidate[e, j]
    return flags


@wp.func
def _read_target(m: LimiterModel, s: LimiterState, e: int):
    """Copy the desired positions, clipped to the joint range; return flags, FLAG_INPUT when not finite."""
    flags = int(0)
    for j in range(m.lower.shape[0]):
        value = s.desired[e, j]
        if not wp.isfinite(value):
            flags = flags | FLAG_INPUT
        elif s.has_velocity[e] != 0 and not wp.isfinite(s.desired_v[e, j]):
            flags = flags | FLAG_INPUT
        else:
            s.target[e, j] = wp.clamp(value, m.lower[j], m.upper[j])
            if s.target[e, j] != value:
                flags = flags | FLAG_RANGE
    return flags


@wp.kernel(enable_backward=False)
def limit_tick(m: LimiterModel, s: LimiterState):
    """Advance every arm by one tick: choose a safe velocity near the desired motion, then integrate it."""
    e = wp.tid()
    dt = wp.min(s.dt[e], DT_MAX_S)
    if not (dt >= DT_MIN_S):  # also when it is not a number
        s.flags[e] = FLAG_INPUT
        return
    flags = int(0)
    if s.hold[e] != 0:
        flags = FLAG_HOLD
    else:
        flags = _read_target(m, s, e)
    if (flags & (FLAG_HOLD | FLAG_INPUT)) != 0:
        _mix(m, s, e, ZERO, _braking_factor(m, s, e, dt))
    else:
        pulled = _pull_target_inside(m, s, e)
        if pulled:
            flags = flags | FLAG_WORKSPACE
        flags = flags | _track(m, s, e, pulled, dt)
        flags = flags | _choose_safe(m, s, e, dt)
        for j in range(m.lower.shape[0]):
            s.target_before[e, j] = s.target[e, j]
    for j in range(m.lower.shape[0]):
        speed = s.trial[e, j]
        if wp.abs(speed) < SPEED_MIN:  # or it would halve for ever, down to numbers that are slow to compute with
            speed = ZERO
        s.v[e, j] = speed
        s.q[e, j] = s.q[e, j] + speed * dt
        if (flags & (FLAG_HOLD | FLAG_INPUT)) != 0:
            s.target_before[e, j] = s.q[e, j]
    s.flags[e] = flags
