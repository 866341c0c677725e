"""What the limits look at, as arrays for the kernel: capsules of the body, obstacles, and the checks between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.robot import Robot, WorkspaceLimits
from teletwin.robot.bodies import Bodies, Capsule
from teletwin.robot.canonical import CanonicalChain, canonical
from teletwin.robot.chain import SerialChain
from teletwin.robot.frames import swap_base_vector
from teletwin.robot.obstacles import Box, Obstacle, Plane, Rod
from teletwin.robot.ur3e import JointLimits

PAIR, PLANE, BOX, BALL = range(4)
"""Kinds of a check; `model` has them for the kernel."""

TABLE_PLANE, WORKSPACE_FLOOR, WORKSPACE_BALL = range(3)
"""The first obstacles of every scene; the session may tighten the last two."""


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Clearance that commands keep, for what lies between them and the arm [m]."""

    body_m: float = 0.008
    """Between bodies: the servo cuts corners of the commanded way by up to 4 mrad a joint."""
    obstacle_m: float = 0.008
    """Between a body and table or obstacle."""
    workspace_m: float = 0.002
    """Of the tool's point from the workspace's border."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Arrays by the names of the kernel's `Limits`, and the name of every check."""

    capsule_joint: NDArray[np.int32]
    capsule_a: Array
    capsule_b: Array
    capsule_radius: Array
    capsule_is_tool: NDArray[np.int32]
    obstacle_center: Array
    obstacle_axes: Array
    obstacle_size: Array
    check_kind: NDArray[np.int32]
    check_capsule: NDArray[np.int32]
    check_other: NDArray[np.int32]
    check_margin: Array
    check_reach: Array
    speed_reach: Array
    check_names: tuple[str, ...]


