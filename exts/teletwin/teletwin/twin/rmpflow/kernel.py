"""RMPflow's one kernel: evaluates all leaves, resolves, and integrates. Importing this loads warp.

One thread serves one arm. The same source serves CPU and CUDA, float64 and float32, any chain.
"""
# ruff: noqa: ANN202 (warp infers what its functions return)
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from typing import Any

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import motion_function, own_module, pose_function
from teletwin.twin.limits.model import limits_types
from teletwin.twin.rmpflow.kernel_collision import body_leaves, obstacle_leaves
from teletwin.twin.rmpflow.kernel_keep import border_functions
from teletwin.twin.rmpflow.kernel_leaves import joint_leaves, target_leaves
from teletwin.twin.rmpflow.kernel_resolve import resolve_function
from teletwin.twin.rmpflow.kernel_types import flow_types


@cache
def gather_function(count: int, dtype: str) -> Any:
    """A warp function: metric (lower triangle) and force of all leaves at (q, qd)."""
    t = flow_types(count, dtype)
    rows, vecn, ChainData, Gains, Shape = t.rows, t.vecn, t.ChainData, t.Gains, t.Shape
    Scene, Goals = t.Scene, t.Goals
    joints, frames = joint_leaves(count, dtype), target_leaves(count, dtype)
    bodies, obstacles = body_leaves(count, dtype), obstacle_leaves(count, dtype)

    @wp.func
    def gather(
        chain: ChainData,
        g: Gains,
        shape: Shape,
        scene: Scene,
        goals: Goals,
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
    ):
        M, f = joints(g, shape, goals, e, chain.order, q, qd)
        M, f = frames(chain, g, shape, goals, e, X, Y, Z, P, W, V, A, C, M, f)
        M, f = bodies(chain, g, shape, X, Y, Z, P, W, V, A, C, M, f)
        if scene.count[0] > 0:
            M, f = obstacles(chain, g, shape, scene, X, Y, Z, P, W, V, A, C, M, f)
        return M, f

    return gather


@cache
def flow_kernel(count: int, dtype: str) -> Any:
    """The kernel. substeps[0] = 0 evaluates only; else q and qd advance by that many explicit Euler steps of h[0].

    Acceleration, metric and force of the last evaluation go to their arrays; the latter two only if these
    have a row for every arm. A step that is not finite is not taken; refused counts it.
    """
    t = flow_types(count, dtype)
    T, vecn, ChainData, Gains, Shape, Scene, Goals = t.T, t.vecn, t.ChainData, t.Gains, t.Shape, t.Scene, t.Goals
    Walls, Limits, State = t.Walls, limits_types(count).Limits, limits_types(count).State
    poses, motion = pose_function(count, dtype), motion_function(count, dtype)
    gather, resolve = gather_function(count, dtype), resolve_function(count, dtype)
    borders = border_functions(count, dtype)
    calm, keep_borders, paced = borders.calm, borders.keep_borders, borders.paced

    @wp.kernel(enable_backward=False, module=own_module(f"rmpflow_{count}_{dtype}"))
    def rmpflow(
        chain: ChainData,
        gains: Gains,
        shape: Shape,
        scene: Scene,
        goals: Goals,
        walls: Walls,
        limits: Limits,
        places: State,
        substeps: wp.array(dtype=wp.int32),
        h: wp.array(dtype=T),
        first: wp.int32,
        q: wp.array2d(dtype=T),
        qd: wp.array2d(dtype=T),
        acceleration: wp.array2d(dtype=T),
        metric: wp.array3d(dtype=T),
        force: wp.array2d(dtype=T),
        refused: wp.array(dtype=wp.int32),
    ):
        e = wp.tid() + first
        position = vecn()
        velocity = vecn()
        for i in range(count):
            position[i] = q[e, chain.order[i]]
            velocity[i] = qd[e, chain.order[i]]
        a = vecn()
        before = vecn()
        for i in range(count):
            before[i] = acceleration[e, chain.order[i]]
        for _ in range(wp.max(substeps[0], 1)):
            X, Y, Z, P = poses(chain, position)
            W, V, A, C = motion(chain, Z, P, velocity)
            M, f = gather(chain, gains, shape, scene, goals, e, position, velocity, X, Y, Z, P, W, V, A, C)
            if walls.lower.shape[0] > 0:
                M, f = calm(walls, position, velocity, M, f)
                wanted = keep_borders(
                    chain,
                    walls,
                    limits,
                    places,
                    e,
                    position,
                    velocity,
                    X,
                    Y,
                    Z,
                    P,
                    W,
                    V,
                    A,
                    C,
                    gains,
                    M,
                    f,
                )
                a = vecn(wanted)
                if substeps[0] > 0:
                    a = paced(walls, a, before, h[0])
                    before = a
            else:
                a = vecn(resolve(gains, M, f))
            if e < metric.shape[0]:
                for i in range(count):
                    force[e, chain.order[i]] = T(f[i])
                    for j in range(i + 1):
                        metric[e, chain.order[i], chain.order[j]] = T(M[i, j])
                        metric[e, chain.order[j], chain.order[i]] = T(M[i, j])
            if substeps[0] > 0:
                position = position + h[0] * velocity
                velocity = velocity + h[0] * a
        sound = wp.isfinite(wp.dot(position, position) + wp.dot(velocity, velocity))
        if not sound:
            refused[e] = refused[e] + 1
            a = vecn()
        for i in range(count):
            acceleration[e, chain.order[i]] = a[i]
            if substeps[0] > 0 and sound:
                q[e, chain.order[i]] = position[i]
                qd[e, chain.order[i]] = velocity[i]

    return rmpflow
