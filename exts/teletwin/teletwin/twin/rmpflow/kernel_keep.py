"""The acceleration that is closest to RMPflow's and keeps the borders, as warp functions. Importing this loads warp.

In RMPflow's own metric M it is the resolved one, bent by forces of the borders that never pull:

    a = argmin (a - a0)^T M (a - a0) + metric sum_i max(bound_i - J_i a, 0)^2,

found by Hildreth's method on the few rows that matter.
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

from teletwin.twin.limits.model import limits_types
from teletwin.twin.rmpflow.kernel_borders import border_types, clearance_borders, joint_borders
from teletwin.twin.rmpflow.kernel_resolve import resolve_function, solve_function

_ZERO, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 1.0))
_SWEEPS = wp.constant(200)
_SETTLED = wp.constant(wp.float64(1.0e-9))
_FELT = wp.constant(wp.float64(0.1))
"""A border that changes the acceleration less holds nothing [m/s^2 or rad/s^2]."""


@cache
def keep_function(count: int, dtype: str) -> Any:
    """The acceleration that is closest to a resolved one and keeps the borders."""
    t = border_types(count, dtype)
    vecu, matu, Walls, lines, values = t.vecu, t.matu, t.Walls, t.lines, t.values
    solve = solve_function(count, dtype)

    @wp.func
    def keep(w: Walls, e: int, found: int, M: matu, resolved: vecu):
        """Return it, the force (n,) of the borders, and the number of the one that changes it most, 0 for none."""
        a = resolved
        push = lines()
        square = values()
        weight = values()
        give = _ONE / w.metric
        for r in range(found):
            line = vecu()
            for i in range(count):
                line[i] = w.line[e, r, i]
            answer, _sound = solve(M, line)
            square[r] = wp.dot(line, answer) + give
            for i in range(count):
                push[r, i] = answer[i]
        for _sweep in range(_SWEEPS):
            change = _ZERO
            for r in range(found):
                gap = w.bound[e, r] - give * weight[r]
                for i in range(count):
                    gap = gap - w.line[e, r, i] * a[i]
                more = wp.max(weight[r] + gap / square[r], _ZERO) - weight[r]
                weight[r] = weight[r] + more
                change = wp.max(change, wp.abs(more) * square[r])
                for i in range(count):
                    a[i] = a[i] + more * push[r, i]
            if change < _SETTLED:
                break
        held = int(0)
        most = _FELT
        force = vecu()
        for r in range(found):
            for i in range(count):
                force[i] = force[i] + weight[r] * w.line[e, r, i]
            if weight[r] * square[r] > most:
                most = weight[r] * square[r]
                held = w.number[e, r]
        return a, force, held

    return keep


@cache
def border_functions(count: int, dtype: str) -> SimpleNamespace:
    """Functions `calm` (a leaf), `keep_borders` and `paced`."""
    t, lt = border_types(count, dtype), limits_types(count)
    T, rows, vecn, vecu, matu = t.T, t.rows, t.vecn, t.vecu, t.matu
    ChainData, Walls, Limits, State = t.ChainData, t.Walls, lt.Limits, lt.State
    Gains, solve, resolve = t.Gains, solve_function(count, dtype), resolve_function(count, dtype)
    joints, keep, near = joint_borders(count, dtype), keep_function(count, dtype), clearance_borders(count, dtype)
    ask_near, checks, side_of = near.ask_near, near.checks, near.side_of

    @wp.func
    def calm(w: Walls, q: vecn, qd: vecn, M: matu, f: vecu):
        """Add the damping of all joints where one of the marked ones is near its singular angle."""
        metric = wp.float64(0.0)
        for i in range(count):
            if w.calm[i] > _ZERO:
                open = wp.max(_ONE - wp.abs(wp.sin(wp.float64(q[i]))) / wp.sin(w.calm[i]), _ZERO)
                metric = metric + w.calm_metric * open * open
        for i in range(count):
            M[i, i] = M[i, i] + metric
            f[i] = f[i] - metric * w.calm_gain * wp.float64(qd[i])
        return M, f

    @wp.func
    def keep_borders(
        chain: ChainData,
        w: Walls,
        m: Limits,
        s: State,
        e: int,
        q: vecn,
        qd: vecn,
        X: rows,
        Y: rows,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        gains: Gains,
        M: matu,
        f: vecu,
    ):
        """The bounded acceleration that keeps the borders.

        They act before the bound on its norm, so that what presses an arm into a border is balanced whole, and once
        more where the bound has changed the answer.
        """
        found = joints(w, e, m.check_kind.shape[0] + 1, q, qd)
        if ask_near(w, m, s, e, q, qd) > 0:
            found = checks(chain, w, m, s, e, X, Y, Z, P, W, V, A, C, found)
        last = m.check_kind.shape[0] + 1 + 2 * count
        found = side_of(chain, w, e, last, X, Y, Z, P, W, V, A, C, found)
        held = int(0)
        a = vecu()
        if found == 0:
            a = resolve(gains, M, f)
        else:
            free, _sound = solve(M, f)
            kept, force, held_by = keep(w, e, found, M, free)
            held = held_by
            a = resolve(gains, M, f + force)
            if wp.length(kept) > wp.float64(gains.accel_max):
                a, _force, held = keep(w, e, found, M, a)
        w.held_by[e] = held
        return a

    @wp.func
    def paced(w: Walls, wanted: vecn, before: vecn, h: T):
        """A wanted acceleration within those of the joints, reached from the one before within their jerk.

        Both are kept by shortening, which leaves the direction: joints that are cut one by one shake against each
        other.
        """
        excess = T(1.0)
        for i in range(count):
            excess = wp.max(excess, wp.abs(wanted[i]) / T(w.acceleration[i]))
        change = wanted / excess - before
        excess = T(1.0)
        for i in range(count):
            excess = wp.max(excess, wp.abs(change[i]) / (T(w.jerk[i]) * h))
        return before + change / excess

    return SimpleNamespace(calm=calm, keep_borders=keep_borders, paced=paced)
