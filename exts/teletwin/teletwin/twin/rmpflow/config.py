"""RMPflow's parameters and the YAML files that carry them (api 1.0, and cuMotion's 2.0)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array


def _check(group: Any) -> None:
    """Refuse a parameter that is not a finite number, or not positive where it divides."""
    for item in dataclasses.fields(group):
        value, positive = getattr(group, item.name), "positive" in item.metadata
        if not np.isfinite(value) or (positive and value <= 0.0):
            allowed = "a finite number > 0" if positive else "a finite number"
            raise ConfigError(f"RMPflow: {item.name} of {type(group).__name__}", given=value, allowed=allowed)


def _positive() -> Any:
    return field(metadata={"positive": True})


@dataclass(frozen=True, kw_only=True)
class CspaceTarget:
    """Pull of all joints to a posture: a = k_p r(q0 - q) - k_d qd, metric mu I, inertia m I."""

    metric_scalar: float
    position_gain: float
    damping_gain: float
    robust_position_term_thresh: float = _positive()
    inertia: float

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Target:
    """Pull of a frame's origin to a position."""

    accel_p_gain: float
    accel_d_gain: float
    accel_norm_eps: float = _positive()
    metric_alpha_length_scale: float = _positive()
    min_metric_alpha: float
    max_metric_scalar: float
    min_metric_scalar: float
    proximity_metric_boost_scalar: float
    proximity_metric_boost_length_scale: float = _positive()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class AxisTarget:
    """Pull of a frame's three axes to an orientation."""

    accel_p_gain: float
    accel_d_gain: float
    metric_scalar: float
    proximity_metric_boost_scalar: float
    proximity_metric_boost_length_scale: float = _positive()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class JointLimit:
    """Push away from the ends of each joint's range."""

    metric_scalar: float
    metric_length_scale: float = _positive()
    metric_exploder_eps: float = _positive()
    metric_velocity_gate_length_scale: float = _positive()
    accel_damper_gain: float
    accel_potential_gain: float
    accel_potential_exploder_length_scale: float = _positive()
    accel_potential_exploder_eps: float = _positive()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class VelocityCap:
    """Braking of a joint near its largest speed."""

    max_velocity: float = _positive()
    velocity_damping_region: float = _positive()
    damping_gain: float
    metric_weight: float

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Collision:
    """Push of the robot's spheres away from obstacles, and of its controllers from its own body."""

    damping_gain: float
    damping_std_dev: float = _positive()
    damping_robustness_eps: float = _positive()
    damping_velocity_gate_length_scale: float = _positive()
    repulsion_gain: float
    repulsion_std_dev: float = _positive()
    metric_modulation_radius: float = _positive()
    metric_scalar: float
    metric_exploder_std_dev: float = _positive()
    metric_exploder_eps: float = _positive()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Damping:
    """Speed-dependent damping and inertia of every controlled frame's origin."""

    accel_d_gain: float
    metric_scalar: float
    inertia: float

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """Bound on the norm of the joint acceleration, and how closely the projection meets it."""

    max_acceleration_norm: float = _positive()
    projection_tolerance: float = _positive()

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class BodyCapsule:
    """A capsule of the robot's own body; points (3,) [m] in the frame of its link."""

    link: str
    point1: Array
    point2: Array
    radius: float


@dataclass(frozen=True, kw_only=True)
class BodyController:
    """A ball at a frame's origin that is kept away from the body's capsules."""

    frame: str
    radius: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RmpFlowConfig:
    """All of RMPflow's parameters for one robot; SI units and radians, names as in the YAML."""

    joint_limit_buffers: Array
    """(n,) [rad or m]."""
    cspace_target: CspaceTarget
    target: Target
    axis_target: AxisTarget
    joint_limit: JointLimit
    velocity_cap: VelocityCap
    velocity_caps: dict[str, VelocityCap] = field(default_factory=dict)
    """Caps of single joints by name, in place of velocity_cap."""
    collision: Collision
    damping: Damping
    resolve: Resolve
    body_capsules: tuple[BodyCapsule, ...] = ()
    body_controllers: tuple[BodyController, ...] = ()
    maximum_substep_size_s: float = 0.00334

    def __post_init__(self) -> None:
        if not self.maximum_substep_size_s > 0.0:
            raise ConfigError("RMPflow: maximum_substep_size_s", given=self.maximum_substep_size_s, allowed="> 0")
        if np.any(np.asarray(self.joint_limit_buffers) < 0.0):
            raise ConfigError("RMPflow: joint_limit_buffers", given=self.joint_limit_buffers, allowed=">= 0")

    def cap_of(self, joint: str) -> VelocityCap:
        """The velocity cap of a joint."""
        return self.velocity_caps.get(joint, self.velocity_cap)
