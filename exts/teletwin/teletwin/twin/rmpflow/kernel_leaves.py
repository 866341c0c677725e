"""RMPflow's leaves as warp functions that add to the joint-space metric M (lower triangle) and force f.

A leaf with task map x, Jacobian J, curvature c, metric m and acceleration a adds J^T m J and J^T m (a - c).
Importing this loads warp.
"""
# ruff: noqa: ANN202 (warp infers what its functions return)
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.twin.rmpflow.kernel_types import (
    CAP_GAIN,
    CAP_METRIC,
    CAP_REGION,
    CAP_SPEED,
    JOINT_LOWER,
    JOINT_UPPER,
    flow_types,
)


@cache
def gate_function(count: int, dtype: str) -> Any:
    """The logistic function 1 / (1 + exp(-u)), without overflow."""
    T = flow_types(count, dtype).T

    @wp.func
    def gate(u: T):
        t = wp.exp(-wp.abs(u))
        top = T(1.0)
        if u < T(0.0):
            top = t
        return top / (T(1.0) + t)

    return gate


@cache
def joint_leaves(count: int, dtype: str) -> Any:
    """Leaves on single joints: posture with its inertia, joint limits, velocity cap. Starts M and f."""
    t = flow_types(count, dtype)
    T, vecn, Gains, Shape, Goals = t.T, t.vecn, t.Gains, t.Shape, t.Goals
    U, vecu, matu = t.U, t.vecu, t.matu
    least_gap = T(1.0e-6)

    @wp.func
    def limit_leaf(g: Gains, x_raw: T, speed: T, open: T):
        """Metric and acceleration of one side of one joint at scaled distance x, its rate and its gate."""
        x = wp.max(x_raw, T(0.0))
        ratio = x / g.limit_p_length
        a = g.limit_p / (ratio * ratio + g.limit_p_eps) - g.limit_d * speed
        m = open * g.limit_metric / (x / g.limit_metric_length + g.limit_metric_eps)
        return m, a

    @wp.func
    def cap_leaf(shape: Shape, i: int, qd: T):
        """Metric and acceleration of the brake on joint speed; the metric's gap to v_max is at least 1e-6."""
        over = wp.abs(qd) - (shape.joint_table[i, CAP_SPEED] - shape.joint_table[i, CAP_REGION])
        m = T(0.0)
        a = T(0.0)
        if over >= T(0.0):
            gap = wp.max(shape.joint_table[i, CAP_SPEED] - wp.abs(qd), least_gap) / shape.joint_table[i, CAP_REGION]
            m = shape.joint_table[i, CAP_METRIC] / (gap * (T(2.0) - gap))
            a = -shape.joint_table[i, CAP_GAIN] * wp.sign(qd) * over
        return m, a

    @wp.func
    def joints(g: Gains, shape: Shape, goals: Goals, e: int, order: wp.array(dtype=wp.int32), q: vecn, qd: vecn):
        M = matu()
        f = vecu()
        away = vecn()
        square = T(0.0)
        for i in range(count):
            away[i] = goals.posture[e, order[i]] - q[i]
            square += away[i] * away[i]
        pull = g.posture_p
        if square > g.posture_reach * g.posture_reach:
            pull = g.posture_p * g.posture_reach / wp.sqrt(square)
        for i in range(count):
            metric = g.posture_metric + g.posture_inertia
            force = g.posture_metric * (pull * away[i] - g.posture_d * qd[i])
            width = shape.joint_table[i, JOINT_UPPER] - shape.joint_table[i, JOINT_LOWER]
            if wp.isfinite(width):
                speed = qd[i] / width
                fading = wp.exp(-wp.abs(speed) / g.limit_gate)
                low_gate = T(1.0) / (T(1.0) + fading)
                high_gate = fading * low_gate
                if speed > T(0.0):
                    low_gate = high_gate
                    high_gate = T(1.0) / (T(1.0) + fading)
                m_low, a_low = limit_leaf(g, (q[i] - shape.joint_table[i, JOINT_LOWER]) / width, speed, low_gate)
                m_high, a_high = limit_leaf(g, (shape.joint_table[i, JOINT_UPPER] - q[i]) / width, -speed, high_gate)
                metric += (m_low + m_high) / (width * width)
                force += (m_low * a_low - m_high * a_high) / width
            m_cap, a_cap = cap_leaf(shape, i, qd[i])
            M[i, i] = U(metric + m_cap)
            f[i] = U(force + m_cap * a_cap)
        return M, f

    return joints


