"""What a motion policy keeps clear of: the bodies, obstacles, workspace and joint limits that the limits enforce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.robot import JointLimits, Robot, WorkspaceLimits
from teletwin.robot.canonical import CanonicalChain, canonical
from teletwin.robot.chain import SerialChain
from teletwin.robot.obstacles import Obstacle
from teletwin.safety import MotionLimits
from teletwin.twin.limits.scene import WORKSPACE_BALL, WORKSPACE_FLOOR, Margins, Scene, build_scene
from teletwin.twin.rmpflow.config import RmpFlowConfig

RANGE_REASON = "joint range"
SIDE_REASON = "wrist over shoulder"
SPEED_MAX = 2.5
"""Joints are no faster [rad/s]; the stock parameters' cap, 2.15 with a soft edge, shakes there and loses fast hands."""
_SPEED_SHARE = 0.95
"""Joints are no faster than this share of their limits."""
_ACCELERATION_SHARE, _JERK_SHARE = 1.25, 4.0
"""The same for their acceleration and jerk: more than the limits, which cut the rest. Where targets come in steps both
are high in every tick, and a policy that kept to the limits itself would follow with less than its gain."""
UR3E_BENT: Mapping[str, float] = {"elbow_joint": 0.1}
"""Costs 0.6 mm of reach, and saves the elbow from flipping and the tool from a direction in which it cannot move."""
UR3E_CALM: Mapping[str, float] = {"wrist_2_joint": 0.35}
"""Near 0 wrist 1 and wrist 3 turn about the same axis, and would spin against each other."""
_SCALARS = ("time_s", "return_s", "gain", "metric", "outward_m", "look", "calm_metric", "calm_gain")
_BY_JOINT = ("lower", "upper", "fastest", "acceleration", "jerk", "bent", "calm")
_UNKNOWN_M = -1e3


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
    look: float = 25.0
    """Borders that allow more acceleration than this towards them cannot matter [m/s^2 or rad/s^2]."""
    calm_metric: float = 3000.0
    """Weight of the damping where the arm is singular; the target's axes have 6e4 times the square of the sine."""
    calm_gain: float = 40.0
    """[1/s]."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """A frame that stays on its side of an arm's first axis, seen along the plane in which the arm is lifted."""

    turn: str
    """Joint whose axis is not passed."""
    lift: str
    """Joint about which the arm is lifted."""
    frame: str
    margin_m: float
    """Least distance of the frame's origin from the axis."""


UR3E_SIDE = Side(turn="shoulder_pan_joint", lift="shoulder_lift_joint", frame="wrist_2_link", margin_m=0.03)
"""Reaching backward over its own shoulder the arm reaches less far, and never finds back."""


@dataclass(frozen=True, kw_only=True, eq=False)
class KeepClear:
    """Everything that a robot's motion policy keeps clear of; arrays (n,) are in c-space order."""

    scene: Scene
    """The limits' scene with margins that are wider by the barrier's buffer."""
    lower: Array
    """Ends of the joints (n,) [rad or m]."""
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
    side: Side | None = None
    barrier: Barrier = field(default_factory=Barrier)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What holds the arm back, by the number that the kernel writes; joints by their number in its chain."""
        straight, ends = [_straight(name) for name in self.joint_names], [RANGE_REASON] * len(self.joint_names)
        return ("", *self.scene.check_names, *ends, *straight, SIDE_REASON)


def _straight(joint: str) -> str:
    return f"{joint.removesuffix('_joint').replace('_', ' ')} straight"


def keep_clear(
    robot: Robot,
    *,
    joints: JointLimits | None = None,
    workspace: WorkspaceLimits | None = None,
    obstacles: Sequence[Obstacle] = (),
    margins: Margins | None = None,
    bent: Mapping[str, float] = UR3E_BENT,
    calm: Mapping[str, float] = UR3E_CALM,
    side: Side | None = UR3E_SIDE,
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
    workspace, names = workspace or WorkspaceLimits(), tuple(robot.chain.joint_names)
    return KeepClear(
        scene=build_scene(robot, joints=joints, workspace=workspace, obstacles=obstacles, margins=wider),
        lower=joints.lower + barrier.buffer_rad,
        upper=joints.upper - barrier.buffer_rad,
        fastest=np.minimum(_SPEED_SHARE * joints.velocity, SPEED_MAX),
        acceleration=_ACCELERATION_SHARE * joints.acceleration,
        jerk=_JERK_SHARE * joints.jerk,
        bent=np.array([bent.get(name, 0.0) for name in names]),
        calm=np.array([calm.get(name, 0.0) for name in names]),
        joint_names=names,
        side=side if side is not None and {side.turn, side.lift} <= set(names) else None,
        barrier=barrier,
    )


def without_cap(config: RmpFlowConfig) -> RmpFlowConfig:
    """The configuration without its own caps on joint speed."""
    return replace(config, velocity_cap=replace(config.velocity_cap, metric_weight=0.0), velocity_caps={})


class Borders:
    """The kernel's structs of what is kept clear of, for all arms of a batch; empty without it."""

    def __init__(self, types: Any, clear_of: KeepClear | None, *, chain: SerialChain, batch: int, device: str) -> None:
        shape = canonical(chain)
        order = shape.order
        self._clear, self._order = clear_of, order
        walls, limits, state = _walls(types, clear_of, order, batch, device), *_places(types, clear_of, batch, device)
        _set_side(types, walls, clear_of, chain, shape)
        self.structs: tuple[Any, Any, Any] = (walls, limits, state)
        """`Walls`, and the `Limits` and `State` of the limits, of which only the geometry is filled."""
        self._held_by = walls.held_by.numpy() if device == "cpu" else None  # a view, as every tick asks
        self._reasons: tuple[str, ...] = ("",)
        if clear_of is not None:
            joints = [clear_of.joint_names[j] for j in order]
            self._reasons = replace(clear_of, joint_names=tuple(joints)).reasons

    def held_by(self, arm: int = 0) -> str:
        """What holds an arm back most, for example 'wrist 3 to table'; empty when nothing does."""
        held_by = self.structs[0].held_by.numpy() if self._held_by is None else self._held_by
        return self._reasons[int(held_by[arm])]

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to a session's limits as far as they are tighter, from the next step on."""
        if self._clear is None:
            return
        walls, geometry, state = self.structs
        size = self._clear.scene.obstacle_size.copy()
        size[WORKSPACE_BALL] = np.minimum(size[WORKSPACE_BALL], limits.workspace_radius_m)
        size[WORKSPACE_FLOOR] = np.maximum(size[WORKSPACE_FLOOR], limits.workspace_height_m)
        geometry.obstacle_size.assign(size)
        walls.fastest.assign(np.minimum(self._clear.fastest, _SPEED_SHARE * limits.max_speed_rad_s)[self._order])
        state.clearance.fill_(_UNKNOWN_M)  # what was known of it counted to the former workspace


