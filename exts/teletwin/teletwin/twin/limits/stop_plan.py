"""The stop that every accepted command carries with it, as warp functions; loads warp.

From position q, speed v and acceleration a of all joints the acceleration goes linearly to -b within the ramp
R = 2 a_max / jerk_max, stays there for a flat time S, and goes to 0 within R. With b = (v + a R/2) / (R + S) every
joint stands at the end, at the same moment. S >= 0 is the least for which no b exceeds its joint's limit; the jerk is
at most (a_max + a_max) / R. After the first ramp the way is a straight line in joint space, along b.
"""

# Warp reads these functions as its own language: types are inferred.
# ruff: noqa: ANN201
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

import warp as wp  # noqa: TID253

_ZERO, _HALF = (wp.constant(wp.float64(value)) for value in (0.0, 0.5))
_SIXTH = wp.constant(wp.float64(1.0 / 6.0))


@wp.func
def brake_of(v: wp.float64, a: wp.float64, ramp: wp.float64, flat: wp.float64):
    """Deceleration b [rad/s^2] of one joint."""
    return (v + _HALF * a * ramp) / (ramp + flat)


@wp.func
def flat_time(v: wp.float64, a: wp.float64, most: wp.float64, ramp: wp.float64):
    """Least flat time [s] with which one joint stays within its acceleration limit."""
    return wp.max(wp.abs(v + _HALF * a * ramp) / most - ramp, _ZERO)


@wp.func
def plan_way(v: wp.float64, a: wp.float64, ramp: wp.float64, flat: wp.float64, at: wp.float64):
    """Displacement [rad] of one joint since the plan's start, `at` [s] after it."""
    b = brake_of(v, a, ramp, flat)
    t = wp.min(at, ramp)
    way = t * (v + t * (_HALF * a - _SIXTH * (a + b) * t / ramp))
    t = wp.clamp(at - ramp, _ZERO, flat)
    way = way + b * t * (flat + _HALF * ramp - _HALF * t)
    t = wp.clamp(at - ramp - flat, _ZERO, ramp)
    return way + b * t * (_HALF * ramp - t * (_HALF - _SIXTH * t / ramp))


@wp.func
def straight_way(ramp: wp.float64, flat: wp.float64):
    """How far a joint with b = 1 goes after the first ramp [s^2]."""
    return _HALF * flat * (flat + ramp) + _SIXTH * ramp * ramp


@wp.func
def ramp_peak(v: wp.float64, a: wp.float64, b: wp.float64, ramp: wp.float64):
    """Speed [rad/s] at which a joint turns within the first ramp; v where it does not."""
    peak = v
    if a * b > _ZERO:
        peak = v + _HALF * a * a * ramp / (a + b)
    return peak
