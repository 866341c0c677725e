"""What a motion policy keeps clear of: the limits' own bodies, obstacles, workspace and joint ends, a little earlier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.robot import JointLimits, Robot, WorkspaceLimits
from teletwin.robot.obstacles import Obstacle
from teletwin.twin.limits.scene import PAIR, Margins, Scene, build_scene
from teletwin.twin.rmpflow.config import RmpFlowConfig

RANGE_REASON = "joint range"
SPEED_MAX = 2.5
"""Joints are no faster [rad/s]; the stock parameters, 2.15 with a soft edge, lose fast hands near the axis of the base."""
_SPEED_SHARE = 0.95
"""Joints are no faster than this share of their limits."""
_RATE_SHARE = 0.98
"""The same for their acceleration and jerk."""
UR3E_BENT: Mapping[str, float] = {"elbow_joint": 0.1}
"""Costs 0.6 mm of reach, and saves the elbow from flipping and the tool from a direction in which it cannot move."""
UR3E_CALM: Mapping[str, float] = {"wrist_2_joint": 0.35}
"""Near 0 wrist 1 and wrist 3 turn about the same axis, and would spin against each other."""
_SCALARS = ("time_s", "return_s", "gain", "metric", "outward_m", "look", "calm_metric", "calm_gain")
_BY_JOINT = ("lower", "upper", "fastest", "acceleration", "jerk", "bent", "calm")


@dataclass(frozen=True, kw_only=True)
class Barrier:
    """A border that the arm nears at most at distance / time_s; what nears it faster is braked, nothing is pushed."""

    buffer_m: float = 0.004
    """Distance between this border and that of the limits, which stay idle while the arm stands at this one."""
    buffer_rad: float = 0.02
    """The same at the ends of joints."""
    time_s: float = 0.1
    """Longer than the limits take to stop, so that these never brake first."""
    return_s: float = 0.04
    """The same behind the border."""
    gain: float = 100.0
    """[1/s]; a tick of 2 ms takes 0.2 of an excess away."""
    metric: float = 1.0e8
    """Weight of a border against the others and against RMPflow's leaves, 2e5 at most near a target."""
    outward_m: float = 0.01
    """An arm that is further behind a border than this leaves it no faster."""
    look: float = 40.0
    """Borders that allow more acceleration than this towards them cannot matter [m/s^2 or rad/s^2]."""
    calm_metric: float = 3000.0
    """Weight of the damping where the arm is singular; the target's axes have 6e4 times the square of the sine."""
    calm_gain: float = 40.0
    """[1/s]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KeepClear:
    """Everything that a robot's motion policy keeps clear of."""

    scene: Scene
    """The limits' scene with margins that are wider by the barrier's buffer."""
    lower: Array
    """Ends of the joints (n,) in c-space order [rad or m]."""
    upper: Array
    fastest: Array
    """Largest speeds (n,) [rad/s or m/s]."""
    acceleration: Array
    """Largest accelerations (n,) [rad/s^2 or m/s^2]."""
    jerk: Array
    """Largest jerk (n,) [rad/s^3 or m/s^3]."""
    bent: Array
    """Least bend |q| (n,) of joints that must not pass 0, where the arm is straight; 0 for those that may."""
    calm: Array
    """Angle |q| (n,) of joints below which two others turn about one axis, and all are damped; 0 for none."""
    joint_names: tuple[str, ...]
    barrier: Barrier = field(default_factory=Barrier)

    @property
    def names(self) -> tuple[str, ...]:
        """What holds the arm back, by the number that the kernel writes."""
        straight = [f"{name.removesuffix('_joint').replace('_', ' ')} straight" for name in self.joint_names]
        return ("", *self.scene.check_names, *[RANGE_REASON] * len(straight), *straight)