@cache
def pull_functions(count: int, dtype: str) -> SimpleNamespace:
    """Pull-back of leaves that live in space: a point with a 3-D metric, and a distance with a scalar one."""
    t = flow_types(count, dtype)
    T, vec3, mat33, rows, vecn = t.T, t.vec3, t.mat33, t.rows, t.vecn
    U, vec3u, mat33u, rowsu, vecu, matu = t.U, t.vec3u, t.mat33u, t.rowsu, t.vecu, t.matu
    ChainData = t.ChainData

    @wp.func
    def add_frame(
        chain: ChainData,
        Z: rows,
        P: rows,
        joint: int,
        point: vec3,
        metric: mat33,
        force: vec3,
        turn_metric: T,
        torque: vec3,
        M: matu,
        f: vecu,
    ):
        """A frame's linear metric and force at its origin, and its angular ones."""
        J = rowsu()
        K = rowsu()
        mask = chain.mask[joint]
        for i in range(count):
            if (mask >> i) & 1 == 1:
                z = Z[i]
                if chain.prismatic[i] == 1:
                    J[i] = vec3u(z)
                else:
                    J[i] = vec3u(wp.cross(z, point - P[i]))
                    K[i] = vec3u(z)
        push = vec3u(force)
        turn = vec3u(torque)
        stretch = mat33u(metric)
        swing = U(turn_metric)
        for i in range(count):
            mj = stretch * J[i]
            mk = swing * K[i]
            f[i] += wp.dot(J[i], push) + wp.dot(K[i], turn)
            for j in range(i + 1):
                M[i, j] += wp.dot(mj, J[j]) + wp.dot(mk, K[j])
        return M, f

    @wp.func
    def gradient(chain: ChainData, Z: rows, P: rows, mask: int, point: vec3, n: vec3):
        """Row (n,) of joint-space derivatives of a distance along n at a point."""
        row = vecn()
        moment = wp.cross(point, n)
        for i in range(count):
            if (mask >> i) & 1 == 1:
                z = Z[i]
                if chain.prismatic[i] == 1:
                    row[i] = wp.dot(z, n)
                else:
                    row[i] = wp.dot(z, moment - wp.cross(P[i], n))
        return row

    @wp.func
    def add_row(row: vecn, m: T, a: T, M: matu, f: vecu):
        for i in range(count):
            mr = U(m) * U(row[i])
            f[i] += mr * U(a)
            for j in range(i + 1):
                M[i, j] += mr * U(row[j])
        return M, f

    return SimpleNamespace(add_frame=add_frame, gradient=gradient, add_row=add_row)


