"""A robot as the motion policy needs it: chain, default posture, limits of motion, shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.bodies import Bodies, bodies_of, check_bodies, load_bodies
from teletwin.robot.chain import SerialChain
from teletwin.robot.description import CollisionSphere, RobotDescription, load_description
from teletwin.robot.fold import build_chain
from teletwin.robot.urdf import UrdfModel, load_urdf


@dataclass(frozen=True, kw_only=True, eq=False)
class Robot:
    """A serial arm or tree with everything that its motion policy needs."""

    chain: SerialChain
    tool_frame: str
    """The controlled frame."""
    default_q: Array
    """(n,) [rad or m]."""
    acceleration_limits: Array
    jerk_limits: Array
    spheres: tuple[CollisionSphere, ...] = ()
    bodies: Bodies = field(default_factory=Bodies)
    """Capsules that contain the links, and the links that are kept apart."""


def load_robot(*, urdf: Path, description: Path, tool_frame: str | None = None, bodies: Path | None = None) -> Robot:
    """Load a URDF with its Lula description (YAML) or XRDF; tool_frame defaults to the XRDF's first.

    Without a bodies file the description's spheres stand for the links.

    Raises:
        RobotError: A file is bad, or the two do not belong together.
    """
    shape = None if bodies is None else load_bodies(bodies)
    return assemble(load_urdf(urdf), load_description(description), tool_frame=tool_frame, bodies=shape)


def assemble(
    model: UrdfModel, description: RobotDescription, *, tool_frame: str | None = None, bodies: Bodies | None = None
) -> Robot:
    """Join a parsed URDF, a parsed description and the bodies, which default to the description's spheres.

    Raises:
        RobotError: They do not belong together, or no controlled frame is named.
    """
    chain = build_chain(model, joint_names=description.joint_names, fixed_q=description.fixed_q)
    tool = tool_frame or next(iter(description.tool_frames), None)
    if tool is None:
        raise RobotError("no controlled frame", mend="give tool_frame, or name tool_frames in the XRDF")
    for link in (tool, *(sphere.link for sphere in description.spheres)):
        chain.frame(link)
    return Robot(
        chain=chain,
        tool_frame=tool,
        default_q=description.default_q,
        acceleration_limits=description.acceleration_limits,
        jerk_limits=description.jerk_limits,
        spheres=description.spheres,
        bodies=bodies_of(chain, description.spheres) if bodies is None else check_bodies(bodies, chain),
    )
