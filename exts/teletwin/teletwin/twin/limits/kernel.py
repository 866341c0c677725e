"""The limits' tick as one warp kernel, float64: one arm or thousands, CPU or CUDA; loads warp.

Why no limit is ever broken. Beside its state every arm keeps a *stop plan* (`stop_plan`): a curve in joint space, in
time, that begins at the last command and ends at rest. A tick may do one of two things.

1. It gives a new command, but only after the whole way that would follow was verified: the tick itself and the stop
   behind it keep the range and the speed of every joint (`verify.keeps_joints`), the clearance of every check, which
   are body to body, body to table and obstacle, tool to workspace (`verify.keeps_clear`), and the speed of every body
   (`verify.fastest`); within the tick acceleration and jerk are bounded by construction. That stop becomes the plan.
2. Otherwise it goes on along the plan, which was verified when it was made.

So at every moment a verified way to rest lies ahead, and holding, stopping, silence and bad input follow it. A tick of
any length reads the plan at its own time. The plan's acceleration and jerk are bounded by construction, and so are
the differences of its samples, which are means. What was broken before the first tick (an arm that was put down
outside, limits that were tightened) may not get worse.

The speed of bodies is verified where a command ends. In the stop behind it speeds fall, but for the first ramp, in
which the posture may lengthen a lever a little: a margin of 2 % is kept for that.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import MODULE_OPTIONS, pose_function
from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import limits_types
from teletwin.twin.limits.slide import slide_functions
from teletwin.twin.limits.stop_plan import brake_of, plan_way
from teletwin.twin.limits.track import track_functions
from teletwin.twin.limits.verify import verify_functions

_ZERO, _HALF, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 1.0))
_DT_MIN_S = wp.constant(wp.float64(1.0e-6))
_DT_MAX_S = wp.constant(wp.float64(0.02))
_ROUNDING = wp.constant(wp.float64(1.0e-9))
_SPEED_WANTED = wp.constant(wp.float64(0.95))
"""Wanted body speeds stay below this share of their caps."""
_SPEED_ACCEPTED = wp.constant(wp.float64(0.98))
"""Commands stay below this share; in the first ramp of a stop the posture may lengthen a lever by 2 %."""
_UNKNOWN = wp.constant(wp.float64(-1.0e3))
"""A clearance that has to be looked at [m]."""
_OFF_RAD = wp.constant(wp.float64(1.0e-6))
"""A command that is further from the desired position was limited."""
_LOOK_TIME = wp.constant(wp.float64(0.12))
"""Bodies that could meet within this time are looked at; longer than the slide's and than a stop takes [s]."""
_SPEED_SPARE = wp.constant(wp.float64(0.1))
"""What a joint may be faster within this tick and the ramp behind it [rad/s]."""
FLAG_SPEED, FLAG_ACCELERATION, FLAG_RANGE = (wp.constant(bit) for bit in (1, 2, 4))
FLAG_CLEARANCE, FLAG_INPUT, FLAG_HOLD = (wp.constant(bit) for bit in (8, 16, 32))
_INPUT, _RANGE, _SPEED, _BODY_SPEED, _ACCELERATION, _CHECK = (wp.constant(n) for n in (1, 2, 3, 4, 5, 15))


