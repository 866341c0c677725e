"""Turns a robot and a configuration into the structs that the kernel reads."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.canonical import CanonicalChain
from teletwin.robot.model import Robot
from teletwin.twin.rmpflow.config import RmpFlowConfig


def gains_struct(types: SimpleNamespace, config: RmpFlowConfig) -> Any:
    """The scalar parameters."""
    posture, target, axis = config.cspace_target, config.target, config.axis_target
    limit, body, damp, resolve = config.joint_limit, config.collision, config.damping, config.resolve
    values = {
        "posture_metric": posture.metric_scalar,
        "posture_p": posture.position_gain,
        "posture_d": posture.damping_gain,
        "posture_reach": posture.robust_position_term_thresh,
        "posture_inertia": posture.inertia,
        "target_p": target.accel_p_gain,
        "target_d": target.accel_d_gain,
        "target_eps": target.accel_norm_eps,
        "target_sigma_a": target.metric_alpha_length_scale,
        "target_alpha_min": target.min_metric_alpha,
        "target_near": target.max_metric_scalar,
        "target_far": target.min_metric_scalar,
        "target_boost": target.proximity_metric_boost_scalar,
        "target_sigma_b": target.proximity_metric_boost_length_scale,
        "axis_p": axis.accel_p_gain,
        "axis_d": axis.accel_d_gain,
        "axis_metric": axis.metric_scalar,
        "axis_boost": axis.proximity_metric_boost_scalar,
        "axis_sigma_b": axis.proximity_metric_boost_length_scale,
        "limit_metric": limit.metric_scalar,
        "limit_metric_length": limit.metric_length_scale,
        "limit_metric_eps": limit.metric_exploder_eps,
        "limit_gate": limit.metric_velocity_gate_length_scale,
        "limit_d": limit.accel_damper_gain,
        "limit_p": limit.accel_potential_gain,
        "limit_p_length": limit.accel_potential_exploder_length_scale,
        "limit_p_eps": limit.accel_potential_exploder_eps,
        "body_d": body.damping_gain,
        "body_d_length": body.damping_std_dev,
        "body_d_eps": body.damping_robustness_eps,
        "body_gate": body.damping_velocity_gate_length_scale,
        "body_p": body.repulsion_gain,
        "body_p_length": body.repulsion_std_dev,
        "body_radius": body.metric_modulation_radius,
        "body_metric": body.metric_scalar,
        "body_metric_length": body.metric_exploder_std_dev,
        "body_metric_eps": body.metric_exploder_eps,
        "damp_d": damp.accel_d_gain,
        "damp_metric": damp.metric_scalar,
        "damp_inertia": damp.inertia,
        "accel_max": resolve.max_acceleration_norm,
        "accel_tol": resolve.projection_tolerance,
    }
    gains = types.Gains()
    for name, value in values.items():
        setattr(gains, name, types.T(value))
    return gains


def _joint_table(robot: Robot, config: RmpFlowConfig, order: Sequence[int]) -> Array:
    chain = robot.chain
    buffers = np.asarray(config.joint_limit_buffers, dtype=np.float64)
    if buffers.size == 0:
        buffers = np.zeros(chain.joint_count)
    if buffers.shape != (chain.joint_count,):
        raise ConfigError("RMPflow: joint_limit_buffers", given=buffers.size, allowed=f"{chain.joint_count} numbers")
    caps = [config.cap_of(name) for name in chain.joint_names]
    columns = [
        chain.lower + buffers,
        chain.upper - buffers,
        [cap.max_velocity for cap in caps],
        [cap.velocity_damping_region for cap in caps],
        [cap.damping_gain for cap in caps],
        [cap.metric_weight for cap in caps],
    ]
    if np.any(columns[0] >= columns[1]):
        raise ConfigError("RMPflow: joint_limit_buffers leave a joint no range", given=buffers.tolist())
    return np.column_stack(columns)[list(order)]


def _guards(robot: Robot, config: RmpFlowConfig, shape: CanonicalChain) -> list[tuple[int, Array, float, float]]:
    """Controllers as (joint, offset, radius, weight); those at the same place with the same radius are merged."""
    guards: list[tuple[int, Array, float, float]] = []
    for controller in config.body_controllers:
        joint, offset, _ = shape.place(robot.chain.frame(controller.frame))
        if joint < 0:
            raise ConfigError("RMPflow: a body_collision_controller does not move", given=controller.frame)
        for k, (other, place, radius, weight) in enumerate(guards):
            if other == joint and radius == controller.radius and np.allclose(place, offset, atol=1e-15):
                guards[k] = (joint, place, radius, weight + 1.0)
                break
        else:
            guards.append((joint, offset, controller.radius, 1.0))
    return guards


def shape_struct(
    types: SimpleNamespace,
    robot: Robot,
    config: RmpFlowConfig,
    chain: CanonicalChain,
    frames: Sequence[str],
    device: str,
) -> Any:
    """Joint parameters, controlled frames, spheres, controllers and capsules on a device."""
    import warp as wp

    scalar = np.float64 if types.dtype == "float64" else np.float32

    def array(values: Sequence[Any], dtype: Any, *shape: int) -> Any:
        kind = np.int32 if dtype is wp.int32 else scalar
        return wp.array(np.array(values, dtype=kind).reshape(len(values), *shape), dtype=dtype, device=device)

    places = [chain.place(robot.chain.frame(name)) for name in frames]
    for name, place in zip(frames, places, strict=True):
        if place[0] < 0:
            raise ConfigError("RMPflow: a controlled frame does not move", given=name)
    balls = [(*chain.place(robot.chain.frame(ball.link))[:], ball) for ball in robot.spheres]
    balls = [ball for ball in balls if ball[0] >= 0]  # what does not move cannot avoid anything
    guards = _guards(robot, config, chain)
    capsules = [(*chain.place(robot.chain.frame(body.link)), body) for body in config.body_capsules]
    out = types.Shape()
    out.joint_table = wp.array(_joint_table(robot, config, chain.order.tolist()).astype(scalar), device=device)
    out.frame_joint = array([p[0] for p in places], wp.int32)
    out.frame_offset = array([p[1] for p in places], types.vec3, 3)
    out.frame_axes = array([p[2] for p in places], types.mat33, 3, 3)
    out.ball_joint = array([b[0] for b in balls], wp.int32)
    out.ball_center = array([b[1] + b[2] @ b[3].center for b in balls], types.vec3, 3)
    out.ball_radius = array([b[3].radius for b in balls], types.T)
    out.guard_joint = array([g[0] for g in guards], wp.int32)
    out.guard_offset = array([g[1] for g in guards], types.vec3, 3)
    out.guard_radius = array([g[2] for g in guards], types.T)
    out.guard_weight = array([g[3] for g in guards], types.T)
    out.capsule_joint = array([c[0] for c in capsules], wp.int32)
    out.capsule_a = array([c[1] + c[2] @ c[3].point1 for c in capsules], types.vec3, 3)
    out.capsule_b = array([c[1] + c[2] @ c[3].point2 for c in capsules], types.vec3, 3)
    out.capsule_radius = array([c[3].radius for c in capsules], types.T)
    return out
