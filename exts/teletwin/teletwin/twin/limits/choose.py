"""The choice of a tick's speeds: the candidate, a share of it, or the stored stop, which is verified; loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import pose_function
from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import BODY_SPEED, CHECK, RANGE, limits_types
from teletwin.twin.limits.stop_plan import brake_of, plan_way
from teletwin.twin.limits.verify import verify_functions

_ZERO, _HALF, _EIGHTH, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 0.125, 1.0))
_RANGE, _BODY_SPEED, _CHECK = (wp.constant(reason) for reason in (RANGE, BODY_SPEED, CHECK))
_ATTEMPTS = wp.constant(4)
_SPEED_ACCEPTED = wp.constant(wp.float64(0.98))
"""Commands stay below this share of the caps of bodies; in a stop's first ramp the posture may lengthen a lever."""


@cache
def choose_functions(count: int) -> SimpleNamespace:
    """Functions `planned_speeds` and `choose`."""
    t = limits_types(count)
    vecn, Limits, State, ChainData = t.vecn, t.Limits, t.State, t.ChainData
    poses, place, verify = pose_function(count, "float64"), clearance_functions(count).place, verify_functions(count)
    flat_of, keeps_joints, keeps_clear = verify.flat_of, verify.keeps_joints, verify.keeps_clear
    fastest, may_be_fast = verify.fastest, verify.may_be_fast

    @wp.func
    def plan_at(m: Limits, s: State, e: int, i: int, at: wp.float64):
        """Position of joint i on the stored plan."""
        return s.plan_q[e, i] + plan_way(s.plan_v[e, i], s.plan_a[e, i], m.ramp_s, s.plan_flat_s[e], at)

    @wp.func
    def planned_speeds(m: Limits, s: State, e: int, dt: wp.float64):
        """Mean speeds (n,) of a tick along the stored plan; exactly zero at its end."""
        u = vecn()
        end = m.ramp_s + s.plan_flat_s[e] + m.ramp_s
        if s.plan_at_s[e] < end:
            for i in range(count):
                u[i] = (plan_at(m, s, e, i, s.plan_at_s[e] + dt) - s.q[e, i]) / dt
        return u

    @wp.func
    def keeps_speed(
        m: Limits, s: State, e: int, chain: ChainData, end: vecn, u: vecn, v: vecn, a: vecn, flat: wp.float64
    ):
        """Whether no body is faster than its cap at the tick's end and in the first ramp of the stop."""
        after = vecn()
        middle = vecn()
        most = vecn()
        for i in range(count):
            b = brake_of(v[i], a[i], m.ramp_s, flat)
            after[i] = b * (flat + _HALF * m.ramp_s)
            middle[i] = v[i] + m.ramp_s * (_HALF * a[i] - _EIGHTH * (a[i] + b))
            most[i] = wp.max(wp.abs(u[i]), wp.max(wp.abs(v[i]), wp.max(wp.abs(after[i]), wp.abs(middle[i]))))
        kept = int(1)
        if may_be_fast(m, s, e, most):
            X, Y, Z, P = poses(chain, end)
            place(m, s, e, X, Y, Z, P)
            ratio = wp.max(fastest(m, s, e, chain, Z, P, u), fastest(m, s, e, chain, Z, P, v))
            ratio = wp.max(ratio, fastest(m, s, e, chain, Z, P, middle))
            ratio = wp.max(ratio, fastest(m, s, e, chain, Z, P, after))
            if ratio > wp.max(_SPEED_ACCEPTED, s.speed_ratio[e]):
                kept = int(0)
        return kept

    @wp.func
    def refusal(m: Limits, s: State, e: int, chain: ChainData, q: vecn, u: vecn, dt: wp.float64, h: wp.float64):
        """Why speeds u of this tick are refused, a reason; 0 when the tick and its stop keep every limit."""
        v = vecn()
        a = vecn()
        end = vecn()
        for i in range(count):
            a[i] = (u[i] - s.v[e, i]) / h
            v[i] = u[i] + _HALF * a[i] * dt
            end[i] = q[i] + u[i] * dt
        flat = flat_of(m, v, a)
        if keeps_joints(m, s, e, end, v, a, flat) == 0:
            return _RANGE
        if keeps_speed(m, s, e, chain, end, u, v, a, flat) == 0:
            return _BODY_SPEED
        broken = keeps_clear(m, s, e, chain, q, u, v, a, dt, flat)
        return wp.where(broken > 0, _CHECK + broken, 0)

    @wp.func
    def accept(m: Limits, s: State, e: int, u: vecn, dt: wp.float64, h: wp.float64):
        """Make the stop from the tick's end the stored plan."""
        v = vecn()
        a = vecn()
        for i in range(count):
            a[i] = (u[i] - s.v[e, i]) / h
            v[i] = u[i] + _HALF * a[i] * dt
            s.plan_q[e, i] = s.q[e, i] + u[i] * dt
            s.plan_v[e, i] = v[i]
            s.plan_a[e, i] = a[i]
        s.plan_flat_s[e] = flat_of(m, v, a)
        s.plan_at_s[e] = -dt

    @wp.func
    def choose(
        m: Limits,
        s: State,
        e: int,
        chain: ChainData,
        q: vecn,
        planned: vecn,
        candidate: vecn,
        dt: wp.float64,
        h: wp.float64,
    ):
        """Speeds (n,) of this tick, and why the candidate was refused, 0 when it was not."""
        why = int(0)
        accepted = int(0)
        share = wp.float64(1.0)
        u = planned
        for _attempt in range(_ATTEMPTS):
            if accepted == 0:
                tried = planned + share * (candidate - planned)
                found = refusal(m, s, e, chain, q, tried, dt, h)
                if found == 0:
                    accepted = int(1)
                    u = tried
                elif why == 0:
                    why = found
                share = share * _HALF
        if accepted == 1:
            accept(m, s, e, u, dt, h)
        return u, why

    return SimpleNamespace(planned_speeds=planned_speeds, choose=choose)
