"""RMPflow's collision leaves as warp functions: robot spheres against obstacles, controllers against the own body.

Importing this loads warp.
"""
# ruff: noqa: ANN202 (warp infers what its functions return)
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.twin.rmpflow.kernel_leaves import gate_function, pull_functions
from teletwin.twin.rmpflow.kernel_types import BOX, SPHERE, flow_types

_LEAST_DISTANCE = 1.0e-9
"""Points nearer than this [m] count as this far: the direction away from them stays defined."""


@cache
def collision_leaf(count: int, dtype: str) -> Any:
    """Metric and acceleration of a distance x (already less the radii) with rate xd; metric 0 out of reach."""
    t = flow_types(count, dtype)
    T, Gains = t.T, t.Gains
    gate = gate_function(count, dtype)

    @wp.func
    def leaf(g: Gains, distance: T, rate: T):
        x = wp.max(distance, T(0.0))
        open = gate(-rate / g.body_gate)
        fade = T(1.0) - x / g.body_radius
        a = g.body_p * wp.exp(-x / g.body_p_length) - g.body_d * open * rate / (x / g.body_d_length + g.body_d_eps)
        m = open * fade * fade * g.body_metric / (x / g.body_metric_length + g.body_metric_eps)
        return m, a

    return leaf


@cache
def distance_function(count: int, dtype: str) -> Any:
    """Signed distance of a point to an obstacle, its unit gradient, and v^T H v of its Hessian H."""
    t = flow_types(count, dtype)
    T, vec3, Scene = t.T, t.vec3, t.Scene
    least, lowest = T(_LEAST_DISTANCE), T(-1.0e30)

    @wp.func
    def bend(n: vec3, v: vec3, radius: T):
        """v^T (I - n n^T) v / radius: the bending of the distance to a point."""
        along = wp.dot(n, v)
        return (wp.dot(v, v) - along * along) / radius

    @wp.func
    def box_distance(p: vec3, v: vec3, size: vec3):
        """The same three for a box about the origin with full lengths size."""
        away = vec3()
        moving = vec3()
        deepest = lowest
        face = vec3()
        for k in range(3):
            sign = T(1.0)
            if p[k] < T(0.0):
                sign = T(-1.0)
            depth = sign * p[k] - T(0.5) * size[k]
            if depth > T(0.0):
                away[k] = sign * depth
                moving[k] = v[k]
            if depth > deepest:
                deepest = depth
                face = vec3()
                face[k] = sign
        square = wp.dot(away, away)
        distance = deepest
        n = face
        curve = T(0.0)
        if square > T(0.0):
            distance = wp.sqrt(square)
            n = away / distance
            curve = bend(n, moving, distance)
        return distance, n, curve

    @wp.func
    def obstacle_distance(scene: Scene, k: int, point: vec3, v: vec3):
        r = point - scene.center[k]
        axes = scene.axes[k]
        distance = T(0.0)
        n = vec3()
        curve = T(0.0)
        if scene.kind[k] == SPHERE:
            radius = wp.max(wp.length(r), least)
            distance = radius - scene.size[k][0]
            n = r / radius
            curve = bend(n, v, radius)
        elif scene.kind[k] == BOX:
            turned = wp.transpose(axes)
            distance, inner, curve = box_distance(turned * r, turned * v, scene.size[k])
            n = axes * inner
        else:
            n = vec3(axes[0, 2], axes[1, 2], axes[2, 2])
            distance = wp.dot(n, r)
        return distance, n, curve

    return obstacle_distance


@cache
def obstacle_leaves(count: int, dtype: str) -> Any:
    """A leaf for every sphere of the robot and every obstacle."""
    t = flow_types(count, dtype)
    rows, vecu, matu = t.rows, t.vecu, t.matu
    ChainData, Gains, Shape, Scene = t.ChainData, t.Gains, t.Shape, t.Scene
    pull = pull_functions(count, dtype)
    gradient, add_row = pull.gradient, pull.add_row
    leaf = collision_leaf(count, dtype)
    obstacle_distance = distance_function(count, dtype)

    @wp.func
    def obstacles(
        chain: ChainData,
        g: Gains,
        shape: Shape,
        scene: Scene,
        X: rows,
        Y: rows,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        M: matu,
        f: vecu,
    ):
        for b in range(shape.ball_joint.shape[0]):
            joint = shape.ball_joint[b]
            o = shape.ball_center[b]
            r = o[0] * X[joint] + o[1] * Y[joint] + o[2] * Z[joint]
            point = P[joint] + r
            w = W[joint]
            turn = wp.cross(w, r)
            v = V[joint] + turn
            c = C[joint] + wp.cross(A[joint], r) + wp.cross(w, turn)
            for k in range(scene.count[0]):
                distance, n, curve = obstacle_distance(scene, k, point, v)
                x = distance - shape.ball_radius[b]
                if x <= g.body_radius:
                    m, a = leaf(g, x, wp.dot(n, v))
                    row = gradient(chain, Z, P, chain.mask[joint], point, n)
                    M, f = add_row(row, m, a - wp.dot(n, c) - curve, M, f)
        return M, f

    return obstacles