@cache
def limit_kernel(count: int) -> Any:
    """The kernel for a chain of `count` joints; desired and command in c-space order, the rest in the chain's."""
    t = limits_types(count)
    rows, vecn, Limits, State, ChainData = t.rows, t.vecn, t.Limits, t.State, t.ChainData
    poses = pose_function(count, "float64")
    places, track, verify = clearance_functions(count), track_functions(count), verify_functions(count)
    place, clearance, slide = places.place, places.clearance, slide_functions(count).slide
    read_target, wanted_speeds = track.read_target, track.wanted_speeds
    shaped_speeds, joined_speeds = track.shaped_speeds, track.joined_speeds
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
    def ask_near(m: Limits, s: State, e: int, w: vecn):
        """Mark the checks that a motion at speeds w, or the stop from now, could come near; return how many.

        What s.clearance holds of the others is a bound that is far enough away.
        """
        asked = int(0)
        for k in range(m.check_kind.shape[0]):
            rate = _ZERO
            for i in range(count):
                rate = rate + m.check_reach[k, i] * (wp.max(wp.abs(w[i]), wp.abs(s.v[e, i])) + _SPEED_SPARE)
            s.is_needed[e, k] = 0
            if s.clearance[e, k] < rate * _LOOK_TIME:
                s.is_needed[e, k] = 1
                asked = asked + 1
        return asked

    @wp.func
    def look(m: Limits, s: State, e: int):
        """Write the clearance of every marked check at the capsules placed last."""
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                distance, _normal, _point, _other = clearance(m, s, e, k)
                s.clearance[e, k] = distance

    @wp.func
    def leave(m: Limits, s: State, e: int, u: vecn, dt: wp.float64):
        """Keep s.clearance a lower bound while the joints go on at speeds u."""
        for k in range(m.check_kind.shape[0]):
            rate = _ZERO
            for i in range(count):
                rate = rate + m.check_reach[k, i] * wp.abs(u[i])
            s.clearance[e, k] = s.clearance[e, k] - rate * dt

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
        why = int(0)
        if keeps_joints(m, s, e, end, v, a, flat) == 0:
            why = _RANGE
        if why == 0:
            after = vecn()
            middle = vecn()
            most = vecn()
            for i in range(count):
                b = brake_of(v[i], a[i], m.ramp_s, flat)
                after[i] = b * (flat + _HALF * m.ramp_s)
                middle[i] = v[i] + m.ramp_s * (_HALF * a[i] - (a[i] + b) * _HALF * _HALF * _HALF)
                most[i] = wp.max(wp.abs(u[i]), wp.max(wp.abs(v[i]), wp.max(wp.abs(after[i]), wp.abs(middle[i]))))
            ratio = _ZERO
            if may_be_fast(m, s, e, most):
                X, Y, Z, P = poses(chain, end)
                place(m, s, e, X, Y, Z, P)
                ratio = wp.max(fastest(m, s, e, chain, Z, P, u), fastest(m, s, e, chain, Z, P, v))
                ratio = wp.max(ratio, fastest(m, s, e, chain, Z, P, middle))
                ratio = wp.max(ratio, fastest(m, s, e, chain, Z, P, after))
                if ratio > wp.max(_SPEED_ACCEPTED, s.speed_ratio[e]):
                    why = _BODY_SPEED
        if why == 0:
            broken = keeps_clear(m, s, e, chain, q, u, v, a, dt, flat)
            if broken > 0:
                why = _CHECK + broken
        return why

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

    @wp.kernel(enable_backward=False, module="unique", module_options=MODULE_OPTIONS)
    def limit_tick(first: wp.int32, chain: ChainData, m: Limits, s: State):
        e = wp.tid() + first
        dt = wp.min(s.dt[e], _DT_MAX_S)
        s.reason[e] = 0
        s.flags[e] = 0
        if not (s.dt[e] >= _DT_MIN_S):  # also when it is not a number
            s.flags[e] = FLAG_INPUT
            s.reason[e] = _INPUT
            return
        before = s.dt_before[e]
        if before <= _ZERO:  # the first tick since a reset
            before = dt
        h = _HALF * (dt + before)
        flags = int(0)
        reason = int(0)
        q = vecn()
        for i in range(count):
            q[i] = s.q[e, i]
        planned = planned_speeds(m, s, e, dt)
        u = planned
        seen = int(0)
        if s.hold[e] != 0:
            flags = FLAG_HOLD
        else:
            seen = read_target(m, s, e, chain, h, dt)
            if (seen & 1) != 0:
                flags = FLAG_INPUT
                reason = _INPUT
        if flags == 0:
            if (seen & 2) != 0:
                flags = FLAG_RANGE
                reason = _RANGE
            within, free, capped = wanted_speeds(m, s, e, dt)
            now = vecn()
            for i in range(count):
                now[i] = s.v[e, i]
            X = rows()
            Y = rows()
            Z = rows()
            P = rows()
            near = ask_near(m, s, e, within)
            if near > 0 or may_be_fast(m, s, e, now) or may_be_fast(m, s, e, within / _SPEED_WANTED):
                X, Y, Z, P = poses(chain, q)
                place(m, s, e, X, Y, Z, P)
                look(m, s, e)
            if (capped & 1) != 0:
                flags = flags | FLAG_SPEED
                reason = _SPEED
            if (capped & 2) != 0:
                flags = flags | FLAG_RANGE
                reason = _RANGE
            wanted = within
            turned_by = int(0)
            if near > 0:
                wanted, turned_by = slide(m, s, e, chain, Z, P, within)
            if turned_by > 0:
                flags = flags | FLAG_CLEARANCE
                reason = _CHECK + turned_by
            s.speed_ratio[e] = _ZERO
            if may_be_fast(m, s, e, now):
                s.speed_ratio[e] = fastest(m, s, e, chain, Z, P, now)
            if may_be_fast(m, s, e, wanted / _SPEED_WANTED):
                ratio = fastest(m, s, e, chain, Z, P, wanted) / _SPEED_WANTED
                if ratio > _ONE:
                    wanted = wanted / ratio
                    flags = flags | FLAG_SPEED
                    reason = _BODY_SPEED
            candidate = vecn()
            if turned_by > 0:
                candidate = joined_speeds(m, s, e, wanted, planned, h)
            else:
                candidate = shaped_speeds(m, s, e, wanted, free, h)
            why = int(0)
            share = _ONE
            accepted = int(0)
            for _attempt in range(4):
                if accepted == 0:
                    u = planned + share * (candidate - planned)
                    why_now = refusal(m, s, e, chain, q, u, dt, h)
                    if why_now == 0:
                        accepted = int(1)
                    else:
                        if why == 0:
                            why = why_now
                        share = share * _HALF
            if why > 0:
                s.refused[e] = s.refused[e] + 1
                reason = why
                if why > _CHECK:
                    flags = flags | FLAG_CLEARANCE
                elif why == _RANGE:
                    flags = flags | FLAG_RANGE
                else:
                    flags = flags | FLAG_SPEED
            if accepted == 1:
                accept(m, s, e, u, dt, h)
            else:
                u = planned
            if flags == 0:
                for i in range(count):
                    if wp.abs(q[i] + u[i] * dt - s.target[e, i]) > _OFF_RAD:
                        flags = FLAG_ACCELERATION
                        reason = _ACCELERATION
        s.plan_at_s[e] = s.plan_at_s[e] + dt
        for i in range(count):
            s.a[e, i] = (u[i] - s.v[e, i]) / h
            s.v[e, i] = u[i]
            s.q[e, i] = q[i] + u[i] * dt
            s.command[e, chain.order[i]] = s.q[e, i]
            s.command_v[e, chain.order[i]] = u[i]
            if (flags & (FLAG_HOLD | FLAG_INPUT)) != 0:  # what follows starts from here
                s.target[e, i] = s.q[e, i]
                s.target_v[e, i] = u[i]
                s.target_a[e, i] = s.a[e, i]
                s.given_v[e, i] = u[i]
        leave(m, s, e, u, dt)
        s.dt_before[e] = dt
        s.flags[e] = flags
        s.reason[e] = reason

    return limit_tick


