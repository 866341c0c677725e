"""Reads RMPflow's YAML: api_version 1.0, and cuMotion's 2.0 (`format: rmpflow`, `body_capsules`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from teletwin.bounded import NotYamlError, read_yaml
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.twin.rmpflow.config import (
    AxisTarget,
    BodyCapsule,
    BodyController,
    Collision,
    CspaceTarget,
    Damping,
    JointLimit,
    Resolve,
    RmpFlowConfig,
    Target,
    VelocityCap,
)

G = TypeVar("G")
_VERSIONS = ("1.0", "2.0")


def load_rmpflow_config(path: Path) -> RmpFlowConfig:
    """Read an RMPflow YAML file.

    Raises:
        ConfigError: The file cannot be read, or a parameter is missing or cannot be used.
    """
    try:
        tree = read_yaml(path)
    except (OSError, UnicodeDecodeError, NotYamlError) as error:
        raise ConfigError("an RMPflow file cannot be read", given=path, mend=" ".join(str(error).split())) from error
    return rmpflow_config_from_tree(tree, source=str(path))


def rmpflow_config_from_tree(tree: Any, *, source: str = "tree") -> RmpFlowConfig:
    """Make the configuration from the YAML's tree; `source` names it in errors.

    Raises:
        ConfigError: A parameter is missing or cannot be used.
    """
    if not isinstance(tree, Mapping):
        raise ConfigError(f"{source}: not an RMPflow file", given=type(tree).__name__, allowed="a mapping")
    version = str(tree.get("api_version", "1.0"))
    if version not in _VERSIONS:
        raise ConfigError(f"{source}: unknown api_version", given=version, allowed=", ".join(_VERSIONS))
    groups = _mapping(source, tree, "rmp_params")
    cap, caps = _velocity_caps(source, groups.get("joint_velocity_cap_rmp"))
    return RmpFlowConfig(
        joint_limit_buffers=_vector(source, "joint_limit_buffers", tree.get("joint_limit_buffers", [])),
        cspace_target=_group(source, groups, "cspace_target_rmp", CspaceTarget),
        target=_group(source, groups, "target_rmp", Target),
        axis_target=_group(source, groups, "axis_target_rmp", AxisTarget),
        joint_limit=_group(source, groups, "joint_limit_rmp", JointLimit),
        velocity_cap=cap,
        velocity_caps=caps,
        collision=_group(source, groups, "collision_rmp", Collision),
        damping=_group(source, groups, "damping_rmp", Damping),
        resolve=_group(source, tree, "canonical_resolve", Resolve),
        body_capsules=_capsules(source, tree),
        body_controllers=_controllers(source, tree),
    )


def _mapping(source: str, tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = tree.get(name)
    if not isinstance(group, Mapping):
        raise ConfigError(f"{source}: a group of parameters is missing", given=name, allowed="a mapping of this name")
    return group


def _number(source: str, name: str, value: Any) -> float:
    try:
        return float(value)  # also from text: YAML 1.1 readers take 1e-3 for a string
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{source}: {name} is not a number", given=value, allowed="a number") from error


def _vector(source: str, name: str, values: Any, size: int | None = None) -> Array:
    if not isinstance(values, list) or (size is not None and len(values) != size):
        raise ConfigError(f"{source}: {name}", given=values, allowed=f"a list of {size or 'n'} numbers")
    return np.array([_number(source, name, value) for value in values])


def _fill(source: str, name: str, group: Mapping[str, Any], kind: type[G]) -> G:
    wanted = [item.name for item in dataclasses.fields(kind)]  # type: ignore[arg-type]
    missing = [key for key in wanted if key not in group]
    if missing:
        raise ConfigError(f"{source}: {name} lacks parameters", given=", ".join(missing))
    return kind(**{key: _number(source, f"{name}.{key}", group[key]) for key in wanted})


def _group(source: str, tree: Mapping[str, Any], name: str, kind: type[G]) -> G:
    return _fill(source, name, _mapping(source, tree, name), kind)


def _velocity_caps(source: str, entry: Any) -> tuple[VelocityCap, dict[str, VelocityCap]]:
    """One set for all joints, or a list of sets with joint_name; the first serves joints that are not named."""
    name = "joint_velocity_cap_rmp"
    if isinstance(entry, Mapping):
        return _fill(source, name, entry, VelocityCap), {}
    if not isinstance(entry, list) or not entry or not all(isinstance(item, Mapping) for item in entry):
        raise ConfigError(f"{source}: {name}", given=entry, allowed="a mapping, or a list of mappings with joint_name")
    caps = {str(item.get("joint_name", "")): _fill(source, name, item, VelocityCap) for item in entry}
    return next(iter(caps.values())), caps


def _bodies(source: str, tree: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    for name in names:
        entries = tree.get(name)
        if entries:
            if not isinstance(entries, list) or not all(isinstance(item, Mapping) for item in entries):
                raise ConfigError(f"{source}: {name}", given=entries, allowed="a list of mappings")
            return entries
    return []


def _link(source: str, entry: Mapping[str, Any]) -> str:
    for key in ("link", "frame", "name"):
        if key in entry:
            return str(entry[key])
    raise ConfigError(f"{source}: a body of self-collision names no frame", given=dict(entry), allowed="name")


def _capsules(source: str, tree: Mapping[str, Any]) -> tuple[BodyCapsule, ...]:
    return tuple(
        BodyCapsule(
            link=_link(source, entry),
            point1=_vector(source, "pt1", entry.get("pt1"), 3),
            point2=_vector(source, "pt2", entry.get("pt2"), 3),
            radius=_number(source, "radius", entry.get("radius")),
        )
        for entry in _bodies(source, tree, "body_capsules", "body_cylinders")
    )


def _controllers(source: str, tree: Mapping[str, Any]) -> tuple[BodyController, ...]:
    return tuple(
        BodyController(frame=_link(source, entry), radius=_number(source, "radius", entry.get("radius")))
        for entry in _bodies(source, tree, "body_collision_controllers")
    )