def build_scene(
    robot: Robot,
    *,
    joints: JointLimits,
    workspace: WorkspaceLimits,
    obstacles: Sequence[Obstacle] = (),
    margins: Margins | None = None,
) -> Scene:
    """Everything that a robot's commands are kept away from; obstacles and workspace in the UR base frame."""
    margins, shape, bodies = margins or Margins(), canonical(robot.chain), robot.bodies
    obstacles = [obstacle for obstacle in obstacles if not _is_below_table(obstacle)]
    tool = Capsule(link=robot.tool_frame, a=np.zeros(3), b=np.zeros(3), radius=0.0)
    rods = [obstacle for obstacle in obstacles if isinstance(obstacle, Rod)]
    capsules = [*bodies.capsules, tool]
    placed = [_place(robot.chain, shape, capsule) for capsule in capsules]
    still = [(-1, swap_base_vector(rod.a), swap_base_vector(rod.b)) for rod in rods]
    solids = [*_workspace_solids(workspace), *(_solid(each) for each in obstacles if not isinstance(each, Rod))]
    moving = [
        c
        for c, (capsule, place) in enumerate(zip(bodies.capsules, placed, strict=False))
        if place[0] >= 0 and capsule.link not in bodies.mounted
    ]
    checks = [
        *_pair_checks(bodies, margins),
        *_solid_checks(bodies, moving, solids, margins),
        *_rod_checks(bodies, moving, rods, margins, first=len(placed)),
        *_workspace_checks(solids, margins, tool=len(placed) - 1),
    ]
    radii = [*(capsule.radius for capsule in capsules), *(rod.radius for rod in rods)]
    is_tool = [capsule is tool for capsule in capsules] + [False] * len(rods)
    placed += still
    reach = _Reach(robot.chain, shape, joints)
    return Scene(
        capsule_joint=np.array([joint for joint, _, _ in placed], dtype=np.int32),
        capsule_a=np.array([a for _, a, _ in placed]),
        capsule_b=np.array([b for _, _, b in placed]),
        capsule_radius=np.array(radii),
        capsule_is_tool=np.array(is_tool, dtype=np.int32),
        obstacle_center=np.array([swap_base_vector(solid.center) for solid in solids]),
        obstacle_axes=np.array([swap_base_vector(solid.axes) for solid in solids]),
        obstacle_size=np.array([solid.size for solid in solids]),
        check_kind=np.array([check.kind for check in checks], dtype=np.int32),
        check_capsule=np.array([check.capsule for check in checks], dtype=np.int32),
        check_other=np.array([check.other for check in checks], dtype=np.int32),
        check_margin=np.array([check.margin_m for check in checks]),
        check_reach=np.array([reach.of_check(check, placed) for check in checks]),
        speed_reach=reach.of_speed(placed, radii),
        check_names=tuple(check.name for check in checks),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solid:
    """An obstacle: kind, name, centre (3,), axes (3, 3) as rows, size (3,)."""

    kind: int
    name: str
    center: Array
    axes: Array
    size: Array


@dataclass(frozen=True, kw_only=True)
class _Check:
    kind: int
    capsule: int
    other: int
    margin_m: float
    name: str


def _place(chain: SerialChain, shape: CanonicalChain, capsule: Capsule) -> tuple[int, Array, Array]:
    """Joint of the kernel's chain that carries a capsule, and its ends in that joint's frame."""
    joint, offset, axes = shape.place(chain.frame(capsule.link))
    return joint, offset + axes @ capsule.a, offset + axes @ capsule.b


def _workspace_solids(workspace: WorkspaceLimits) -> list[_Solid]:
    up, none = np.eye(3)[[2, 0, 1]], np.zeros(3)
    return [
        _Solid(kind=PLANE, name="table", center=none, axes=up, size=np.zeros(3)),
        _Solid(kind=PLANE, name="workspace height", center=none, axes=up, size=np.full(3, workspace.height_min_m)),
        _Solid(
            kind=BALL,
            name="workspace radius",
            center=np.array(workspace.shoulder),
            axes=np.eye(3),
            size=np.full(3, workspace.radius_m),
        ),
    ]


def _is_below_table(obstacle: Obstacle) -> bool:
    """Tell whether the table's plane keeps the arm off an obstacle already."""
    if isinstance(obstacle, Plane):
        return bool(obstacle.normal[2] == 1.0) and obstacle.offset <= 0.0
    if isinstance(obstacle, Rod):
        return max(obstacle.a[2], obstacle.b[2]) + obstacle.radius <= 0.0
    return float(obstacle.center[2] + np.abs(obstacle.rotation[2]) @ obstacle.half_size) <= 0.0


def _solid(obstacle: Box | Plane) -> _Solid:
    if isinstance(obstacle, Plane):
        axes = np.vstack([obstacle.normal, np.zeros((2, 3))])
        return _Solid(kind=PLANE, name=obstacle.name, center=np.zeros(3), axes=axes, size=np.full(3, obstacle.offset))
    axes, size = obstacle.rotation.T, obstacle.half_size
    return _Solid(kind=BOX, name=obstacle.name, center=obstacle.center, axes=axes, size=size)


def _pair_checks(bodies: Bodies, margins: Margins) -> list[_Check]:
    """Every capsule of a link against every capsule of each link that it is kept away from."""
    number = {id(capsule): c for c, capsule in enumerate(bodies.capsules)}
    return [
        _Check(
            kind=PAIR,
            capsule=number[id(first)],
            other=number[id(second)],
            margin_m=margins.body_m,
            name=bodies.pair_name(outer, inner),
        )
        for outer, inner in bodies.pairs
        for first in bodies.of(outer)
        for second in bodies.of(inner)
    ]


def _solid_checks(bodies: Bodies, moving: list[int], solids: list[_Solid], margins: Margins) -> list[_Check]:
    """Every moving capsule against table and obstacles."""
    return [
        _Check(
            kind=solid.kind,
            capsule=c,
            other=o,
            margin_m=margins.obstacle_m,
            name=f"{bodies.name(bodies.capsules[c].link)} to {solid.name}",
        )
        for o, solid in enumerate(solids)
        if o not in (WORKSPACE_FLOOR, WORKSPACE_BALL)
        for c in moving
    ]


def _rod_checks(bodies: Bodies, moving: list[int], rods: list[Rod], margins: Margins, *, first: int) -> list[_Check]:
    """Every moving capsule against the capsules that stand around, which follow number `first`."""
    return [
        _Check(
            kind=PAIR,
            capsule=c,
            other=first + r,
            margin_m=margins.obstacle_m,
            name=f"{bodies.name(bodies.capsules[c].link)} to {rod.name}",
        )
        for r, rod in enumerate(rods)
        for c in moving
    ]


def _workspace_checks(solids: list[_Solid], margins: Margins, *, tool: int) -> list[_Check]:
    """The tool's point, a capsule without size, against the workspace."""
    return [
        _Check(kind=solid.kind, capsule=tool, other=o, margin_m=margins.workspace_m, name=solid.name)
        for o, solid in enumerate(solids)
        if o in (WORKSPACE_FLOOR, WORKSPACE_BALL)
    ]


class _Reach:
    """Bounds on how far a point is from the joints that move it, in any posture [m or m/m]."""

    def __init__(self, chain: SerialChain, shape: CanonicalChain, joints: JointLimits) -> None:
        self._shape = shape
        ends = np.maximum(np.abs(joints.lower), np.abs(joints.upper))
        self._slide = [float(ends[j]) if chain.prismatic[j] else 0.0 for j in shape.order]
        self._step = [float(np.linalg.norm(t)) + s for t, s in zip(shape.translations, self._slide, strict=True)]

    def of_point(self, joint: int, beyond: float) -> Array:
        """(n,) for a point that is `beyond` [m] from the origin of a joint's frame."""
        reach = np.zeros(len(self._step))
        while joint >= 0:
            # Sliding moves a point by 1 m/m; the slide also lengthens the lever of the joints before it.
            reach[joint] = 1.0 if self._shape.prismatic[joint] else beyond
            beyond += self._step[joint]
            joint = int(self._shape.parents[joint])
        return reach

    def of_capsule(self, placed: tuple[int, Array, Array]) -> Array:
        """(n,) for the farther end of a capsule's axis."""
        joint, a, b = placed
        return self.of_point(joint, max(float(np.linalg.norm(a)), float(np.linalg.norm(b))))

    def of_check(self, check: _Check, placed: list[tuple[int, Array, Array]]) -> Array:
        """(n,) bound of the change of a check's clearance with each joint."""
        mine = self.of_capsule(placed[check.capsule])
        if check.kind != PAIR:
            return mine
        other = self.of_capsule(placed[check.other])
        both = (mine > 0.0) & (other > 0.0)  # a joint that carries both turns them as one
        return np.where(both, 0.0, mine + other)

    def of_speed(self, placed: list[tuple[int, Array, Array]], radii: list[float]) -> Array:
        """(n,) bound of any surface point's speed with each joint's."""
        reaches = []
        for each, radius in zip(placed, radii, strict=True):
            reach = self.of_capsule(each)
            reaches.append(np.where(reach > 0.0, reach + radius, 0.0))
        return np.max(reaches, axis=0)
