"""Compiled kinematics of any chain in NVIDIA warp: one source for CPU and CUDA, float64 and float32.

Importing this module loads warp. Functions are made once for each number of joints and scalar type, so that
loops have constant bounds; the chain itself is data. Matrices (n, 3) hold one vector a row.
"""
# ruff: noqa: ANN202 (warp infers what its functions return)
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import warp as wp  # noqa: TID253

from teletwin.robot.canonical import CanonicalChain

SCALARS = {"float64": wp.float64, "float32": wp.float32}
NUMPY_SCALARS = {"float64": np.float64, "float32": np.float32}
MODULE_OPTIONS: dict[str, Any] = {"enable_backward": False, "max_unroll": 0, "fast_math": False}
"""Loops stay loops in the generated source: it compiles in seconds, and the compiler unrolls what pays."""


def own_module(name: str) -> Any:
    """A module of warp's for one kernel that is made in a function, compiled with MODULE_OPTIONS.

    A kernel's own `module_options` came only after warp 1.8.
    """
    module = wp.get_module(f"teletwin.{name}")
    module.options.update(MODULE_OPTIONS)
    return module


@cache
def chain_types(count: int, dtype: str) -> SimpleNamespace:
    """Vector and matrix types of a chain of `count` joints, and the struct that holds its data."""
    T = SCALARS[dtype]
    vec3 = wp.types.vector(length=3, dtype=T)
    mat33 = wp.types.matrix(shape=(3, 3), dtype=T)

    @wp.struct
    class ChainData:
        order: wp.array(dtype=wp.int32)
        parent: wp.array(dtype=wp.int32)
        mask: wp.array(dtype=wp.int32)
        prismatic: wp.array(dtype=wp.int32)
        translation: wp.array(dtype=vec3)
        rotation: wp.array(dtype=mat33)

    return SimpleNamespace(
        count=count,
        dtype=dtype,
        T=T,
        vec3=vec3,
        mat33=mat33,
        rows=wp.types.matrix(shape=(count, 3), dtype=T),
        vecn=wp.types.vector(length=count, dtype=T),
        matnn=wp.types.matrix(shape=(count, count), dtype=T),
        ChainData=ChainData,
    )


def chain_data(types: SimpleNamespace, chain: CanonicalChain, device: str) -> Any:
    """The data of a chain on a device."""
    scalar = NUMPY_SCALARS[types.dtype]
    data = types.ChainData()
    for name, values in (
        ("order", chain.order),
        ("parent", chain.parents),
        ("mask", chain.masks),
        ("prismatic", chain.prismatic),
    ):
        setattr(data, name, wp.array(values, dtype=wp.int32, device=device))
    data.translation = wp.array(chain.translations.astype(scalar), dtype=types.vec3, device=device)
    data.rotation = wp.array(chain.rotations.astype(scalar), dtype=types.mat33, device=device)
    return data


@cache
def pose_function(count: int, dtype: str) -> Any:
    """A warp function: q (n,) to the axes x, y, z of every joint frame and their origins, each (n, 3)."""
    t = chain_types(count, dtype)
    vec3, rows, vecn, ChainData = t.vec3, t.rows, t.vecn, t.ChainData

    @wp.func
    def chain_poses(chain: ChainData, q: vecn):
        X = rows()
        Y = rows()
        Z = rows()
        P = rows()
        for i in range(count):
            parent = chain.parent[i]
            R = chain.rotation[i]
            p = chain.translation[i]
            x = vec3(R[0, 0], R[1, 0], R[2, 0])
            y = vec3(R[0, 1], R[1, 1], R[2, 1])
            z = vec3(R[0, 2], R[1, 2], R[2, 2])
            if parent >= 0:
                bx = X[parent]
                by = Y[parent]
                bz = Z[parent]
                p = P[parent] + p[0] * bx + p[1] * by + p[2] * bz
                x = x[0] * bx + x[1] * by + x[2] * bz
                y = y[0] * bx + y[1] * by + y[2] * bz
                z = wp.cross(x, y)
            if chain.prismatic[i] == 1:
                p = p + q[i] * z
                X[i] = x
                Y[i] = y
            else:
                s = wp.sin(q[i])
                c = wp.cos(q[i])
                X[i] = c * x + s * y
                Y[i] = c * y - s * x
            Z[i] = z
            P[i] = p
        return X, Y, Z, P

    return chain_poses


