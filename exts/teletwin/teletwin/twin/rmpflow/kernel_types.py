"""Structs that carry RMPflow's parameters and the robot's shape into the kernel. Importing this loads warp."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportIndexIssue=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportArgumentType=false, reportGeneralTypeIssues=false, reportAttributeAccessIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import chain_types

SPHERE = 0
BOX = 1
PLANE = 2

JOINT_LOWER, JOINT_UPPER, CAP_SPEED, CAP_REGION, CAP_GAIN, CAP_METRIC = range(6)
"""Columns of the table of joint parameters."""
ROWS = 24
"""So many borders act on one arm at once, those that ask most."""


@cache
def flow_types(count: int, dtype: str) -> SimpleNamespace:
    """The types of a chain, those of the sums (ending in u), and the structs of RMPflow, for `count` joints."""
    chain = chain_types(count, dtype)
    T, vec3, mat33 = chain.T, chain.vec3, chain.mat33

    @wp.struct
    class Gains:
        posture_metric: T
        posture_p: T
        posture_d: T
        posture_reach: T
        posture_inertia: T
        target_p: T
        target_d: T
        target_eps: T
        target_sigma_a: T
        target_alpha_min: T
        target_near: T
        target_far: T
        target_boost: T
        target_sigma_b: T
        axis_p: T
        axis_d: T
        axis_metric: T
        axis_boost: T
        axis_sigma_b: T
        limit_metric: T
        limit_metric_length: T
        limit_metric_eps: T
        limit_gate: T
        limit_d: T
        limit_p: T
        limit_p_length: T
        limit_p_eps: T
        body_d: T
        body_d_length: T
        body_d_eps: T
        body_gate: T
        body_p: T
        body_p_length: T
        body_radius: T
        body_metric: T
        body_metric_length: T
        body_metric_eps: T
        damp_d: T
        damp_metric: T
        damp_inertia: T
        accel_max: T
        accel_tol: T

    @wp.struct
    class Shape:
        joint_table: wp.array2d(dtype=T)
        frame_joint: wp.array(dtype=wp.int32)
        frame_offset: wp.array(dtype=vec3)
        frame_axes: wp.array(dtype=mat33)
        ball_joint: wp.array(dtype=wp.int32)
        ball_center: wp.array(dtype=vec3)
        ball_radius: wp.array(dtype=T)
        guard_joint: wp.array(dtype=wp.int32)
        guard_offset: wp.array(dtype=vec3)
        guard_radius: wp.array(dtype=T)
        guard_weight: wp.array(dtype=T)
        capsule_joint: wp.array(dtype=wp.int32)
        capsule_a: wp.array(dtype=vec3)
        capsule_b: wp.array(dtype=vec3)
        capsule_radius: wp.array(dtype=T)

    @wp.struct
    class Scene:
        count: wp.array(dtype=wp.int32)
        kind: wp.array(dtype=wp.int32)
        center: wp.array(dtype=vec3)
        axes: wp.array(dtype=mat33)
        size: wp.array(dtype=vec3)

    @wp.struct
    class Walls:
        time_s: wp.float64
        return_s: wp.float64
        gain: wp.float64
        metric: wp.float64
        outward_m: wp.float64
        look: wp.float64
        calm_metric: wp.float64
        calm_gain: wp.float64
        lower: wp.array(dtype=wp.float64)
        upper: wp.array(dtype=wp.float64)
        fastest: wp.array(dtype=wp.float64)
        acceleration: wp.array(dtype=wp.float64)
        jerk: wp.array(dtype=wp.float64)
        bent: wp.array(dtype=wp.float64)
        calm: wp.array(dtype=wp.float64)
        side: wp.vec3i
        side_point: vec3
        side_m: wp.float64
        line: wp.array3d(dtype=wp.float64)
        bound: wp.array2d(dtype=wp.float64)
        number: wp.array2d(dtype=wp.int32)
        held_by: wp.array(dtype=wp.int32)

    @wp.struct
    class Goals:
        base_axes: mat33
        base_origin: vec3
        posture: wp.array2d(dtype=T)
        flags: wp.array2d(dtype=wp.int32)
        pose: wp.array3d(dtype=T)
        velocity: wp.array2d(dtype=vec3)
        turning: wp.array2d(dtype=vec3)

    # Sums in float64: near a target the metric's eigenvalues span four decades, too many for float32.
    U = wp.float64
    sums = {
        "U": U,
        "vec3u": wp.types.vector(length=3, dtype=U),
        "mat33u": wp.types.matrix(shape=(3, 3), dtype=U),
        "rowsu": wp.types.matrix(shape=(count, 3), dtype=U),
        "vecu": wp.types.vector(length=count, dtype=U),
        "matu": wp.types.matrix(shape=(count, count), dtype=U),
    }
    return SimpleNamespace(**vars(chain), **sums, Gains=Gains, Shape=Shape, Scene=Scene, Walls=Walls, Goals=Goals)