def _walls(types: Any, clear_of: KeepClear | None, order: NDArray[np.int32], batch: int, device: str) -> Any:
    import warp as wp

    from teletwin.twin.rmpflow.kernel_types import ROWS

    walls, barrier = types.Walls(), clear_of.barrier if clear_of else Barrier()
    for name in _SCALARS:
        setattr(walls, name, wp.float64(getattr(barrier, name)))
    for name in _BY_JOINT:
        values = getattr(clear_of, name)[order] if clear_of else np.zeros(0)
        setattr(walls, name, wp.array(values, dtype=wp.float64, device=device))
    rows = ROWS if clear_of else 0
    walls.line = wp.zeros((batch, rows, types.count), dtype=wp.float64, device=device)
    walls.bound = wp.zeros((batch, rows), dtype=wp.float64, device=device)
    walls.number = wp.zeros((batch, rows), dtype=wp.int32, device=device)
    walls.held_by = wp.zeros(batch, dtype=wp.int32, device=device)
    return walls


def _set_side(types: Any, walls: Any, clear_of: KeepClear | None, chain: SerialChain, shape: CanonicalChain) -> None:
    import warp as wp

    side = clear_of.side if clear_of else None
    if side is None:
        walls.side = wp.vec3i(-1, -1, -1)
        return
    number = {int(joint): k for k, joint in enumerate(shape.order)}
    joint, offset, _ = shape.place(chain.frame(side.frame))
    turn, lift = (number[chain.joint_names.index(name)] for name in (side.turn, side.lift))
    walls.side, walls.side_m = wp.vec3i(turn, lift, joint), wp.float64(side.margin_m)
    walls.side_point = types.vec3(offset)


def _places(types: Any, clear_of: KeepClear | None, batch: int, device: str) -> tuple[Any, Any]:
    import warp as wp

    from teletwin.twin.limits.model import limits_types

    t = limits_types(types.count)
    limits, state, n = t.Limits(), t.State(), types.count
    kinds = {"capsule_a": t.vec3, "capsule_b": t.vec3}
    kinds |= {"obstacle_center": t.vec3, "obstacle_axes": t.mat33, "obstacle_size": t.vec3}
    arrays = {name: getattr(clear_of.scene, name) for name in Scene.__dataclass_fields__} if clear_of else {}
    for name, values in arrays.items():
        if isinstance(values, np.ndarray):
            kind = kinds.get(name, wp.int32 if values.dtype == np.int32 else wp.float64)
            setattr(limits, name, wp.array(values, dtype=kind, device=device))
    capsules, checks = (len(clear_of.scene.capsule_joint), len(clear_of.scene.check_kind)) if clear_of else (0, 0)
    for name in ("capsule_a", "capsule_b"):
        setattr(state, name, wp.zeros((batch, capsules), dtype=t.vec3, device=device))
    state.q = wp.zeros((batch, n), dtype=wp.float64, device=device)
    state.clearance = wp.full((batch, checks), wp.float64(_UNKNOWN_M), dtype=wp.float64, device=device)
    state.is_needed = wp.zeros((batch, checks), dtype=wp.int32, device=device)
    return limits, state
