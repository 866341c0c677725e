"""The bodies of a robot: capsules that contain its links, and the pairs of links that are kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.bounded import NotYamlError, read_yaml
from teletwin.errors import RobotError
from teletwin.geometry import Array
from teletwin.robot.chain import SerialChain
from teletwin.robot.description import CollisionSphere


@dataclass(frozen=True, kw_only=True, eq=False)
class Capsule:
    """A ball swept from a to b, fixed to a link; a sphere where a = b."""

    link: str
    a: Array
    """(3,) [m] in the link's frame."""
    b: Array
    """(3,) [m] in the link's frame."""
    radius: float
    """[m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bodies:
    """The shape of a robot for everything that keeps it clear of itself and of its surroundings."""

    capsules: tuple[Capsule, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    """Links that are kept apart, the outer one first; any two that stand in no pair never meet, or are joined."""
    names: tuple[tuple[str, str], ...] = ()
    """(link, what people call it)."""
    mounted: tuple[str, ...] = ()
    """Links that stand on the table or the mounting, and are not kept off it."""

    def name(self, link: str) -> str:
        """What people call a link: "forearm"; the link's own name where nobody gave another."""
        return dict(self.names).get(link, link)

    def pair_name(self, first: str, second: str) -> str:
        """What stands in texts for two links that are near each other: "wrist 3 to upper arm"."""
        return f"{self.name(first)} to {self.name(second)}"

    def named_in(self, reason: str) -> tuple[str, ...]:
        """Links whose names stand in a text like "wrist 3 to upper arm"."""
        words = reason.split(" to ")
        return tuple(link for link, name in self.names if name in words)

    def of(self, link: str) -> tuple[Capsule, ...]:
        """The capsules of one link."""
        return tuple(capsule for capsule in self.capsules if capsule.link == link)

    def with_tool(self, capsules: Sequence[Capsule], *, name: str = "tool", touching: Iterable[str] = ()) -> Bodies:
        """The same with a tool, whose capsules are fixed to one frame that carries none yet.

        The tool is kept off every link with capsules but those named in `touching`, which it is mounted on.

        Raises:
            RobotError: The capsules are fixed to several frames, or to one that has capsules.
        """
        frames, links = {capsule.link for capsule in capsules}, dict.fromkeys(c.link for c in self.capsules)
        if len(frames) != 1 or frames & set(links):
            allowed = "one frame that has no capsules yet"
            raise RobotError("the capsules of a tool cannot be used", given=sorted(frames), allowed=allowed)
        frame = frames.pop()
        apart = tuple((frame, link) for link in links if link not in set(touching))
        return replace(
            self,
            capsules=(*self.capsules, *capsules),
            pairs=(*self.pairs, *apart),
            names=(*self.names, (frame, name)),
        )


def load_bodies(path: Path) -> Bodies:
    """Read a bodies file (YAML): for each link its name and capsules, then the pairs of links that never meet.

    Raises:
        RobotError: The file cannot be read, or lacks a part.
        TooLargeError: It would take more memory than a file may.
    """
    try:
        return _from_tree(read_yaml(path))
    except (OSError, UnicodeDecodeError) as error:
        raise RobotError("a bodies file cannot be read", given=path, mend=str(error)) from error
    except NotYamlError as error:
        raise RobotError(f"{path}: not YAML", given=error) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RobotError(f"{path}: not a bodies file", given=f"{type(error).__name__}: {error}") from error


def _from_tree(tree: Any) -> Bodies:
    links = tree["links"]
    ignored = {frozenset((link, other)) for link, others in tree["never_meet"].items() for other in others}
    unknown = set().union(*ignored) - set(links) if ignored else set()
    if unknown:
        raise ValueError(f"never_meet names {', '.join(sorted(unknown))}, which is no link of the file")
    return Bodies(
        capsules=tuple(_capsule(link, row) for link, part in links.items() for row in part["capsules"]),
        pairs=tuple((b, a) for a, b in combinations(links, 2) if frozenset((a, b)) not in ignored),
        names=tuple((link, str(part["name"])) for link, part in links.items()),
        mounted=tuple(link for link, part in links.items() if part.get("mounted", False)),
    )


def _capsule(link: str, row: Any) -> Capsule:
    a, b, radius = np.array(row["a"], dtype=float), np.array(row.get("b", row["a"]), dtype=float), float(row["radius"])
    if a.shape != (3,) or b.shape != (3,) or not np.isfinite([*a, *b, radius]).all() or radius <= 0.0:
        raise ValueError(f"a capsule of {link} needs a and b of three finite numbers and a radius > 0, has {row}")
    return Capsule(link=link, a=a, b=b, radius=radius)


def bodies_of(chain: SerialChain, spheres: Iterable[CollisionSphere]) -> Bodies:
    """Bodies of a robot without a bodies file: its description's spheres, every two links apart that are not joined."""
    capsules = tuple(Capsule(link=s.link, a=s.center, b=s.center, radius=s.radius) for s in spheres)
    links = tuple(dict.fromkeys(capsule.link for capsule in capsules))
    apart = ((b, a) for a, b in combinations(links, 2) if not are_joined(chain, a, b))
    return Bodies(capsules=capsules, pairs=tuple(apart))


def are_joined(chain: SerialChain, first: str, second: str) -> bool:
    """Tell whether at most one c-space joint lies between two links."""
    joints = chain.frame(first).joint, chain.frame(second).joint
    paths = [set(chain.ancestors(joint)) for joint in joints]
    return len(paths[0] ^ paths[1]) <= 1


def check_bodies(bodies: Bodies, chain: SerialChain) -> Bodies:
    """Return the bodies.

    Raises:
        RobotError: They name a link that the robot does not have.
    """
    for link in dict.fromkeys([*(c.link for c in bodies.capsules), *(link for pair in bodies.pairs for link in pair)]):
        chain.frame(link)
    return bodies
