"""Clearances of an arm's capsules as warp functions, each with the points that realize it; loads warp."""
# Warp reads these functions as its own language: int(0) there makes a variable, and types are inferred.
# ruff: noqa: ANN201, ANN202
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.twin.limits.model import BALL, BOX, PAIR, PLANE, limits_types

_PAIR, _PLANE, _BOX, _BALL = (wp.constant(kind) for kind in (PAIR, PLANE, BOX, BALL))
_ZERO, _HALF, _ONE = (wp.constant(wp.float64(value)) for value in (0.0, 0.5, 1.0))
_TINY = wp.constant(wp.float64(1.0e-12))
_BOX_HALVINGS = wp.constant(10)
_BOX_WIDTH = wp.constant(wp.float64(0.5**11))
"""Half of the last interval, as a share of the capsule's length: what a box's distance may be too large by."""


@wp.func
def segment_shares(a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, d: wp.vec3d):
    """Shares along a-b and c-d of the closest points of two segments, either of which may be a point."""
    u = b - a
    w = d - c
    r = a - c
    uu = wp.dot(u, u)
    ww = wp.dot(w, w)
    wr = wp.dot(w, r)
    ur = wp.dot(u, r)
    uw = wp.dot(u, w)
    s = _ZERO
    t = _ZERO
    if uu > _TINY:
        span = uu * ww - uw * uw
        if span > _TINY * uu * ww:
            s = wp.clamp((uw * wr - ur * ww) / span, _ZERO, _ONE)
        elif ww <= _TINY:
            s = wp.clamp(-ur / uu, _ZERO, _ONE)
    if ww > _TINY:
        t = (uw * s + wr) / ww
        if t < _ZERO:
            t = _ZERO
            if uu > _TINY:
                s = wp.clamp(-ur / uu, _ZERO, _ONE)
        elif t > _ONE:
            t = _ONE
            if uu > _TINY:
                s = wp.clamp((uw - ur) / uu, _ZERO, _ONE)
    return s, t


@wp.func
def box_distance(p: wp.vec3d, half: wp.vec3d):
    """Signed distance of a point to a box about the origin, and its gradient."""
    x = wp.abs(p[0]) - half[0]
    y = wp.abs(p[1]) - half[1]
    z = wp.abs(p[2]) - half[2]
    out = wp.vec3d(wp.max(x, _ZERO), wp.max(y, _ZERO), wp.max(z, _ZERO))
    distance = wp.length(out)
    if distance <= _TINY:
        distance = wp.max(x, wp.max(y, z))
        out = wp.vec3d(_ZERO, _ZERO, _ONE)
        if x >= y and x >= z:
            out = wp.vec3d(_ONE, _ZERO, _ZERO)
        elif y >= z:
            out = wp.vec3d(_ZERO, _ONE, _ZERO)
    else:
        out = out / distance
    return distance, wp.vec3d(out[0] * wp.sign(p[0]), out[1] * wp.sign(p[1]), out[2] * wp.sign(p[2]))


@wp.func
def box_clearance(a: wp.vec3d, b: wp.vec3d, center: wp.vec3d, axes: wp.mat33d, half: wp.vec3d):
    """Bound of the signed distance of a segment to a box, its gradient, and the segment's point next to it.

    The distance to a box is convex along a segment: the side on which it falls is halved again and again.
    """
    start = axes * (a - center)
    way = axes * (b - a)
    low = _ZERO
    high = _ONE
    for _i in range(_BOX_HALVINGS):
        share = _HALF * (low + high)
        _distance, slope = box_distance(start + share * way, half)
        if wp.dot(slope, way) > _ZERO:
            high = share
        else:
            low = share
    share = low
    distance, gradient = box_distance(start + low * way, half)
    other, other_gradient = box_distance(start + high * way, half)
    if other < distance:
        share = high
        distance = other
        gradient = other_gradient
    return distance - _BOX_WIDTH * wp.length(way), wp.transpose(axes) * gradient, a + share * (b - a)


@wp.func
def pair_clearance(a: wp.vec3d, b: wp.vec3d, c: wp.vec3d, d: wp.vec3d):
    """Distance of two segments, the unit vector from the second to the first, and the point on each."""
    share, other_share = segment_shares(a, b, c, d)
    point = a + share * (b - a)
    other = c + other_share * (d - c)
    away = point - other
    distance = wp.length(away)
    normal = wp.vec3d(_ZERO, _ZERO, _ONE)
    if distance > _TINY:
        normal = away / distance
    return distance, normal, point, other


@wp.func
def ball_clearance(a: wp.vec3d, b: wp.vec3d, center: wp.vec3d):
    """Distance from a ball's center of the farther end of a segment, the unit vector back, and that end."""
    point = a
    if wp.length(b - center) > wp.length(a - center):
        point = b
    away = center - point
    distance = wp.length(away)
    normal = wp.vec3d(_ZERO, _ZERO, _ONE)
    if distance > _TINY:
        normal = away / distance
    return distance, normal, point


@cache
def clearance_functions(count: int) -> SimpleNamespace:
    """Functions `place` (capsules at joint frames), and `clearance` of one check with normal and closest points."""
    t = limits_types(count)
    rows, Limits, State = t.rows, t.Limits, t.State

    @wp.func
    def place(m: Limits, s: State, e: int, X: rows, Y: rows, Z: rows, P: rows):
        """Write the ends of every capsule in the root frame."""
        for c in range(m.capsule_joint.shape[0]):
            a = m.capsule_a[c]
            b = m.capsule_b[c]
            joint = m.capsule_joint[c]
            if joint >= 0:
                x = X[joint]
                y = Y[joint]
                z = Z[joint]
                p = P[joint]
                a = p + a[0] * x + a[1] * y + a[2] * z
                b = p + b[0] * x + b[1] * y + b[2] * z
            s.capsule_a[e, c] = a
            s.capsule_b[e, c] = b

    @wp.func
    def clearance(m: Limits, s: State, e: int, k: int):
        """Clearance [m] of check k less its margin, its gradient in the capsule's point, that point, and the other."""
        c = m.check_capsule[k]
        o = m.check_other[k]
        kind = m.check_kind[k]
        a = s.capsule_a[e, c]
        b = s.capsule_b[e, c]
        distance = _ZERO
        normal = wp.vec3d(_ZERO, _ZERO, _ONE)
        point = a
        other = a
        if kind == _PAIR:
            distance, normal, point, other = pair_clearance(a, b, s.capsule_a[e, o], s.capsule_b[e, o])
            distance = distance - m.capsule_radius[o]
        elif kind == _PLANE:
            axes = m.obstacle_axes[o]
            normal = wp.vec3d(axes[0, 0], axes[0, 1], axes[0, 2])
            if wp.dot(normal, b) < wp.dot(normal, a):
                point = b
            distance = wp.dot(normal, point) - m.obstacle_size[o][0]
        elif kind == _BALL:
            distance, normal, point = ball_clearance(a, b, m.obstacle_center[o])
            distance = m.obstacle_size[o][0] - distance
        else:
            box = m.obstacle_size[o]
            distance, normal, point = box_clearance(a, b, m.obstacle_center[o], m.obstacle_axes[o], box)
        return distance - m.capsule_radius[c] - m.check_margin[k], normal, point, other

    return SimpleNamespace(place=place, clearance=clearance)
