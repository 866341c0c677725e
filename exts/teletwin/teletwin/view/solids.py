"""Vertex arrays of everything solid: arm, target, objects; each vertex knows the matrix that moves it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.view.meshes import Mesh, join, load_links, solid, triad

VERTEX_DTYPE = np.dtype([("position", "f4", 3), ("normal", "f4", 3), ("colour", "u1", 4)])
VERTEX_FORMAT = "3f 3f 4f1"
VERTEX_NAMES = ("in_position", "in_normal", "in_colour")
ARM, GHOST, TARGET, OBJECTS = 0, 7, 14, 15
"""Number of the first matrix of each kind."""
TARGET_LENGTH_M = 0.055


@dataclass(frozen=True, kw_only=True)
class SceneObject:
    """A movable thing: `kind` box, cylinder or sphere with MuJoCo's sizes [m], and linear RGB."""

    kind: str
    size: tuple[float, ...]
    colour: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Solids:
    """Meshes with the number of the matrix that moves each of them."""

    meshes: tuple[Mesh, ...]
    frames: tuple[int, ...]

    def vertices(self) -> NDArray[np.void]:
        """All vertices (VERTEX_DTYPE)."""
        whole = join(list(self.meshes))
        out = np.empty(len(whole.positions), dtype=VERTEX_DTYPE)
        out["position"], out["normal"] = whole.positions, whole.normals
        out["colour"][:, :3] = np.round(255.0 * np.clip(whole.colours, 0.0, 1.0))
        out["colour"][:, 3] = np.repeat(self.frames, [len(m.positions) for m in self.meshes])
        return out

    def indices(self) -> NDArray[np.uint32]:
        """All triangles' vertex numbers, flat."""
        return join(list(self.meshes)).triangles.reshape(-1)

    def ranges(self) -> list[tuple[int, int]]:
        """First index and index count of each mesh."""
        counts = [m.triangles.size for m in self.meshes]
        return list(zip(np.cumsum([0, *counts[:-1]]).tolist(), counts, strict=True))

    def corners(self) -> Array:
        """Corners (meshes, 8, 3) of each mesh's box, in its own frame [m]."""
        low = np.array([m.positions.min(axis=0) for m in self.meshes], dtype=np.float64)
        high = np.array([m.positions.max(axis=0) for m in self.meshes], dtype=np.float64)
        pick = np.array([[(k >> axis) & 1 for axis in range(3)] for k in range(8)], dtype=bool)
        return np.where(pick, high[:, None], low[:, None])


def visible_solids(objects: Sequence[SceneObject]) -> Solids:
    """What is drawn: the arm in full detail, the target's axes, the objects."""
    things = [solid(o.kind, o.size, o.colour) for o in objects]
    return Solids(
        meshes=(*load_links("full"), triad(TARGET_LENGTH_M), *things),
        frames=(*range(ARM, ARM + 7), TARGET, *range(OBJECTS, OBJECTS + len(things))),
    )


def casting_solids(objects: Sequence[SceneObject]) -> Solids:
    """What throws shadows: the arm in low detail and the objects."""
    things = [solid(o.kind, o.size, o.colour) for o in objects]
    return Solids(
        meshes=(*load_links("low"), *things),
        frames=(*range(ARM, ARM + 7), *range(OBJECTS, OBJECTS + len(things))),
    )


def arm_solids(links: Sequence[Mesh]) -> Solids:
    """The arm of seven links and the target's axes, as a page draws them."""
    return Solids(meshes=(*links, triad(TARGET_LENGTH_M)), frames=(*range(ARM, ARM + 7), TARGET))


def object_solids(objects: Sequence[SceneObject]) -> Solids:
    """The objects alone."""
    things = [solid(o.kind, o.size, o.colour) for o in objects]
    return Solids(meshes=tuple(things), frames=tuple(range(OBJECTS, OBJECTS + len(things))))


def ghost_solids() -> Solids:
    """The moving links in low detail, for the second arm; the base would only cover the first one's."""
    return Solids(meshes=tuple(load_links("low")[1:]), frames=tuple(range(1, 7)))
