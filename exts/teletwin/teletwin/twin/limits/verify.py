"""Whether a command and the whole stop from it keep every limit, as warp functions; loads warp.

A check's clearance changes by no more than sum_i reach_i |dq_i|, where reach bounds the distance of the capsules'
axes from joint i in any posture. So between two samples of a path whose joints go |dq| in all it is at least
(before + after - reach |dq|) / 2, and at least before - reach |dq|.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, SIM114, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import pose_function
from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import limits_types
from teletwin.twin.limits.stop_plan import brake_of, flat_time, plan_way, ramp_peak, straight_way

_ZERO, _HALF, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 1.0))
_SAMPLES = wp.constant(32)
"""A path that needs more samples than this is refused."""
_STEPS = wp.constant(wp.float64(24.0))
"""Samples come no closer than the whole path's bound of motion divided by this."""
_SLACK = wp.constant(wp.float64(1.0e-9))


@cache
def verify_functions(count: int) -> SimpleNamespace:
    """Functions `stop_of`, `keeps_range`, `keeps_clear`, `fastest`."""
    t = limits_types(count)
    vec3, vecn, rows, Limits, State, ChainData = t.vec3, t.vecn, t.rows, t.Limits, t.State, t.ChainData
    poses = pose_function(count, "float64")
    places = clearance_functions(count)
    place, clearance = places.place, places.clearance

    @wp.func
    def flat_of(m: Limits, v: vecn, a: vecn):
        """Flat time [s] of the stop from speeds v and accelerations a."""
        flat = _ZERO
        for i in range(count):
            flat = wp.max(flat, flat_time(v[i], a[i], m.acceleration[i], m.ramp_s))
        return flat

    @wp.func
    def keeps_joints(m: Limits, s: State, e: int, q: vecn, v: vecn, a: vecn, flat: wp.float64):
        """Whether the stop from q, v, a stays within every joint's range and speed."""
        kept = int(1)
        for i in range(count):
            b = brake_of(v[i], a[i], m.ramp_s, flat)
            after = b * (flat + _HALF * m.ramp_s)
            peak = ramp_peak(v[i], a[i], b, m.ramp_s)
            fastest = wp.max(v[i], wp.max(after, peak))
            slowest = wp.min(v[i], wp.min(after, peak))
            end = q[i] + plan_way(v[i], a[i], m.ramp_s, flat, m.ramp_s + flat + m.ramp_s)
            highest = wp.max(end, q[i] + m.ramp_s * wp.max(fastest, _ZERO))
            lowest = wp.min(end, q[i] + m.ramp_s * wp.min(slowest, _ZERO))
            if not (highest <= wp.max(m.upper[i], s.q[e, i]) and lowest >= wp.min(m.lower[i], s.q[e, i])):
                kept = int(0)
            most = wp.max(wp.min(m.speed[i], s.joint_speed_cap[e]), wp.abs(s.v[e, i])) + _SLACK
            if not (fastest <= most and slowest >= -most):
                kept = int(0)
        return kept

    @wp.func
    def fastest(m: Limits, s: State, e: int, chain: ChainData, Z: rows, P: rows, w: vecn):
        """Largest speed of any body as a share of its cap, with joint speeds w at the capsules placed last."""
        W = rows()
        V = rows()
        for i in range(count):
            parent = chain.parent[i]
            turn = vec3()
            v = vec3()
            if parent >= 0:
                turn = W[parent]
                v = V[parent] + wp.cross(turn, P[i] - P[parent])
            if chain.prismatic[i] == 1:
                v = v + w[i] * Z[i]
            else:
                turn = turn + w[i] * Z[i]
            W[i] = turn
            V[i] = v
        ratio = _ZERO
        for c in range(m.capsule_joint.shape[0]):
            joint = m.capsule_joint[c]
            if joint >= 0:
                turn = W[joint]
                at_a = V[joint] + wp.cross(turn, s.capsule_a[e, c] - P[joint])
                at_b = V[joint] + wp.cross(turn, s.capsule_b[e, c] - P[joint])
                speed = wp.max(wp.length(at_a), wp.length(at_b)) + m.capsule_radius[c] * wp.length(turn)
                cap = s.body_speed_cap[e]
                if m.capsule_is_tool[c] == 1:
                    cap = s.tool_speed_cap[e]
                ratio = wp.max(ratio, speed / cap)
        return ratio

    @wp.func
    def may_be_fast(m: Limits, s: State, e: int, w: vecn):
        """Whether joint speeds w could move any body faster than its cap."""
        bound = _ZERO
        for i in range(count):
            bound = bound + m.speed_reach[i] * wp.abs(w[i])
        return bound > wp.min(s.body_speed_cap[e], s.tool_speed_cap[e])

    @wp.func
    def point_of(
        m: Limits, q: vecn, u: vecn, v: vecn, a: vecn, dt: wp.float64, flat: wp.float64, piece: int, at: wp.float64
    ):
        """Joints on the path: piece 0 is the tick from q at speeds u, 1 the stop's first ramp, 2 its straight way."""
        p = vecn()
        for i in range(count):
            if piece == 0:
                p[i] = q[i] + u[i] * dt * at
            else:
                when = m.ramp_s * at
                more = _ZERO
                if piece == 2:
                    when = m.ramp_s
                    more = at * brake_of(v[i], a[i], m.ramp_s, flat) * straight_way(m.ramp_s, flat)
                p[i] = q[i] + u[i] * dt + plan_way(v[i], a[i], m.ramp_s, flat, when) + more
        return p

    @wp.func
    def travel_of(m: Limits, u: vecn, v: vecn, a: vecn, dt: wp.float64, flat: wp.float64, piece: int):
        """How far each joint goes in a piece of the path, at most (n,) [rad]."""
        d = vecn()
        for i in range(count):
            b = brake_of(v[i], a[i], m.ramp_s, flat)
            if piece == 0:
                d[i] = wp.abs(u[i]) * dt
            elif piece == 1:
                after = b * (flat + _HALF * m.ramp_s)
                peak = ramp_peak(v[i], a[i], b, m.ramp_s)
                d[i] = m.ramp_s * wp.max(wp.abs(v[i]), wp.max(wp.abs(after), wp.abs(peak)))
            else:
                d[i] = wp.abs(b) * straight_way(m.ramp_s, flat)
        return d

    @wp.func
    def motion_of(m: Limits, k: int, d: vecn):
        """Bound on the change of check k's clearance when the joints go d [m]."""
        bound = _ZERO
        for i in range(count):
            bound = bound + m.check_reach[k, i] * d[i]
        return bound

    @wp.func
    def mark_needed(m: Limits, s: State, e: int, whole: vecn):
        """Mark the checks that a path of joint travel `whole` could break; return how many."""
        needed = int(0)
        for k in range(m.check_kind.shape[0]):
            s.is_needed[e, k] = 0
            if motion_of(m, k, whole) > s.clearance[e, k]:
                s.is_needed[e, k] = 1
                s.last[e, k] = s.clearance[e, k]
                needed = needed + 1
        return needed

    @wp.func
    def sample_step(m: Limits, s: State, e: int, d: vecn, whole: vecn, left: wp.float64):
        """Share of a piece of travel d to the next sample: as far as no check can be broken, but not too short."""
        step = left
        least = _ONE
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                bound = motion_of(m, k, d)
                if bound > _ZERO:
                    if s.last[e, k] > _ZERO:
                        step = wp.min(step, s.last[e, k] / bound)
                    least = wp.min(least, motion_of(m, k, whole) / (_STEPS * bound))
        return wp.min(wp.max(step, least), left)

    @wp.func
    def judge_sample(m: Limits, s: State, e: int, gone: vecn, left: vecn):
        """Look at the needed checks at the capsules placed last: number, from 1, of one that is broken, else 0.

        gone is the joints' travel since the sample before, left that to the end of the path. Returns also whether
        a check could still be broken on what is left.
        """
        broken = int(0)
        open = int(0)
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                distance, _normal, _point, _other = clearance(m, s, e, k)
                bound = motion_of(m, k, gone)
                before = s.last[e, k]
                if s.clearance[e, k] < _ZERO:
                    if distance < s.clearance[e, k] - _SLACK:
                        broken = k + 1
                elif bound > before and before + distance < bound:
                    broken = k + 1
                s.last[e, k] = distance
                if motion_of(m, k, left) > distance:
                    open = 1
        return broken, open

    @wp.func
    def nearest_needed(m: Limits, s: State, e: int):
        """Number, from 1, of the needed check that came nearest to its limit."""
        nearest = int(0)
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                if nearest == 0:
                    nearest = k + 1
                elif s.last[e, k] < s.last[e, nearest - 1]:
                    nearest = k + 1
        return nearest

    @wp.func
    def keeps_clear(
        m: Limits,
        s: State,
        e: int,
        chain: ChainData,
        q: vecn,
        u: vecn,
        v: vecn,
        a: vecn,
        dt: wp.float64,
        flat: wp.float64,
    ):
        """Number, from 1, of a check that the tick at speeds u and the stop behind it would break; 0 when none.

        s.clearance holds every check at q, or a bound of it. A check that is broken there must not get worse.
        """
        d = travel_of(m, u, v, a, dt, flat, 0)
        rest = travel_of(m, u, v, a, dt, flat, 1) + travel_of(m, u, v, a, dt, flat, 2)
        whole = d + rest
        broken = int(0)
        open = int(0)
        if mark_needed(m, s, e, whole) > 0:
            open = 1
        piece = int(0)
        at = _ZERO
        for _sample in range(_SAMPLES):
            if open == 1 and broken == 0:
                step = sample_step(m, s, e, d, whole, _ONE - at)
                at = at + step
                X, Y, Z, P = poses(chain, point_of(m, q, u, v, a, dt, flat, piece, at))
                place(m, s, e, X, Y, Z, P)
                broken, open = judge_sample(m, s, e, d * step, d * (_ONE - at) + rest)
                if at >= _ONE - _SLACK:
                    at = _ZERO
                    piece = piece + 1
                    d = travel_of(m, u, v, a, dt, flat, piece)
                    rest = rest - d
                    if piece > 2:
                        open = 0
        if open == 1 and broken == 0:  # not found out within the samples
            broken = nearest_needed(m, s, e)
        return broken

    return SimpleNamespace(
        flat_of=flat_of, keeps_joints=keeps_joints, fastest=fastest, may_be_fast=may_be_fast, keeps_clear=keeps_clear
    )
