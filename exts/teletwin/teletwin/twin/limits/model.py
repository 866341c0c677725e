"""The structs that the limits' kernel works on: the arm with its limits, and the state of every arm; loads warp."""
# Annotations of kernels are warp types, which a static checker takes for variables.
# pyright: reportInvalidTypeForm=false, reportCallIssue=false

from functools import cache
from types import SimpleNamespace

import warp as wp  # noqa: TID253

from teletwin.robot.warp_chain import chain_types

PAIR, PLANE, BOX, BALL = range(4)
"""Kinds of a check: two capsules apart, above a plane, outside a box, inside a ball."""

NONE, INPUT, RANGE, SPEED, BODY_SPEED, ACCELERATION = range(6)
"""What holds an arm back most."""
CHECK = 15
"""Reason CHECK + k is check number k, counted from 1."""


@cache
def limits_types(count: int) -> SimpleNamespace:
    """The types of a chain of `count` joints and the structs of the limits; float64, joints in the chain's order."""
    chain = chain_types(count, "float64")
    vec3, mat33 = chain.vec3, chain.mat33

    @wp.struct
    class Limits:
        lower: wp.array(dtype=wp.float64)
        upper: wp.array(dtype=wp.float64)
        speed: wp.array(dtype=wp.float64)
        acceleration: wp.array(dtype=wp.float64)
        jerk: wp.array(dtype=wp.float64)
        ramp_s: wp.float64
        capsule_joint: wp.array(dtype=wp.int32)
        capsule_a: wp.array(dtype=vec3)
        capsule_b: wp.array(dtype=vec3)
        capsule_radius: wp.array(dtype=wp.float64)
        capsule_is_tool: wp.array(dtype=wp.int32)
        obstacle_center: wp.array(dtype=vec3)
        obstacle_axes: wp.array(dtype=mat33)
        obstacle_size: wp.array(dtype=vec3)
        check_kind: wp.array(dtype=wp.int32)
        check_capsule: wp.array(dtype=wp.int32)
        check_other: wp.array(dtype=wp.int32)
        check_margin: wp.array(dtype=wp.float64)
        check_reach: wp.array2d(dtype=wp.float64)
        speed_reach: wp.array(dtype=wp.float64)

    @wp.struct
    class State:
        desired: wp.array2d(dtype=wp.float64)
        desired_v: wp.array2d(dtype=wp.float64)
        has_velocity: wp.array(dtype=wp.int32)
        hold: wp.array(dtype=wp.int32)
        dt: wp.array(dtype=wp.float64)
        joint_speed_cap: wp.array(dtype=wp.float64)
        body_speed_cap: wp.array(dtype=wp.float64)
        tool_speed_cap: wp.array(dtype=wp.float64)
        command: wp.array2d(dtype=wp.float64)
        command_v: wp.array2d(dtype=wp.float64)
        q: wp.array2d(dtype=wp.float64)
        v: wp.array2d(dtype=wp.float64)
        a: wp.array2d(dtype=wp.float64)
        dt_before: wp.array(dtype=wp.float64)
        target: wp.array2d(dtype=wp.float64)
        target_v: wp.array2d(dtype=wp.float64)
        target_a: wp.array2d(dtype=wp.float64)
        given_v: wp.array2d(dtype=wp.float64)
        plan_q: wp.array2d(dtype=wp.float64)
        plan_v: wp.array2d(dtype=wp.float64)
        plan_a: wp.array2d(dtype=wp.float64)
        plan_flat_s: wp.array(dtype=wp.float64)
        plan_at_s: wp.array(dtype=wp.float64)
        speed_ratio: wp.array(dtype=wp.float64)
        capsule_a: wp.array2d(dtype=vec3)
        capsule_b: wp.array2d(dtype=vec3)
        clearance: wp.array2d(dtype=wp.float64)
        last: wp.array2d(dtype=wp.float64)
        is_needed: wp.array2d(dtype=wp.int32)
        flags: wp.array(dtype=wp.int32)
        reason: wp.array(dtype=wp.int32)
        refused: wp.array(dtype=wp.int32)

    return SimpleNamespace(**vars(chain), Limits=Limits, State=State)
