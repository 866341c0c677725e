"""The way of every joint to the desired motion: a cascade of soft square-root laws with feed-forward; loads warp.

Motion that keeps speed, acceleration and jerk passes unchanged: then both errors are zero and the feed-forward
is the motion itself. After a jump the position error asks for a speed, the speed's error for an acceleration, each by
the square-root law of braking that becomes linear near its end, so that nothing overshoots.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.twin.limits.model import INPUT, RANGE, SPEED, limits_types

_ZERO, _HALF, _ONE, _TWO = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 1.0, 2.0))
_INPUT, _RANGE, _SPEED = (wp.constant(reason) for reason in (INPUT, RANGE, SPEED))
_POSITION_GAIN = wp.constant(wp.float64(48.0))
"""[1/s]."""
_SPEED_GAIN = wp.constant(wp.float64(200.0))
"""[1/s]; more than four times the position's, so that the cascade does not overshoot."""
_STEP_SHARE = wp.constant(wp.float64(0.5))
"""No error is taken away faster than by this share a tick, however long the tick."""
_POSITION_STEP_SHARE = wp.constant(wp.float64(0.12))
"""The same of the position's error, four times less, so that the cascade does not ring in long ticks either."""
_ACCELERATION_SHARE = wp.constant(wp.float64(0.6))
"""Share of the acceleration that closing in on a position counts on; the rest covers the ramps of the jerk limit."""
_JERK_SHARE = wp.constant(wp.float64(0.8))
_END_GAIN, _END_SHARE = wp.constant(wp.float64(12.5)), wp.constant(wp.float64(0.5))
"""How a joint closes in on the end of its range: [1/s], and the share of its acceleration that it counts on."""
_ROUNDING = wp.constant(wp.float64(1.0e-9))


@wp.func
def closing(error: wp.float64, gain: wp.float64, most: wp.float64):
    """Rate at which an error is taken away: gain * error near zero, else what braking by `most` still ends in time."""
    linear = most / (gain * gain)
    size = wp.abs(error)
    rate = gain * size
    if size > linear:
        rate = wp.sqrt(_TWO * most * (size - _HALF * linear))
    return wp.sign(error) * rate


