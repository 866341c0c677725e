"""Borders that RMPflow's acceleration keeps, as rows J a >= bound, in warp functions. Importing this loads warp.

A leaf pulls both ways: one that is strong enough to hold an arm off a wall also holds it at the wall. So borders are
no leaves. Each is a clearance x (of a check of the limits' scene, of a joint from its end, of its speed from its cap)
with rate xd that bounds the acceleration from one side,

    xdd >= -gain (xd + x / time),

by which x never falls faster than x / time and never below 0, while motion along a border and away from it is free.
`kernel_keep` finds the acceleration that keeps all rows. Closest points are taken as fixed to their bodies within a
step: their sliding along them changes x to second order only.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import chain_types
from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import BALL, PAIR, PLANE, limits_types
from teletwin.twin.rmpflow.kernel_leaves import pull_functions
from teletwin.twin.rmpflow.kernel_types import ROWS, flow_types

_PAIR, _PLANE, _BALL = (wp.constant(kind) for kind in (PAIR, PLANE, BALL))
_ZERO = wp.constant(wp.float64(0.0))
_ROW_COUNT = wp.constant(ROWS)


@cache
def border_types(count: int, dtype: str) -> SimpleNamespace:
    """The types of RMPflow, and those that hold all rows of one arm."""
    lines = wp.types.matrix(shape=(ROWS, count), dtype=wp.float64)
    values = wp.types.vector(length=ROWS, dtype=wp.float64)
    return SimpleNamespace(**vars(flow_types(count, dtype)), lines=lines, values=values)


@cache
def row_functions(count: int, dtype: str) -> SimpleNamespace:
    """Functions `bound_of` (of a border's clearance and rate) and `row_for`."""
    Walls = border_types(count, dtype).Walls

    @wp.func
    def bound_of(w: Walls, x: wp.float64, rate: wp.float64):
        """Least acceleration of a clearance x with a rate."""
        nearing = wp.max(x, _ZERO) / w.time_s + wp.clamp(x, -w.outward_m, _ZERO) / w.return_s
        return -w.gain * (rate + nearing)

    @wp.func
    def row_for(w: Walls, e: int, found: int, bound: wp.float64, number: int):
        """Give a border a row: that of the one that asks least, when all are taken. Returns it, or -1 for none."""
        row = found
        if row == _ROW_COUNT:
            row = int(0)
            for r in range(_ROW_COUNT):
                if w.bound[e, r] < w.bound[e, row]:
                    row = r
            if bound <= w.bound[e, row]:
                row = int(-1)
        if row >= 0:
            w.bound[e, row] = bound
            w.number[e, row] = number
        return row

    return SimpleNamespace(bound_of=bound_of, row_for=row_for)


@cache
def joint_borders(count: int, dtype: str) -> Any:
    """Borders of single joints: ends, bend, speed."""
    t = border_types(count, dtype)
    vecn, Walls = t.vecn, t.Walls
    functions = row_functions(count, dtype)
    bound_of, row_for = functions.bound_of, functions.row_for

    @wp.func
    def joints(w: Walls, e: int, first: int, q: vecn, qd: vecn):
        """Write their rows; return how many."""
        found = int(0)
        for i in range(count):
            at = wp.float64(q[i])
            speed = wp.float64(qd[i])
            side = wp.sign(at)
            for way in range(2):
                sign = wp.where(way == 0, wp.float64(1.0), wp.float64(-1.0))
                x = wp.where(way == 0, at - w.lower[i], w.upper[i] - at)
                bound = bound_of(w, x, sign * speed)
                number = first + i
                if w.bent[i] > _ZERO and side == sign:
                    bent = bound_of(w, side * at - w.bent[i], sign * speed)
                    if bent > bound:
                        bound = bent
                        number = first + count + i
                slower = -w.gain * (w.fastest[i] + sign * speed)
                if slower > bound:
                    bound = slower
                    number = int(0)
                if bound > -w.look:
                    row = row_for(w, e, found, bound, number)
                    if row >= 0:
                        found = wp.max(found, row + 1)
                        for k in range(count):
                            w.line[e, row, k] = _ZERO
                        w.line[e, row, i] = sign
        return found

    return joints


@cache
def clearance_borders(count: int, dtype: str) -> SimpleNamespace:
    """Functions `ask_near`, `checks` (the borders of the checks that are near), and `side_of`."""
    t, lt = border_types(count, dtype), limits_types(count)
    T, vec3, rows, vecn = t.T, t.vec3, t.rows, t.vecn
    ChainData, Walls, Limits, State = t.ChainData, t.Walls, lt.Limits, lt.State
    rows64 = chain_types(count, "float64").rows
    places, functions = clearance_functions(count), row_functions(count, dtype)
    place, clearance = places.place, places.clearance
    bound_of, row_for = functions.bound_of, functions.row_for
    gradient = pull_functions(count, dtype).gradient

    @wp.func
    def carried(joint: int, point: vec3, P: rows, W: rows, V: rows, A: rows, C: rows):
        """Velocity of a body's point, and its acceleration without any of the joints."""
        v = vec3()
        c = vec3()
        if joint >= 0:
            r = point - P[joint]
            turn = wp.cross(W[joint], r)
            v = V[joint] + turn
            c = C[joint] + wp.cross(A[joint], r) + wp.cross(W[joint], turn)
        return v, c

    @wp.func
    def border(
        chain: ChainData,
        w: Walls,
        m: Limits,
        k: int,
        joint: int,
        other: int,
        x: wp.float64,
        n: vec3,
        point: vec3,
        other_point: vec3,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        e: int,
        found: int,
    ):
        """Write the row of check k, at one point of its body; return how many there are then."""
        v, c = carried(joint, point, P, W, V, A, C)
        v_other, c_other = carried(other, other_point, P, W, V, A, C)
        relative = v - v_other
        rate = wp.dot(n, relative)
        bend = wp.float64(wp.dot(n, c - c_other))
        if m.check_kind[k] == _BALL:  # a way along the inside of a ball leads out of it
            radius = m.obstacle_size[m.check_other[k]][0] - x - m.check_margin[k]
            bend = bend - wp.float64(wp.dot(relative, relative) - rate * rate) / radius
        bound = bound_of(w, x, wp.float64(rate)) - bend
        if bound > -w.look:
            line = gradient(chain, Z, P, chain.mask[joint], point, n)
            if other >= 0:
                line = line - gradient(chain, Z, P, chain.mask[other], other_point, n)
            row = row_for(w, e, found, bound, k + 1)
            if row >= 0:
                found = wp.max(found, row + 1)
                for i in range(count):
                    w.line[e, row, i] = wp.float64(line[i])
        return found

    @wp.func
    def ask_near(w: Walls, m: Limits, s: State, e: int, q: vecn, qd: vecn):
        """Mark the checks that may matter now, and keep s.clearance a lower bound of the others; return how many.

        What was known at the positions s.q, whoever moved the joints since, is less by what they can have cost.
        """
        way = vecn()
        nearing = vecn()
        for i in range(count):
            way[i] = wp.abs(q[i] - T(s.q[e, i]))
            nearing[i] = way[i] + T(w.time_s) * wp.abs(qd[i])
            s.q[e, i] = wp.float64(q[i])
        asked = int(0)
        least = w.time_s * w.look / w.gain
        for k in range(m.check_kind.shape[0]):
            lost = _ZERO
            needed = least
            for i in range(count):
                lost = lost + m.check_reach[k, i] * wp.float64(way[i])
                needed = needed + m.check_reach[k, i] * wp.float64(nearing[i])
            s.is_needed[e, k] = 0
            if not (s.clearance[e, k] > needed):
                s.is_needed[e, k] = 1
                asked = asked + 1
            s.clearance[e, k] = s.clearance[e, k] - lost
        return asked

    @wp.func
    def checks(
        chain: ChainData,
        w: Walls,
        m: Limits,
        s: State,
        e: int,
        X: rows,
        Y: rows,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        found: int,
    ):
        """Write the rows of the marked checks after the first ones; return how many there are then."""
        place(m, s, e, rows64(X), rows64(Y), rows64(Z), rows64(P))
        for k in range(m.check_kind.shape[0]):
            if s.is_needed[e, k] == 1:
                x, normal, at, other_at = clearance(m, s, e, k)
                s.clearance[e, k] = x
                n = vec3(normal)
                joint = m.capsule_joint[m.check_capsule[k]]
                other = int(-1)
                if m.check_kind[k] == _PAIR:
                    other = m.capsule_joint[m.check_other[k]]
                found = border(chain, w, m, k, joint, other, x, n, vec3(at), vec3(other_at), Z, P, W, V, A, C, e, found)
                if m.check_kind[k] == _PLANE:  # its other end too: a capsule that lies down rocks on neither
                    c = m.check_capsule[k]
                    end = s.capsule_a[e, c] + s.capsule_b[e, c] - at
                    rise = wp.dot(normal, end - at)
                    found = border(
                        chain, w, m, k, joint, other, x + rise, n, vec3(end), vec3(end), Z, P, W, V, A, C, e, found
                    )
        return found

    @wp.func
    def side_of(
        chain: ChainData,
        w: Walls,
        e: int,
        number: int,
        X: rows,
        Y: rows,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        found: int,
    ):
        """Write the row that keeps a frame on its side of the first axis; return how many there are then.

        The plane through the axis turns with the arm, so velocity and curvature are those seen from it.
        """
        turn = w.side[0]
        joint = w.side[2]
        if turn >= 0:
            o = w.side_point
            point = P[joint] + o[0] * X[joint] + o[1] * Y[joint] + o[2] * Z[joint]
            n = wp.normalize(wp.cross(Z[turn], Z[w.side[1]]))
            arm = point - P[turn]
            if wp.dot(n, arm) < T(0.0):
                n = -n
            v, c = carried(joint, point, P, W, V, A, C)
            swing = wp.cross(W[turn], arm)
            relative = v - V[turn] - swing
            bend = c - C[turn] - wp.cross(A[turn], arm) - wp.cross(W[turn], swing + T(2.0) * relative)
            x = wp.float64(wp.dot(n, arm)) - w.side_m
            bound = bound_of(w, x, wp.float64(wp.dot(n, relative))) - wp.float64(wp.dot(n, bend))
            if bound > -w.look:
                line = gradient(chain, Z, P, chain.mask[joint], point, n)
                line = line - gradient(chain, Z, P, chain.mask[turn], point, n)
                row = row_for(w, e, found, bound, number)
                if row >= 0:
                    found = wp.max(found, row + 1)
                    for i in range(count):
                        w.line[e, row, i] = wp.float64(line[i])
        return found

    return SimpleNamespace(ask_near=ask_near, checks=checks, side_of=side_of)
