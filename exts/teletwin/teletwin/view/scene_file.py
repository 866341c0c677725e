"""Which movable objects a MuJoCo scene holds, read without MuJoCo."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from teletwin.errors import ConfigError
from teletwin.view.solids import SceneObject

_SIZES = {"box": 3, "cylinder": 2, "sphere": 1}


def read_scene_objects(path: Path) -> tuple[SceneObject, ...]:
    """The bodies of an MJCF file that have a joint of their own right under the world, in file order.

    That is the order of World.object_poses. Colours are turned from display values to linear RGB.

    Raises:
        ConfigError: The file cannot be read, or an object's shape is not known here.
    """
    try:
        bodies = ET.parse(path).getroot().findall("worldbody/body")
    except (OSError, ET.ParseError) as error:
        raise ConfigError("a scene cannot be read", given=f"{path}: {error}") from None
    return tuple(_object(body, path) for body in bodies if body.find("joint") is not None)


def _object(body: ET.Element, path: Path) -> SceneObject:
    name, geom = body.get("name", "?"), body.find("geom")
    kind = "" if geom is None else geom.get("type", "sphere")
    if geom is None or kind not in _SIZES:
        raise ConfigError("an object of unknown shape", given=f"{name} in {path}: {kind}", allowed=", ".join(_SIZES))
    try:
        size = tuple(float(v) for v in geom.get("size", "").split())[: _SIZES[kind]]
        red, green, blue = (float(v) ** 2 for v in geom.get("rgba", "0.8 0.8 0.8 1").split()[:3])
    except ValueError:
        raise ConfigError("an object's size or colour cannot be read", given=f"{name} in {path}") from None
    if len(size) != _SIZES[kind]:
        raise ConfigError("an object's size is incomplete", given=f"{name} in {path}: {size}")
    return SceneObject(kind=kind, size=size, colour=(red, green, blue))
