"""The table and the things on it, read from the embedded simulator's scene so that both worlds agree."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from teletwin.assets import asset_path
from teletwin.errors import RobotError

Triple = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Solid:
    """One box, cylinder, sphere or plane; UR base frame, metres, kilograms."""

    name: str
    kind: str
    size: tuple[float, ...]
    """Half extents of a box; radius and half height of a cylinder; radius of a sphere."""
    position: Triple
    quat: tuple[float, float, float, float]
    """wxyz."""
    colour: Triple
    mass_kg: float
    """0: it does not move."""


def table_scene() -> tuple[Solid, ...]:
    """Every solid of the table scene, fixed ones first, movable ones in the order of `object_poses`."""
    path = asset_path("scenes", "table.xml")
    world = ElementTree.parse(path).getroot().find("worldbody")
    if world is None:
        raise RobotError("the table's scene has no worldbody", given=str(path))
    fixed = [_solid(geom, geom) for geom in world.findall("geom")]
    movable = [_solid(body, geom) for body in world.findall("body") for geom in body.findall("geom")]
    return (*fixed, *movable)


def _solid(placed: ElementTree.Element, geom: ElementTree.Element) -> Solid:
    position, quat = _numbers(placed.get("pos", "0 0 0")), _numbers(placed.get("quat", "1 0 0 0"))
    colour = _numbers(geom.get("rgba", "0.5 0.5 0.5 1"))
    return Solid(
        name=placed.get("name", ""),
        kind=geom.get("type", "sphere"),
        size=_numbers(geom.get("size", "")),
        position=(position[0], position[1], position[2]),
        quat=(quat[0], quat[1], quat[2], quat[3]),
        colour=(colour[0], colour[1], colour[2]),
        mass_kg=float(geom.get("mass", "0")),
    )


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split())