@cache
def body_leaves(count: int, dtype: str) -> Any:
    """A leaf for every controller and every capsule of the body; a capsule may ride on a moving link.

    The distance depends on the controller's place as the capsule's link sees it, so velocity and curvature
    are the relative ones in that turning frame (with the Coriolis term).
    """
    t = flow_types(count, dtype)
    T, vec3, rows, vecu, matu = t.T, t.vec3, t.rows, t.vecu, t.matu
    ChainData, Gains, Shape = t.ChainData, t.Gains, t.Shape
    least = T(_LEAST_DISTANCE)
    pull = pull_functions(count, dtype)
    gradient, add_row = pull.gradient, pull.add_row
    leaf = collision_leaf(count, dtype)

    @wp.func
    def segment_distance(p: vec3, a: vec3, b: vec3, v: vec3):
        """Distance of a point to a segment, its unit gradient, and v^T H v of its Hessian H."""
        along = b - a
        length2 = wp.dot(along, along)
        s = T(0.0)
        if length2 > T(0.0):
            s = wp.clamp(wp.dot(p - a, along) / length2, T(0.0), T(1.0))
        away = p - a - s * along
        distance = wp.max(wp.length(away), least)
        n = away / distance
        out = wp.dot(n, v)
        curve = wp.dot(v, v) - out * out
        if s > T(0.0) and s < T(1.0):
            slide = wp.dot(along, v)
            curve -= slide * slide / length2
        return distance, n, curve / distance

    @wp.func
    def bodies(
        chain: ChainData,
        g: Gains,
        shape: Shape,
        X: rows,
        Y: rows,
        Z: rows,
        P: rows,
        W: rows,
        V: rows,
        A: rows,
        C: rows,
        M: matu,
        f: vecu,
    ):
        for k in range(shape.guard_joint.shape[0]):
            joint = shape.guard_joint[k]
            o = shape.guard_offset[k]
            r = o[0] * X[joint] + o[1] * Y[joint] + o[2] * Z[joint]
            point = P[joint] + r
            w = W[joint]
            turn = wp.cross(w, r)
            v_point = V[joint] + turn
            c_point = C[joint] + wp.cross(A[joint], r) + wp.cross(w, turn)
            for b in range(shape.capsule_joint.shape[0]):
                v = v_point
                c = c_point
                start = shape.capsule_a[b]
                end = shape.capsule_b[b]
                link = shape.capsule_joint[b]
                if link >= 0:
                    base = P[link]
                    start = base + start[0] * X[link] + start[1] * Y[link] + start[2] * Z[link]
                    end = base + end[0] * X[link] + end[1] * Y[link] + end[2] * Z[link]
                    spin = W[link]
                    arm = point - base
                    carried = wp.cross(spin, arm)
                    v = v_point - V[link] - carried
                    c = c_point - C[link] - wp.cross(A[link], arm) - wp.cross(spin, carried)
                    c = c - T(2.0) * wp.cross(spin, v)
                distance, n, curve = segment_distance(point, start, end, v)
                x = distance - shape.capsule_radius[b] - shape.guard_radius[k]
                if x <= g.body_radius:
                    m, a = leaf(g, x, wp.dot(n, v))
                    row = gradient(chain, Z, P, chain.mask[joint], point, n)
                    if link >= 0:
                        row = row - gradient(chain, Z, P, chain.mask[link], point, n)
                    M, f = add_row(row, shape.guard_weight[k] * m, a - wp.dot(n, c) - curve, M, f)
        return M, f

    return bodies