@cache
def target_leaves(count: int, dtype: str) -> Any:
    """Leaves on the controlled frames: target, axis target, damping and inertia, for every frame."""
    t = flow_types(count, dtype)
    T, vec3, mat33, rows, vecu, matu = t.T, t.vec3, t.mat33, t.rows, t.vecu, t.matu
    ChainData, Gains, Shape, Goals = t.ChainData, t.Gains, t.Shape, t.Goals
    add_frame = pull_functions(count, dtype).add_frame
    tenth = T(0.1)

    @wp.func
    def near(square: T, sigma: T):
        return wp.exp(T(-0.5) * square / (sigma * sigma))

    @wp.func
    def goal_axes(goals: Goals, e: int, k: int):
        """Axes (3, 3) of a target in the root frame."""
        w = goals.pose[e, k, 3]
        x = goals.pose[e, k, 4]
        y = goals.pose[e, k, 5]
        z = goals.pose[e, k, 6]
        s = T(2.0) / (w * w + x * x + y * y + z * z)
        return goals.base_axes * mat33(
            T(1.0) - s * (y * y + z * z),
            s * (x * y - w * z),
            s * (x * z + w * y),
            s * (x * y + w * z),
            T(1.0) - s * (x * x + z * z),
            s * (y * z - w * x),
            s * (x * z - w * y),
            s * (y * z + w * x),
            T(1.0) - s * (x * x + y * y),
        )

    @wp.func
    def position_leaf(g: Gains, e: vec3, square: T, speed: vec3):
        """Metric (3, 3) and acceleration (3,) towards the target; speed is relative to the target's."""
        d = wp.sqrt(square)
        a = (g.target_p / (d + g.target_eps)) * e - g.target_d * speed
        alpha = (T(1.0) - g.target_alpha_min) * near(square, g.target_sigma_a) + g.target_alpha_min
        beta = near(square, g.target_sigma_b)
        boost = beta * g.target_boost + T(1.0) - beta
        n = e / wp.max(d, tenth * g.target_eps)
        far = boost * (T(1.0) - alpha) * g.target_far
        return far * wp.outer(n, n) + wp.identity(n=3, dtype=T) * (boost * alpha * g.target_near), a

    @wp.func
    def axes_torque(g: Gains, axes: mat33, goal: mat33, w: vec3, acceleration: vec3):
        """The three axis leaves together, per unit of metric: 2 I is their common metric."""
        turn = vec3()
        for k in range(3):
            turn += wp.cross(vec3(axes[0, k], axes[1, k], axes[2, k]), vec3(goal[0, k], goal[1, k], goal[2, k]))
        return g.axis_p * turn - T(2.0) * (g.axis_d * w + acceleration)

    @wp.func
    def frames(
        chain: ChainData,
        g: Gains,
        shape: Shape,
        goals: Goals,
        env: int,
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
        for k in range(shape.frame_joint.shape[0]):
            joint = shape.frame_joint[k]
            o = shape.frame_offset[k]
            r = o[0] * X[joint] + o[1] * Y[joint] + o[2] * Z[joint]
            point = P[joint] + r
            w = W[joint]
            turn = wp.cross(w, r)
            v = V[joint] + turn
            c = C[joint] + wp.cross(A[joint], r) + wp.cross(w, turn)
            speed = wp.length(v)
            brake = g.damp_metric * speed
            force = (-brake * g.damp_d * speed) * v - (brake + g.damp_inertia) * c
            metric = wp.identity(n=3, dtype=T) * (brake + g.damp_inertia)
            turn_metric = T(0.0)
            torque = vec3()
            flags = goals.flags[env, k]
            boost = T(1.0)
            if flags & 1 == 1:
                goal = vec3(goals.pose[env, k, 0], goals.pose[env, k, 1], goals.pose[env, k, 2])
                e = goals.base_origin + goals.base_axes * goal - point
                square = wp.dot(e, e)
                m, a = position_leaf(g, e, square, v - goals.base_axes * goals.velocity[env, k])
                metric += m
                force += m * (a - c)
                beta = near(square, g.axis_sigma_b)
                boost = beta * g.axis_boost + T(1.0) - beta
            if flags & 2 == 2:
                x = X[joint]
                y = Y[joint]
                z = Z[joint]
                carrier = mat33(x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2])
                relative = w - goals.base_axes * goals.turning[env, k]
                scale = g.axis_metric * boost
                turn_metric = T(2.0) * scale
                torque = scale * axes_torque(
                    g, carrier * shape.frame_axes[k], goal_axes(goals, env, k), relative, A[joint]
                )
            M, f = add_frame(chain, Z, P, joint, point, metric, force, turn_metric, torque, M, f)
        return M, f

    return frames
