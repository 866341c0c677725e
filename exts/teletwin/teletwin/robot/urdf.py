"""Reads a URDF with the standard library; a bad file gives one line with its line number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import numpy as np

from teletwin.bounded import read_text
from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.kinematics import axis_rotation

MOVABLE = ("revolute", "continuous", "prismatic")
"""Kinds of joints that a c-space may hold."""
_KINDS = (*MOVABLE, "fixed")
_EXPANSION = 150.0
"""An element of four characters takes up to so many times as much."""


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str]
    line: int
    children: list[_Element] = field(default_factory=list)

    def find(self, tag: str) -> _Element | None:
        return next((child for child in self.children if child.tag == tag), None)


@dataclass(frozen=True, kw_only=True, eq=False)
class UrdfJoint:
    """One joint as the file has it."""

    name: str
    kind: str
    parent: str
    child: str
    translation: Array
    rotation: Array
    axis: Array
    lower: float
    upper: float
    velocity: float
    effort: float
    line: int


@dataclass(frozen=True, kw_only=True)
class UrdfModel:
    """Links and joints of a URDF; the tree is checked."""

    name: str
    source: str
    root: str
    links: tuple[str, ...]
    joints: tuple[UrdfJoint, ...]


def load_urdf(path: Path) -> UrdfModel:
    """Read a URDF file.

    Raises:
        RobotError: The file cannot be read, or is not a URDF tree.
    """
    try:
        text = read_text(path, expansion=_EXPANSION)
    except (OSError, UnicodeDecodeError) as error:
        raise RobotError("a URDF cannot be read", given=path, mend=str(error)) from error
    return parse_urdf(text, source=str(path))


def parse_urdf(text: str, *, source: str = "text") -> UrdfModel:
    """Read a URDF from its text; `source` names it in errors.

    Raises:
        RobotError: The text is not a URDF tree; the message has the line.
    """
    robot = _parse_xml(text, source)
    if robot.tag != "robot":
        raise _fault(source, robot.line, "the root element is not <robot>", given=f"<{robot.tag}>")
    links = tuple(_required(source, e, "name") for e in robot.children if e.tag == "link")
    joints = tuple(_read_joint(source, e) for e in robot.children if e.tag == "joint")
    root = _check_tree(source, links, joints)
    name = robot.attributes.get("name", Path(source).stem)
    return UrdfModel(name=name, source=source, root=root, links=links, joints=joints)


def _parse_xml(text: str, source: str) -> _Element:
    parser = expat.ParserCreate()
    top = _Element("", {}, 0)
    stack = [top]

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = _Element(tag, attributes, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def refuse_doctype(*_: object) -> None:
        raise _fault(source, parser.CurrentLineNumber, "a document type declaration has no place in a URDF")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: stack.pop()
    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise _fault(source, error.lineno, f"not well-formed XML: {expat.ErrorString(error.code)}") from error
    return top.children[0]


def _fault(source: str, line: int, what: str, *, given: object = None, allowed: object = None) -> RobotError:
    return RobotError(f"{source}:{line}: {what}", given=given, allowed=allowed)


def _required(source: str, element: _Element, attribute: str) -> str:
    if attribute not in element.attributes:
        raise _fault(source, element.line, f"<{element.tag}> has no {attribute}")
    return element.attributes[attribute]


def _numbers(source: str, element: _Element | None, attribute: str, default: Sequence[float]) -> Array:
    if element is None or attribute not in element.attributes:
        return np.array(default, dtype=np.float64)
    text = element.attributes[attribute]
    try:
        values = np.array([float(word) for word in text.split()])
    except ValueError:
        values = np.array([np.nan])
    if values.shape != (len(default),) or not np.isfinite(values).all():
        allowed = f"{len(default)} finite numbers"
        raise _fault(source, element.line, f"bad {attribute} of <{element.tag}>", given=repr(text), allowed=allowed)
    return values


def _limit(source: str, joint: _Element, kind: str) -> tuple[float, float, float, float]:
    limit = joint.find("limit")
    endless = kind in ("continuous", "fixed")
    if limit is None and not endless:
        raise _fault(source, joint.line, f"{kind} joint {joint.attributes.get('name', '')} has no <limit>")
    lower = float(_numbers(source, limit, "lower", [0.0])[0]) if not endless else -np.inf
    upper = float(_numbers(source, limit, "upper", [0.0])[0]) if not endless else np.inf
    if limit is not None and lower >= upper:
        raise _fault(source, limit.line, "empty joint range", given=f"{lower} ... {upper}", allowed="lower < upper")
    velocity = float(_numbers(source, limit, "velocity", [0.0])[0]) or np.inf
    effort = float(_numbers(source, limit, "effort", [0.0])[0]) or np.inf
    return lower, upper, velocity, effort


def _axis(source: str, joint: _Element) -> Array:
    element = joint.find("axis")
    axis = _numbers(source, element, "xyz", [1.0, 0.0, 0.0])
    length = float(np.linalg.norm(axis))
    if length < 1e-9:
        raise _fault(source, joint.line, "the joint's axis has no direction", given=axis.tolist())
    return axis / length


def _link_of(source: str, joint: _Element, tag: str) -> str:
    element = joint.find(tag)
    if element is None:
        raise _fault(source, joint.line, f"<joint> has no <{tag}>")
    return _required(source, element, "link")


def _read_joint(source: str, element: _Element) -> UrdfJoint:
    kind = _required(source, element, "type")
    if kind not in _KINDS:
        raise _fault(source, element.line, "unknown type of joint", given=kind, allowed=", ".join(_KINDS))
    origin = element.find("origin")
    lower, upper, velocity, effort = _limit(source, element, kind)
    return UrdfJoint(
        name=_required(source, element, "name"),
        kind=kind,
        parent=_link_of(source, element, "parent"),
        child=_link_of(source, element, "child"),
        translation=_numbers(source, origin, "xyz", [0.0] * 3),
        rotation=rotation_from_rpy(_numbers(source, origin, "rpy", [0.0] * 3)),
        axis=_axis(source, element),
        lower=lower,
        upper=upper,
        velocity=velocity,
        effort=effort,
        line=element.line,
    )


def rotation_from_rpy(rpy: Array) -> Array:
    """Rotation (3, 3) of URDF's roll, pitch, yaw (3,) [rad]: about the fixed x, then y, then z axis."""
    roll, pitch, yaw = rpy
    z, y, x = axis_rotation([0, 0, 1], yaw), axis_rotation([0, 1, 0], pitch), axis_rotation([1, 0, 0], roll)
    return z @ y @ x


def _check_tree(source: str, links: tuple[str, ...], joints: tuple[UrdfJoint, ...]) -> str:
    """Return the root link; refuse what is not one tree."""
    _refuse_doubles(source, links, "link")
    _refuse_doubles(source, tuple(joint.name for joint in joints), "joint")
    moved: set[str] = set()
    for joint in joints:
        for link in (joint.parent, joint.child):
            if link not in links:
                raise _fault(source, joint.line, f"joint {joint.name} names a link that is not there", given=link)
        if joint.child in moved:
            raise _fault(source, joint.line, "a link has two parents", given=joint.child)
        moved.add(joint.child)
    roots = [link for link in links if link not in moved]
    if len(roots) != 1:
        given = ", ".join(roots) or "none"
        raise RobotError(f"{source}: not one tree", given=f"root links: {given}", allowed="exactly one")
    return roots[0]


def _refuse_doubles(source: str, names: tuple[str, ...], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise RobotError(f"{source}: two {what}s of the same name", given=name)
