"""Wanted joint speeds turned along what is near, as warp functions; loads warp.

Every near check asks that its clearance shrinks no faster than it can be given up in SLIDE_TIME; the wanted speeds are
projected on these half-spaces (Hildreth's method), so the arm slides along a border and leaves it at once when
the hand comes back.
"""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN202, RUF046, UP018
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.twin.limits.distance import clearance_functions
from teletwin.twin.limits.model import PAIR, limits_types
from teletwin.twin.limits.track import closing

_PAIR = wp.constant(PAIR)
_ZERO = wp.constant(wp.float64(0.0))
_NEAR = 12
"""So many checks turn the wanted speeds at once, the nearest ones."""
_NEAR_COUNT = wp.constant(_NEAR)
_SWEEPS = wp.constant(10)
_SLIDE_TIME = wp.constant(wp.float64(0.08))
_SLIDE_GAIN = wp.constant(wp.float64(12.5))
"""[1/s]; slower than a stop from full speed, so that the stop plan hardly ever refuses what this admits."""
_BRAKE_SHARE = wp.constant(wp.float64(0.5))
_BRAKE_MIN = wp.constant(wp.float64(0.5))
"""[m/s^2]."""
_RESERVE_TIME = wp.constant(wp.float64(0.0015))
"""Clearance kept beyond the margin, as a time at the bound of its rate [s]: what a check loses between its samples."""
_RESERVE_M = wp.constant(wp.float64(0.0005))
_TINY = wp.constant(wp.float64(1.0e-9))
_RETURN_M_S = wp.constant(wp.float64(-0.1))
"""An arm that was put down outside, or has used up a reserve, comes back no faster than this."""
_GRADIENT_MIN = wp.constant(wp.float64(1.0e-3))
"""A check that the joints move by less is left to the verification [m/rad]."""


@cache
def slide_functions(count: int) -> SimpleNamespace:
    """Function `slide`."""
    t = limits_types(count)
    vec3, vecn, rows, Limits, State, ChainData = t.vec3, t.vecn, t.rows, t.Limits, t.State, t.ChainData
    clearance = clearance_functions(count).clearance
    lines = wp.types.matrix(shape=(_NEAR, count), dtype=wp.float64)
    values = wp.types.vector(length=_NEAR, dtype=wp.float64)
    numbers = wp.types.vector(length=_NEAR, dtype=wp.int32)

    @wp.func
    def gradient(chain: ChainData, Z: rows, P: rows, joint: int, point: vec3, normal: vec3):
        """How a body's point moves along the normal with each joint (n,)."""
        g = vecn()
        if joint >= 0:
            for i in range(count):
                if ((chain.mask[joint] >> i) & 1) == 1:
                    if chain.prismatic[i] == 1:
                        g[i] = wp.dot(normal, Z[i])
                    else:
                        g[i] = wp.dot(normal, wp.cross(Z[i], point - P[i]))
        return g

    @wp.func
    def least_asking(asks: values, found: int):
        """The row that leaves most room."""
        row = int(0)
        for r in range(found):
            if asks[r] > asks[row]:
                row = r
        return row

    @wp.func
    def closing_rate(g: vecn, w: vecn, gap: wp.float64, braking: wp.float64):
        """Largest rate [m/s] at which a gap may shrink; negative, so it grows, where part of the reserve is used up."""
        rate = wp.max(gap * _SLIDE_GAIN, _RETURN_M_S)
        if gap > _ZERO:
            # Braked all together, joints give up their speed towards the border by this much a second.
            most = wp.max(_BRAKE_SHARE * wp.abs(wp.dot(g, w)) / braking, _BRAKE_MIN)
            rate = closing(gap, _SLIDE_GAIN, most)
        return rate

    @wp.func
    def check_gradient(m: Limits, s: State, e: int, chain: ChainData, Z: rows, P: rows, k: int):
        """How the clearance of check k changes with each joint (n,) [m/rad]."""
        _distance, normal, point, other = clearance(m, s, e, k)
        g = gradient(chain, Z, P, m.capsule_joint[m.check_capsule[k]], point, normal)
        if m.check_kind[k] == _PAIR:
            g = g - gradient(chain, Z, P, m.capsule_joint[m.check_other[k]], other, normal)
        return g

    @wp.func
    def near_checks(m: Limits, s: State, e: int, chain: ChainData, Z: rows, P: rows, w: vecn):
        """Gradients (rows) and largest closing rates of the checks that ask most, their numbers, and how many."""
        found = int(0)
        G = lines()
        bound = values()
        asks = values()
        number = numbers()
        braking = _TINY
        for i in range(count):
            braking = wp.max(braking, wp.abs(w[i]) / m.acceleration[i])
        for k in range(m.check_kind.shape[0]):
            rate = _ZERO
            for i in range(count):
                rate = rate + m.check_reach[k, i] * wp.abs(w[i])
            gap = s.clearance[e, k] - _RESERVE_M - _RESERVE_TIME * rate
            if gap < rate * _SLIDE_TIME:
                g = check_gradient(m, s, e, chain, Z, P, k)
                length = wp.length(g)
                if length > _GRADIENT_MIN:
                    most = closing_rate(g, w, gap, braking)
                    row = found
                    if found == _NEAR_COUNT:
                        row = least_asking(asks, found)
                    else:
                        found = found + 1
                        asks[row] = most / length
                        number[row] = int(0)
                    if number[row] == 0 or most / length < asks[row]:
                        for i in range(count):
                            G[row, i] = g[i]
                        bound[row] = most
                        asks[row] = most / length
                        number[row] = k + 1
        return G, bound, number, found

    @wp.func
    def slide(m: Limits, s: State, e: int, chain: ChainData, Z: rows, P: rows, w: vecn):
        """Project the wanted speeds; return them and the number, from 1, of the check that turned them most, or 0."""
        G, bound, number, found = near_checks(m, s, e, chain, Z, P, w)
        square = values()
        weight = values()
        for r in range(found):
            for i in range(count):
                square[r] = square[r] + G[r, i] * G[r, i]
        turned = w
        for _sweep in range(_SWEEPS):
            change = _ZERO
            for r in range(found):
                rate = _ZERO
                for i in range(count):
                    rate = rate + G[r, i] * turned[i]
                more = wp.max(weight[r] - (rate + bound[r]) / square[r], _ZERO)
                push = more - weight[r]
                weight[r] = more
                change = wp.max(change, wp.abs(push))
                for i in range(count):
                    turned[i] = turned[i] + push * G[r, i]
            if change == _ZERO:
                break
        fast = wp.float64(1.0)
        for i in range(count):
            fast = wp.max(fast, wp.abs(turned[i]) / wp.min(m.speed[i], s.joint_speed_cap[e]))
        which = int(0)
        most = _ZERO
        for r in range(found):
            if weight[r] * square[r] > most:
                most = weight[r] * square[r]
                which = number[r]
        return turned / fast, which

    return SimpleNamespace(slide=slide)
