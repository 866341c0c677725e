"""RMPflow's resolve as a warp function: from metric and force to the bounded acceleration.

a0 = M^-1 f; where its norm exceeds a_max, a = (M + lam I)^-1 f with lam > 0 by bisection until the norm meets
a_max within the tolerance: the closest point of the norm ball in the metric M. The bisection walks the grid
that doubling from 1 gives, on a tridiagonal form of M in which each trial costs a few operations per joint.
Importing this loads warp.
"""
# ruff: noqa: ANN202 (warp infers what its functions return)
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.twin.rmpflow.kernel_types import flow_types

SWEEPS = 12
"""Jacobi sweeps; the off-diagonal falls quadratically after the first few."""
TINY = 1e-13
"""Pivots below this share of the largest one count as singular."""


@cache
def solve_function(count: int, dtype: str) -> Any:
    """Solves M x = f by L D L^T from the lower triangle; also tells whether M is singular (then x is not it)."""
    t = flow_types(count, dtype)
    T, vecn, matnn = t.U, t.vecu, t.matu
    tiny = T(TINY)

    @wp.func
    def solve(M: matnn, f: vecn):
        L = M
        x = f
        inverse = vecn()
        largest = T(0.0)
        sound = wp.int32(1)
        for i in range(count):
            largest = wp.max(largest, M[i, i])
        for j in range(count):
            for i in range(j, count):
                value = L[i, j]
                for k in range(j):
                    value -= L[i, k] * L[j, k] * inverse[k]
                L[i, j] = value
            inverse[j] = T(1.0) / L[j, j]
            if L[j, j] <= largest * tiny:  # not so for NaN, which shall come out as NaN
                sound = wp.int32(0)
            # From here on, inverse[k] is 1 / D_k and L[i, k] is (L D)_ik: no second division is needed.
            for k in range(j):
                x[j] = x[j] - L[j, k] * x[k]
            x[j] = x[j] * inverse[j]
        for n in range(count):
            i = count - 1 - n
            for k in range(i + 1, count):
                x[i] = x[i] - L[k, i] * inverse[i] * x[k]
        return x, sound

    return solve


@cache
def pseudo_solve_function(count: int, dtype: str) -> Any:
    """Solves M x = f with the pseudo-inverse, by cyclic Jacobi rotations; for the rare singular metric."""
    t = flow_types(count, dtype)
    T, vecn, matnn = t.U, t.vecu, t.matu

    @wp.func
    def pseudo_solve(M: matnn, f: vecn):
        S = M
        V = matnn()
        for i in range(count):
            V[i, i] = T(1.0)
            for j in range(i):
                S[j, i] = S[i, j]
        for _ in range(SWEEPS):
            for p in range(count - 1):
                for r in range(p + 1, count):
                    if S[p, r] != T(0.0):
                        theta = T(0.5) * (S[r, r] - S[p, p]) / S[p, r]
                        tangent = T(1.0) / (wp.abs(theta) + wp.sqrt(theta * theta + T(1.0)))
                        if theta < T(0.0):
                            tangent = -tangent
                        c = T(1.0) / wp.sqrt(tangent * tangent + T(1.0))
                        s = tangent * c
                        for k in range(count):
                            left = S[k, p]
                            right = S[k, r]
                            S[k, p] = c * left - s * right
                            S[k, r] = s * left + c * right
                            left = V[k, p]
                            right = V[k, r]
                            V[k, p] = c * left - s * right
                            V[k, r] = s * left + c * right
                        for k in range(count):
                            left = S[p, k]
                            right = S[r, k]
                            S[p, k] = c * left - s * right
                            S[r, k] = s * left + c * right
        largest = T(0.0)
        for k in range(count):
            largest = wp.max(largest, S[k, k])
        x = vecn()
        for k in range(count):
            if S[k, k] > T(10.0 * TINY) * largest:
                share = T(0.0)
                for i in range(count):
                    share += V[i, k] * f[i]
                share = share / S[k, k]
                for i in range(count):
                    x[i] = x[i] + share * V[i, k]
        return x

    return pseudo_solve