@cache
def motion_function(count: int, dtype: str) -> Any:
    """A warp function: velocities and, at zero joint acceleration, accelerations of every joint frame.

    Returns angular velocity, linear velocity, angular and linear acceleration, each (n, 3); the accelerations
    are the curvature terms (dJ/dt) qd of the frames.
    """
    t = chain_types(count, dtype)
    T, vec3, rows, vecn, ChainData = t.T, t.vec3, t.rows, t.vecn, t.ChainData

    @wp.func
    def chain_motion(chain: ChainData, Z: rows, P: rows, qd: vecn):
        W = rows()
        V = rows()
        A = rows()
        C = rows()
        for i in range(count):
            parent = chain.parent[i]
            w = vec3()
            v = vec3()
            a = vec3()
            c = vec3()
            if parent >= 0:
                w = W[parent]
                a = A[parent]
                r = P[i] - P[parent]
                turn = wp.cross(w, r)
                v = V[parent] + turn
                c = C[parent] + wp.cross(a, r) + wp.cross(w, turn)
            u = qd[i] * Z[i]
            if chain.prismatic[i] == 1:
                v = v + u
                c = c + T(2.0) * wp.cross(w, u)
            else:
                a = a + wp.cross(w, u)
                w = w + u
            W[i] = w
            V[i] = v
            A[i] = a
            C[i] = c
        return W, V, A, C

    return chain_motion


@cache
def tool_kernel(count: int, dtype: str) -> Any:
    """A kernel: joint positions (batch, n) to poses (batch, 7) of one frame, seen from a given base."""
    t = chain_types(count, dtype)
    T, vec3, mat33, vecn, ChainData = t.T, t.vec3, t.mat33, t.vecn, t.ChainData
    chain_poses = pose_function(count, dtype)

    @wp.kernel(enable_backward=False, module=own_module(f"tool_pose_{count}_{dtype}"))
    def tool_pose(
        chain: ChainData,
        joint: wp.int32,
        offset: vec3,
        axes: mat33,
        base: mat33,
        q_in: wp.array2d(dtype=T),
        pose: wp.array2d(dtype=T),
    ):
        e = wp.tid()
        q = vecn()
        for i in range(count):
            q[i] = q_in[e, chain.order[i]]
        X, Y, Z, P = chain_poses(chain, q)
        x = X[joint]
        y = Y[joint]
        z = Z[joint]
        carrier = mat33(x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2])
        p = base * (P[joint] + carrier * offset)
        R = base * carrier * axes
        for i in range(3):
            pose[e, i] = p[i]
        trace = R[0, 0] + R[1, 1] + R[2, 2]
        if trace > T(0.0):
            s = T(2.0) * wp.sqrt(trace + T(1.0))
            pose[e, 3] = T(0.25) * s
            pose[e, 4] = (R[2, 1] - R[1, 2]) / s
            pose[e, 5] = (R[0, 2] - R[2, 0]) / s
            pose[e, 6] = (R[1, 0] - R[0, 1]) / s
        else:
            i = wp.int32(0)
            if R[1, 1] > R[0, 0]:
                i = wp.int32(1)
            if R[2, 2] > R[i, i]:
                i = wp.int32(2)
            j = (i + 1) % 3
            k = (i + 2) % 3
            s = T(2.0) * wp.sqrt(T(1.0) + R[i, i] - R[j, j] - R[k, k])
            sign = T(1.0)
            if R[k, j] < R[j, k]:
                sign = T(-1.0)
            pose[e, 3] = sign * (R[k, j] - R[j, k]) / s
            pose[e, 4 + i] = sign * T(0.25) * s
            pose[e, 4 + j] = sign * (R[j, i] + R[i, j]) / s
            pose[e, 4 + k] = sign * (R[k, i] + R[i, k]) / s

    return tool_pose
