"""What a URDF does not say: c-space, default posture, limits of motion, collision spheres (Lula YAML and XRDF)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import NotYamlError, read_yaml
from teletwin.errors import RobotError
from teletwin.geometry import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class CollisionSphere:
    """A ball fixed to a link, part of the robot's simplified shape."""

    link: str
    center: Array
    """(3,) [m] in the link's frame."""
    radius: float
    """[m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotDescription:
    """The part of a robot's description that stands beside its URDF."""

    joint_names: tuple[str, ...]
    default_q: Array
    """(n,) [rad or m]."""
    acceleration_limits: Array
    """(n,) [rad/s^2 or m/s^2]; infinite where the file has none."""
    jerk_limits: Array
    """(n,) [rad/s^3 or m/s^3]; infinite where the file has none."""
    spheres: tuple[CollisionSphere, ...] = ()
    fixed_q: Mapping[str, float] = field(default_factory=dict)
    """Positions of the joints outside the c-space."""
    tool_frames: tuple[str, ...] = ()


def load_description(path: Path) -> RobotDescription:
    """Read a Lula robot description (YAML) or an XRDF, told apart by their content.

    Raises:
        RobotError: The file cannot be read or lacks a part.
        TooLargeError: It would take more memory than a file may.
    """
    tree = _read_yaml(path)
    try:
        return _from_xrdf(tree) if "format" in tree else _from_lula(tree)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RobotError(f"{path}: not a robot description", given=f"{type(error).__name__}: {error}") from error


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        tree = read_yaml(path)
    except (OSError, UnicodeDecodeError) as error:
        raise RobotError("a robot description cannot be read", given=path, mend=str(error)) from error
    except NotYamlError as error:
        raise RobotError(f"{path}:{error.line}: not YAML", given=error) from error
    if not isinstance(tree, dict):
        raise RobotError(f"{path}:1: not a robot description", given=type(tree).__name__, allowed="a mapping")
    return tree


def _vector(values: Any, count: int, what: str) -> Array:
    array = np.array([float(value) for value in values])
    if array.shape != (count,) or not np.isfinite(array).all():
        raise ValueError(f"{what} needs {count} finite numbers, has {list(values)}")
    return array


def _limits(values: Any, count: int, what: str) -> Array:
    return np.full(count, np.inf) if values is None else _vector(values, count, what)


def _spheres(groups: Any, buffers: Mapping[str, Any] | None = None) -> tuple[CollisionSphere, ...]:
    """Spheres from a mapping of link to list, or (Lula) a list of such mappings; a link's buffer adds to the radii."""
    buffers = buffers or {}
    items = groups if isinstance(groups, list) else [groups]
    spheres = []
    for group in items:
        for link, balls in group.items():
            for ball in balls:
                center = _vector(ball["center"], 3, f"sphere center of {link}")
                radius = float(ball["radius"]) + float(buffers.get(link, 0.0))
                spheres.append(CollisionSphere(link=str(link), center=center, radius=radius))
    return tuple(spheres)


def _from_lula(tree: dict[str, Any]) -> RobotDescription:
    names = tuple(str(name) for name in tree["cspace"])
    count = len(names)
    rules = tree.get("cspace_to_urdf_rules") or []
    fixed = {str(rule["name"]): float(rule["value"]) for rule in rules if rule.get("rule") == "fixed"}
    return RobotDescription(
        joint_names=names,
        default_q=_vector(tree["default_q"], count, "default_q"),
        acceleration_limits=_limits(tree.get("acceleration_limits"), count, "acceleration_limits"),
        jerk_limits=_limits(tree.get("jerk_limits"), count, "jerk_limits"),
        spheres=_spheres(tree.get("collision_spheres") or []),
        fixed_q=fixed,
    )


def _from_xrdf(tree: dict[str, Any]) -> RobotDescription:
    cspace = tree["cspace"]
    names = tuple(str(name) for name in cspace["joint_names"])
    count = len(names)
    defaults = {str(name): float(value) for name, value in (tree.get("default_joint_positions") or {}).items()}
    collision = tree.get("world_collision") or tree.get("collision") or {}
    group = collision.get("geometry")
    geometry = (tree.get("geometry") or {}).get(group, {}) if group else {}
    return RobotDescription(
        joint_names=names,
        default_q=np.array([defaults.get(name, 0.0) for name in names]),
        acceleration_limits=_limits(cspace.get("acceleration_limits"), count, "acceleration_limits"),
        jerk_limits=_limits(cspace.get("jerk_limits"), count, "jerk_limits"),
        spheres=_spheres(geometry.get("spheres") or {}, collision.get("buffer_distance")),
        fixed_q={name: value for name, value in defaults.items() if name not in names},
        tool_frames=tuple(str(name) for name in tree.get("tool_frames") or ()),
    )