@cache
def reset_kernel(count: int) -> Any:
    """The kernel that puts the chosen arms to rest, or in motion, where they were measured; c-space order."""
    t = limits_types(count)
    Limits, State, ChainData, vecn = t.Limits, t.State, t.ChainData, t.vecn
    flat_of = verify_functions(count).flat_of

    @wp.kernel(enable_backward=False, module="unique", module_options=MODULE_OPTIONS)
    def reset(
        chosen: wp.array(dtype=wp.int32),
        chain: ChainData,
        q: wp.array2d(dtype=wp.float64),
        qd: wp.array2d(dtype=wp.float64),
        m: Limits,
        s: State,
    ):
        e = wp.tid()
        if chosen[e] == 0:
            return
        v = vecn()
        a = vecn()
        for i in range(count):
            j = chain.order[i]
            v[i] = wp.clamp(qd[e, j], -m.speed[i], m.speed[i])
            s.q[e, i] = q[e, j]
            s.v[e, i] = v[i]
            s.command[e, j] = q[e, j]
            s.command_v[e, j] = v[i]
            s.a[e, i] = _ZERO
            s.target[e, i] = q[e, j]
            s.target_v[e, i] = v[i]
            s.target_a[e, i] = _ZERO
            s.given_v[e, i] = v[i]
            s.plan_q[e, i] = q[e, j]
            s.plan_v[e, i] = v[i]
            s.plan_a[e, i] = _ZERO
        s.plan_flat_s[e] = flat_of(m, v, a)
        s.plan_at_s[e] = _ZERO
        s.dt_before[e] = _ZERO
        s.speed_ratio[e] = _ZERO
        s.reason[e] = 0
        s.flags[e] = 0
        for k in range(m.check_kind.shape[0]):
            s.clearance[e, k] = _UNKNOWN

    return reset