@cache
def track_functions(count: int) -> SimpleNamespace:
    """Functions `read_target`, `wanted_speeds`, `shaped_speeds` and `joined_speeds`."""
    t = limits_types(count)
    vecn, Limits, State, ChainData = t.vecn, t.Limits, t.State, t.ChainData

    @wp.func
    def read_target(m: Limits, s: State, e: int, chain: ChainData, h: wp.float64, dt: wp.float64):
        """Take the desired motion of this tick: position clipped to the range, mean speed, slew-limited acceleration.

        Returns what was wrong, a reason: INPUT when something is not finite, RANGE when a position was clipped.
        """
        seen = int(0)
        for i in range(count):
            value = s.desired[e, chain.order[i]]
            if not wp.isfinite(value) or (s.has_velocity[e] != 0 and not wp.isfinite(s.desired_v[e, chain.order[i]])):
                seen = _INPUT
        if seen == 0:
            for i in range(count):
                j = chain.order[i]
                value = s.desired[e, j]
                target = wp.clamp(value, m.lower[i], m.upper[i])
                if target != value:
                    seen = _RANGE
                v = (target - s.target[e, i]) / dt
                if s.has_velocity[e] != 0:
                    given = wp.clamp(s.desired_v[e, j], -m.speed[i], m.speed[i])
                    mean = _HALF * (given + s.given_v[e, i])
                    s.given_v[e, i] = given
                    if wp.abs(v - mean) > m.jerk[i] * h * h:
                        v = mean
                elif wp.abs(v) > m.speed[i]:
                    v = _ZERO  # a jump, no motion
                v = wp.clamp(v, -m.speed[i], m.speed[i])
                slew = m.jerk[i] * h * (_ONE + _ROUNDING)
                a = (v - s.target_v[e, i]) / h
                a = wp.clamp(a, s.target_a[e, i] - slew, s.target_a[e, i] + slew)
                s.target[e, i] = target
                s.target_v[e, i] = v
                s.target_a[e, i] = wp.clamp(a, -m.acceleration[i], m.acceleration[i])
        return seen

    @wp.func
    def wanted_speeds(m: Limits, s: State, e: int, dt: wp.float64):
        """Mean speeds (n,) [rad/s] to the desired motion, within range and speed, and free of them; and a reason."""
        w = vecn()
        free = vecn()
        gain = wp.min(_POSITION_GAIN, _POSITION_STEP_SHARE / dt)
        reason = int(0)
        for i in range(count):
            q = s.q[e, i]
            error = s.target[e, i] - q - s.target_v[e, i] * dt
            wanted = s.target_v[e, i] + closing(error, gain, _ACCELERATION_SHARE * m.acceleration[i])
            free[i] = wanted
            cap = wp.min(m.speed[i], s.joint_speed_cap[e])
            u = wp.clamp(wanted, -cap, cap)
            if u != wanted:
                reason = _SPEED
            braking = _END_SHARE * m.acceleration[i]
            up = closing(wp.max(m.upper[i] - q, _ZERO), _END_GAIN, braking)
            down = closing(wp.max(q - m.lower[i], _ZERO), _END_GAIN, braking)
            wanted = wp.clamp(u, -down, up)
            if wanted != u:
                reason = _RANGE
            w[i] = wanted
        return w, free, reason

    @wp.func
    def shaped_speeds(m: Limits, s: State, e: int, wanted: vecn, free: vecn, h: wp.float64):
        """Mean speed (n,) [rad/s] nearest to the wanted one that acceleration and jerk permit, joint by joint.

        free is what was wanted before caps were looked at: where they had no say, the desired motion's
        acceleration is fed forward.
        """
        u = vecn()
        gain = wp.min(_SPEED_GAIN, _STEP_SHARE / h)
        for i in range(count):
            most = m.acceleration[i]
            fed = _ZERO
            if wp.abs(wanted[i] - free[i]) <= _ROUNDING:
                fed = s.target_a[e, i]
            error = wanted[i] - s.v[e, i] - fed * h
            a = fed + closing(error, gain, _JERK_SHARE * m.jerk[i])
            a = wp.clamp(a, -most, most)
            slew = m.jerk[i] * h
            a = wp.clamp(a, s.a[e, i] - slew, s.a[e, i] + slew)
            u[i] = s.v[e, i] + wp.clamp(a, -most, most) * h
        return u

    @wp.func
    def joined_speeds(m: Limits, s: State, e: int, wanted: vecn, planned: vecn, h: wp.float64):
        """The same with one factor for all joints, so that what was turned along a border stays along it.

        planned are the speeds of the stored stop, from which every change is measured.
        """
        size = _ROUNDING
        jerk = m.jerk[0]
        for i in range(count):
            size = wp.max(size, wp.abs(wanted[i] - s.v[e, i]))
            jerk = wp.min(jerk, m.jerk[i])
        rate = closing(size, wp.min(_SPEED_GAIN, _STEP_SHARE / h), _JERK_SHARE * jerk) / size
        fit = _ONE
        u = vecn()
        for i in range(count):
            u[i] = s.v[e, i] + rate * (wanted[i] - s.v[e, i]) * h
            slew = m.jerk[i] * h
            high = s.v[e, i] + wp.min(s.a[e, i] + slew, m.acceleration[i]) * h
            low = s.v[e, i] + wp.max(s.a[e, i] - slew, -m.acceleration[i]) * h
            change = u[i] - planned[i]
            if u[i] > high:
                fit = wp.min(fit, wp.max(high - planned[i], _ZERO) / change)
            elif u[i] < low:
                fit = wp.min(fit, wp.max(planned[i] - low, _ZERO) / (planned[i] - u[i]))
        return planned + fit * (u - planned)

    return SimpleNamespace(
        read_target=read_target, wanted_speeds=wanted_speeds, shaped_speeds=shaped_speeds, joined_speeds=joined_speeds
    )
