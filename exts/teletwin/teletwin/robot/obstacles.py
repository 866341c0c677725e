"""What stands still around the robot: solids in the UR base frame, read from a scene file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.scene_file import scene_read


@dataclass(frozen=True, kw_only=True, eq=False)
class Box:
    """A box, a table top for example."""

    name: str
    center: Array
    """(3,) [m]."""
    rotation: Array
    """(3, 3), its axes in the columns."""
    half_size: Array
    """(3,) half edges [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rod:
    """A capsule that belongs to the scene; a sphere where a = b. Cylinders are taken as the capsules around them."""

    name: str
    a: Array
    """(3,) [m]."""
    b: Array
    """(3,) [m]."""
    radius: float
    """[m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Plane:
    """Everything behind a plane: the points with normal . x < offset."""

    name: str
    normal: Array
    """(3,), unit, towards the free side."""
    offset: float
    """[m]."""


Obstacle = Box | Rod | Plane


def load_obstacles(scene: Path) -> tuple[Obstacle, ...]:
    """The geoms of an MJCF file that are fixed to the world and can be touched, in the order of the file.

    MuJoCo reads the file, so that includes, defaults and nested frames count as they do in the simulator. Names of
    geoms are what people read: "table". The arm (what carries the site "tool") is no obstacle, nor is
    anything that moves; mocap bodies count where the file puts them.

    Raises:
        RobotError: MuJoCo cannot read the file, or a geom is of a kind that has no solid here.
        TooLargeError: It would take more memory than a file may.
    """
    mujoco: Any = import_module("mujoco")  # here, so that importing this room costs nothing
    with scene_read(scene):
        model = mujoco.MjModel.from_xml_path(str(scene))
        data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    tool = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_SITE, "tool")
    arm = int(model.body_rootid[model.site_bodyid[tool]]) if tool >= 0 else -1
    still = [g for g in range(model.ngeom) if _is_still(model, int(model.geom_bodyid[g]), arm) and _is_solid(model, g)]
    return tuple(_read(mujoco, model, data, g, scene) for g in still)


def _is_still(model: Any, body: int, arm: int) -> bool:
    """Tell whether a body stands where the file puts it and is no part of the arm, the tree that carries the tool."""
    root = int(model.body_rootid[body])
    is_placed = int(model.body_weldid[body]) == 0 or int(model.body_mocapid[model.body_weldid[body]]) >= 0
    return is_placed and (body == 0 or root != arm)


def _is_solid(model: Any, geom: int) -> bool:
    return bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def _read(mujoco: Any, model: Any, data: Any, geom: int, scene: Path) -> Obstacle:
    name = mujoco.mj_id2name(model, mujoco.mjtObj.mjOBJ_GEOM, geom) or f"obstacle {geom}"
    center, rotation = data.geom_xpos[geom].copy(), data.geom_xmat[geom].reshape(3, 3).copy()
    kind = mujoco.mjtGeom(int(model.geom_type[geom])).name.removeprefix("mjGEOM_").lower()
    if kind not in _READERS:
        allowed = ", ".join(_READERS)
        raise RobotError(f"{scene}: {name} is a {kind}", allowed=allowed, mend="stand some of these around it")
    return _READERS[kind](name, center, rotation, model.geom_size[geom].copy())


def _plane(name: str, center: Array, rotation: Array, size: Array) -> Obstacle:
    return Plane(name=name, normal=rotation[:, 2], offset=float(rotation[:, 2] @ center))


def _sphere(name: str, center: Array, rotation: Array, size: Array) -> Obstacle:
    return Rod(name=name, a=center, b=center, radius=float(size[0]))


def _capsule(name: str, center: Array, rotation: Array, size: Array) -> Obstacle:
    half = size[1] * rotation[:, 2]
    return Rod(name=name, a=center - half, b=center + half, radius=float(size[0]))


def _cylinder(name: str, center: Array, rotation: Array, size: Array) -> Obstacle:
    """The least capsule about the cylinder's axis: its ends are balls through the rims, as far in as that pays."""
    radius, half_length = float(size[0]), float(size[1])
    inset = min(half_length, 0.4 * radius)
    return _capsule(name, center, rotation, np.array([np.hypot(radius, inset), half_length - inset, 0.0]))


def _box(name: str, center: Array, rotation: Array, size: Array) -> Obstacle:
    return Box(name=name, center=center, rotation=rotation, half_size=size)


_READERS: dict[str, Callable[[str, Array, Array, Array], Obstacle]] = {
    "box": _box,
    "capsule": _capsule,
    "cylinder": _cylinder,
    "plane": _plane,
    "sphere": _sphere,
}