@cache
def tridiagonal_function(count: int, dtype: str) -> Any:
    """Householder form Q^T M Q = tridiagonal; returns diagonal, off-diagonal, Q^T f and the reflectors."""
    t = flow_types(count, dtype)
    T, vecn, matnn = t.U, t.vecu, t.matu

    @wp.func
    def tridiagonal(M: matnn, f: vecn):
        S = M
        H = matnn()
        g = f
        off = vecn()
        for i in range(count):
            for j in range(i):
                S[j, i] = S[i, j]
        for k in range(count - 2):
            square = T(0.0)
            for i in range(k + 2, count):
                square += S[i, k] * S[i, k]
            head = S[k + 1, k]
            off[k] = head
            if square > T(0.0):
                norm = wp.sqrt(head * head + square)
                if head > T(0.0):
                    norm = -norm
                off[k] = norm
                u = vecn()
                u[k + 1] = head - norm
                for i in range(k + 2, count):
                    u[i] = S[i, k]
                scale = wp.sqrt(T(2.0) / (u[k + 1] * u[k + 1] + square))
                p = vecn()
                inner = T(0.0)
                along = T(0.0)
                for i in range(k + 1, count):
                    u[i] = u[i] * scale
                for i in range(k + 1, count):
                    value = T(0.0)
                    for j in range(k + 1, count):
                        value += S[i, j] * u[j]
                    p[i] = value
                    inner += value * u[i]
                    along += g[i] * u[i]
                for i in range(k + 1, count):
                    p[i] = p[i] - T(0.5) * inner * u[i]
                    g[i] = g[i] - along * u[i]
                    H[k, i] = u[i]
                for i in range(k + 1, count):
                    for j in range(k + 1, count):
                        S[i, j] = S[i, j] - u[i] * p[j] - p[i] * u[j]
        diagonal = vecn()
        for i in range(count):
            diagonal[i] = S[i, i]
        if count > 1:
            off[count - 2] = S[count - 1, count - 2]
        return diagonal, off, g, H

    return tridiagonal


@cache
def resolve_function(count: int, dtype: str) -> Any:
    """The bounded acceleration (n,) of a metric (lower triangle) and a force."""
    t = flow_types(count, dtype)
    T, vecn, matnn, Gains = t.U, t.vecu, t.matu, t.Gains
    solve, pseudo_solve = solve_function(count, dtype), pseudo_solve_function(count, dtype)
    tridiagonal = tridiagonal_function(count, dtype)

    @wp.func
    def shifted(diagonal: vecn, off: vecn, g: vecn, lam: T):
        """Solution of (tridiagonal + lam I) x = g."""
        x = vecn()
        upper = vecn()
        x[0] = g[0] / (diagonal[0] + lam)
        upper[0] = off[0] / (diagonal[0] + lam)
        for i in range(1, count):
            inverse = T(1.0) / (diagonal[i] + lam - off[i - 1] * upper[i - 1])
            upper[i] = off[i] * inverse
            x[i] = (g[i] - off[i - 1] * x[i - 1]) * inverse
        for n in range(1, count):
            i = count - 1 - n
            x[i] = x[i] - upper[i] * x[i + 1]
        return x

    @wp.func
    def first_bracket(diagonal: vecn, off: vecn, g: vecn, bound: T):
        """The first of 1, 2, 4, ... at which the norm is within the bound (||a|| <= ||f|| / lam limits the search)."""
        high = wp.pow(T(2.0), wp.ceil(wp.max(wp.log2(wp.length(g) / bound), T(0.0))))
        while high > T(1.0) and wp.length(shifted(diagonal, off, g, T(0.5) * high)) <= bound:
            high = T(0.5) * high
        while wp.length(shifted(diagonal, off, g, high)) > bound:
            high = T(2.0) * high
        return high

    @wp.func
    def project(M: matnn, f: vecn, bound: T, tolerance: T):
        diagonal, off, g, H = tridiagonal(M, f)
        low = T(0.0)
        high = first_bracket(diagonal, off, g, bound)
        a = vecn()
        trials = wp.int32(0)
        while trials < 200:
            lam = T(0.5) * (low + high)
            a = shifted(diagonal, off, g, lam)
            norm = wp.length(a)
            trials += 1
            if wp.abs(norm - bound) <= tolerance or lam <= low or lam >= high:
                trials = 200
            elif norm > bound:
                low = lam
            else:
                high = lam
        for n in range(2, count):
            k = count - 1 - n
            along = T(0.0)
            for i in range(k + 1, count):
                along += H[k, i] * a[i]
            for i in range(k + 1, count):
                a[i] = a[i] - along * H[k, i]
        return a

    @wp.func
    def resolve(gains: Gains, M: matnn, f: vecn):
        a, sound = solve(M, f)
        if sound == 0:
            a = pseudo_solve(M, f)
        if wp.length(a) > T(gains.accel_max):
            a = project(M, f, T(gains.accel_max), T(gains.accel_tol))
        return a

    return resolve
