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
# ruff: noqa: ANN201, ANN202, RUF046, SIM109, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import own_module, pose_function
from teletwin.twin.limits.choose import choose_functions
from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.look import look_functions
from teletwin.twin.limits.model import ACCELERATION, BODY_SPEED, CHECK, INPUT, RANGE, SPEED, limits_types
from teletwin.twin.limits.slide import slide_functions
from teletwin.twin.limits.track import track_functions
from teletwin.twin.limits.verify import verify_functions

_ZERO, _HALF, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 1.0))
_DT_MIN_S = wp.constant(wp.float64(1.0e-6))
_DT_MAX_S = wp.constant(wp.float64(0.02))
_SPEED_WANTED = wp.constant(wp.float64(0.95))
"""Wanted body speeds stay below this share of their caps."""
_UNKNOWN = wp.constant(wp.float64(-1.0e3))
"""A clearance that has to be looked at [m]."""
_OFF_RAD = wp.constant(wp.float64(1.0e-4))
"""A command that is further from the desired position was limited."""
_INPUT, _RANGE, _SPEED = (wp.constant(reason) for reason in (INPUT, RANGE, SPEED))
_BODY_SPEED, _ACCELERATION, _CHECK = (wp.constant(reason) for reason in (BODY_SPEED, ACCELERATION, CHECK))
_FLAG_SPEED, _FLAG_ACCELERATION, _FLAG_RANGE = (wp.constant(bit) for bit in (1, 2, 4))
_FLAG_CLEARANCE, _FLAG_INPUT, _FLAG_HOLD = (wp.constant(bit) for bit in (8, 16, 32))


@wp.func
def flag_of(reason: int):
    """The bit of LimitFlag that says it roughly."""
    flag = int(0)
    if reason > _CHECK:
        flag = _FLAG_CLEARANCE
    elif reason == _SPEED or reason == _BODY_SPEED:
        flag = _FLAG_SPEED
    elif reason == _RANGE:
        flag = _FLAG_RANGE
    elif reason == _ACCELERATION:
        flag = _FLAG_ACCELERATION
    elif reason == _INPUT:
        flag = _FLAG_INPUT
    return flag


@cache
def follow_function(count: int) -> Any:
    """A warp function: speeds (n,) of a tick towards the target of the state, and what holds the arm back."""
    t = limits_types(count)
    rows, vecn, Limits, State, ChainData = t.rows, t.vecn, t.Limits, t.State, t.ChainData
    poses, place, slide = (
        pose_function(count, "float64"),
        clearance_functions(count).place,
        slide_functions(count).slide,
    )
    track, looks, verify = track_functions(count), look_functions(count), verify_functions(count)
    wanted_speeds, shaped_speeds, joined_speeds = track.wanted_speeds, track.shaped_speeds, track.joined_speeds
    ask_near, look, fastest, may_be_fast = looks.ask_near, looks.look, verify.fastest, verify.may_be_fast
    choose = choose_functions(count).choose

    @wp.func
    def follow(m: Limits, s: State, e: int, chain: ChainData, q: vecn, planned: vecn, dt: wp.float64, h: wp.float64):
        within, free, reason = wanted_speeds(m, s, e, dt)
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
        wanted = within
        turned_by = int(0)
        if near > 0:
            wanted, turned_by = slide(m, s, e, chain, Z, P, within)
        if turned_by > 0:
            reason = _CHECK + turned_by
        s.speed_ratio[e] = _ZERO
        if may_be_fast(m, s, e, now):
            s.speed_ratio[e] = fastest(m, s, e, chain, Z, P, now)
        if may_be_fast(m, s, e, wanted / _SPEED_WANTED):
            ratio = fastest(m, s, e, chain, Z, P, wanted) / _SPEED_WANTED
            if ratio > _ONE:
                wanted = wanted / ratio
                if turned_by == 0:  # a border that turns the motion decides where it goes, and is told
                    reason = _BODY_SPEED
        candidate = vecn()
        if turned_by > 0:
            candidate = joined_speeds(m, s, e, wanted, planned, h)
        else:
            candidate = shaped_speeds(m, s, e, wanted, free, h)
        u, why = choose(m, s, e, chain, q, planned, candidate, dt, h)
        if why > 0:
            s.refused[e] = s.refused[e] + 1
            reason = why
        if reason == 0:
            for i in range(count):
                if wp.abs(q[i] + u[i] * dt - s.target[e, i]) > _OFF_RAD:
                    reason = _ACCELERATION
        return u, reason

    return follow


@cache
def limit_kernel(count: int) -> Any:
    """The kernel for a chain of `count` joints; desired and command in c-space order, the rest in the chain's."""
    t = limits_types(count)
    vecn, Limits, State, ChainData = t.vecn, t.Limits, t.State, t.ChainData
    read_target, leave = track_functions(count).read_target, look_functions(count).leave
    planned_speeds, follow = choose_functions(count).planned_speeds, follow_function(count)

    @wp.kernel(enable_backward=False, module=own_module(f"limits_{count}"))
    def limit_tick(first: wp.int32, chain: ChainData, m: Limits, s: State):
        e = wp.tid() + first
        dt = wp.min(s.dt[e], _DT_MAX_S)
        if not (s.dt[e] >= _DT_MIN_S):  # also when it is not a number
            s.flags[e] = _FLAG_INPUT
            s.reason[e] = _INPUT
            return
        before = s.dt_before[e]
        if before <= _ZERO:  # the first tick since a reset
            before = dt
        h = _HALF * (dt + before)
        q = vecn()
        for i in range(count):
            q[i] = s.q[e, i]
        u = planned_speeds(m, s, e, dt)
        reason = int(0)
        rests = s.hold[e]
        if rests == 0:
            reason = read_target(m, s, e, chain, h, dt)
            if reason == _INPUT:
                rests = int(1)
            else:
                u, found = follow(m, s, e, chain, q, u, dt, h)
                if found > 0:
                    reason = found
        s.plan_at_s[e] = s.plan_at_s[e] + dt
        for i in range(count):
            s.a[e, i] = (u[i] - s.v[e, i]) / h
            s.v[e, i] = u[i]
            s.q[e, i] = q[i] + u[i] * dt
            s.command[e, chain.order[i]] = s.q[e, i]
            s.command_v[e, chain.order[i]] = u[i]
            if rests != 0:  # what follows starts from here
                s.target[e, i] = s.q[e, i]
                s.target_v[e, i] = u[i]
                s.target_a[e, i] = s.a[e, i]
                s.given_v[e, i] = u[i]
        leave(m, s, e, u, dt)
        s.dt_before[e] = dt
        s.reason[e] = reason
        s.flags[e] = flag_of(reason)
        if s.hold[e] != 0:
            s.flags[e] = _FLAG_HOLD

    return limit_tick


@cache
def reset_kernel(count: int) -> Any:
    """The kernel that puts the chosen arms to rest, or in motion, where they were measured; c-space order."""
    t = limits_types(count)
    Limits, State, ChainData, vecn = t.Limits, t.State, t.ChainData, t.vecn
    flat_of = verify_functions(count).flat_of

    @wp.kernel(enable_backward=False, module=own_module(f"limits_reset_{count}"))
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
        if wp.dot(v, v) == _ZERO:
            s.plan_at_s[e] = _ONE  # at its end
        s.dt_before[e] = _ZERO
        s.speed_ratio[e] = _ZERO
        s.reason[e] = 0
        s.flags[e] = 0
        for k in range(m.check_kind.shape[0]):
            s.clearance[e, k] = _UNKNOWN

    return reset