def keep_clear(
    robot: Robot,
    *,
    joints: JointLimits | None = None,
    workspace: WorkspaceLimits | None = None,
    obstacles: Sequence[Obstacle] = (),
    margins: Margins | None = None,
    bent: Mapping[str, float] = UR3E_BENT,
    calm: Mapping[str, float] = UR3E_CALM,
    barrier: Barrier | None = None,
) -> KeepClear:
    """What a `CommandLimiter` with the same arguments enforces, as a motion policy needs it."""
    joints, barrier, own = joints or JointLimits(), barrier or Barrier(), margins or Margins()
    wider = replace(
        own,
        body_m=own.body_m + barrier.buffer_m,
        obstacle_m=own.obstacle_m + barrier.buffer_m,
        workspace_m=own.workspace_m + barrier.buffer_m,
    )
    workspace = workspace or WorkspaceLimits()
    return KeepClear(
        scene=build_scene(robot, joints=joints, workspace=workspace, obstacles=obstacles, margins=wider),
        lower=joints.lower + barrier.buffer_rad,
        upper=joints.upper - barrier.buffer_rad,
        fastest=np.minimum(_SPEED_SHARE * joints.velocity, SPEED_MAX),
        acceleration=_RATE_SHARE * joints.acceleration,
        jerk=_RATE_SHARE * joints.jerk,
        bent=np.array([bent.get(name, 0.0) for name in robot.chain.joint_names]),
        calm=np.array([calm.get(name, 0.0) for name in robot.chain.joint_names]),
        joint_names=tuple(robot.chain.joint_names),
        barrier=barrier,
    )


def without_cap(config: RmpFlowConfig) -> RmpFlowConfig:
    """The configuration without its own caps on joint speed."""
    return replace(config, velocity_cap=replace(config.velocity_cap, metric_weight=0.0), velocity_caps={})


def barrier_structs(types: Any, clear: KeepClear | None, *, order: Array, batch: int, device: str) -> list[Any]:
    """Structs `Walls`, `Limits` and `State` of the kernel, of which the last two hold geometry alone."""
    import warp as wp

    from teletwin.twin.limits.model import limits_types
    from teletwin.twin.rmpflow.kernel_types import ROWS

    t = limits_types(types.count)
    walls, limits, state = types.Walls(), t.Limits(), t.State()
    scene = clear.scene if clear else None
    kinds = {"capsule_a": t.vec3, "capsule_b": t.vec3, "obstacle_center": t.vec3, "obstacle_axes": t.mat33}
    kinds |= {"obstacle_size": t.vec3  , "check_names": None, "speed_reach": None}
    for name in Scene.__dataclass_fields__ if scene else ():
        values = getattr(scene, name)
        kind = kinds.get(name, wp.int32 if name.endswith(("joint", "tool", "kind", "capsule", "other")) else wp.float64)
        if kind is not None:
            setattr(limits, name, wp.array(values, dtype=kind, device=device))
    capsules = len(scene.capsule_joint) if scene else 0
    for name in ("capsule_a", "capsule_b"):
        setattr(state, name, wp.zeros((batch, capsules), dtype=t.vec3, device=device))
    checks = len(scene.check_kind) if scene else 0
    state.q = wp.zeros((batch, types.count), dtype=wp.float64, device=device)
    state.clearance = wp.full((batch, checks), wp.float64(-1e3), dtype=wp.float64, device=device)
    state.is_needed = wp.zeros((batch, checks), dtype=wp.int32, device=device)
    barrier = clear.barrier if clear else Barrier()
    for name in _SCALARS:
        setattr(walls, name, wp.float64(getattr(barrier, name)))
    for name in _BY_JOINT:
        values = getattr(clear, name)[order] if clear else np.zeros(0)
        setattr(walls, name, wp.array(values, dtype=wp.float64, device=device))
    walls.line = wp.zeros((batch, ROWS, types.count), dtype=wp.float64, device=device)
    walls.bound = wp.zeros((batch, ROWS), dtype=wp.float64, device=device)
    walls.number = wp.zeros((batch, ROWS), dtype=wp.int32, device=device)
    walls.held_by = wp.zeros(batch, dtype=wp.int32, device=device)
    return [walls, limits, state]
