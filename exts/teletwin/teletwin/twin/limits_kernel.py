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

from teletwin.twin.limits_model import (
    BEND_SHARE,
    BORDER_SLACK_M,
    DT_MAX_S,
    DT_MIN_S,
    EDGE_SHARE,
    FLAG_ACCELERATION,
    FLAG_HOLD,
    FLAG_INPUT,
    FLAG_RANGE,
    FLAG_SPEED,
    FLAG_WORKSPACE,
    GRADIENT_MIN,
    HALF,
    MAX_SAMPLES,
    ONE,
    RANGE_SLACK,
    SAMPLE_MARGIN_M,
    SPEED_MIN,
    TWO,
    ZERO,
    LimiterModel,
    LimiterState,
    border_gradient,
    stop_time,
    tool_position,
)
from teletwin.twin.limits_target import pull_target_inside

wp.set_module_options({"max_unroll": 0})  # unrolled loops take four times as long to compile, and are no faster


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
    span = dt + HALF * stop_time(m, e, v)
    travel = ZERO
    turn = ZERO
    bend = ZERO
    for k in range(m.path.shape[0]):
        delta = wp.abs(v[e, m.path[k]]) * span
        travel = travel + m.reach[k] * delta
        bend = bend + m.reach[k] * delta * (delta + TWO * turn)
        turn = turn + delta
    here = tool_position(m, e, s.q, v, ZERO)
    distance_before = wp.length(here - m.center)
    height_before = here[2]
    radius = m.border[0] - BORDER_SLACK_M
    height = m.border[1] + BORDER_SLACK_M
    worst = wp.vec4d(-ONE, span, -ONE, span)
    if distance_before + travel > radius or height_before - travel < height:
        count = wp.clamp(int(wp.ceil(wp.sqrt(HALF * bend / SAMPLE_MARGIN_M))), 2, MAX_SAMPLES)
        margin = HALF * bend / wp.float64(count * count)
        for k in range(count):
            when = span * wp.float64(k + 1) / wp.float64(count)
            p = tool_position(m, e, s.q, v, when)
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
    span = dt + HALF * stop_time(m, e, v)
    safe = _inside_range(m, e, s.q, v, span)
    if safe:
        worst = _excess(m, s, e, v, dt)
        safe = worst[0] <= ZERO and worst[2] <= ZERO
    return safe


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
def _track(m: LimiterModel, s: LimiterState, e: int, dt: wp.float64):
    """Write each joint's best velocity towards the target into candidate; return flags."""
    flags = int(0)
    for j in range(m.lower.shape[0]):
        a = m.acceleration[j]
        cap = wp.min(m.speed[j] * s.speed_scale[e], s.speed_cap[e])
        target = s.target[e, j]
        target_v = (target - s.target_before[e, j]) / dt
        if s.has_velocity[e] != 0 and target == s.desired[e, j]:
            target_v = s.desired_v[e, j]
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
    stop = stop_time(m, e, s.v)
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
            square = border_gradient(m, s, e, s.q, side == 1)
            if square > GRADIENT_MIN:
                push = BEND_SHARE * depth / (square * worst[2 * side + 1])
                for j in range(m.lower.shape[0]):
                    s.candidate[e, j] = s.candidate[e, j] - push * s.gradient[e, j]
    span = dt + HALF * stop_time(m, e, s.candidate)
    braking = _braking_factor(m, s, e, dt)
    fit = ONE
    for j in range(m.lower.shape[0]):
        up = wp.max(m.upper[j] - RANGE_SLACK - s.q[e, j], ZERO) / span
        down = wp.max(s.q[e, j] - m.lower[j] - RANGE_SLACK, ZERO) / span
        cap = wp.min(m.speed[j] * s.speed_scale[e], s.speed_cap[e])
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
    if not (s.dt[e] >= DT_MIN_S):  # also when it is not a number
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
        if pull_target_inside(m, s, e):
            flags = flags | FLAG_WORKSPACE
        flags = flags | _track(m, s, e, dt)
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
