"""Triangle meshes: the UR3e's links from OBJ, and simple solids made here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from teletwin.assets import asset_path
from teletwin.errors import ConfigError, StreamError

LINK_NAMES = ("base", "shoulder", "upper_arm", "forearm", "wrist_1", "wrist_2", "wrist_3")
Colour = tuple[float, float, float]
Detail = Literal["full", "low"]
Floats = NDArray[np.float32]
SIDES = 28
"""Segments of round solids."""


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Triangles with a normal and a colour at every vertex."""

    positions: Floats
    """(v, 3) [m]."""
    normals: Floats
    """(v, 3), unit."""
    colours: Floats
    """(v, 3), linear RGB, 0 ... 1."""
    triangles: NDArray[np.uint32]
    """(t, 3), counter-clockwise seen from outside."""


def join(meshes: list[Mesh]) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0, *(len(m.positions) for m in meshes[:-1])])
    return Mesh(
        positions=np.concatenate([m.positions for m in meshes]),
        normals=np.concatenate([m.normals for m in meshes]),
        colours=np.concatenate([m.colours for m in meshes]),
        triangles=np.concatenate([m.triangles + np.uint32(s) for m, s in zip(meshes, starts, strict=True)]),
    )


def load_links(detail: Detail = "full") -> list[Mesh]:
    """The UR3e's seven links in the order of LINK_NAMES, each in its own URDF link frame."""
    folder = asset_path("robots", "ur3e", "meshes")
    folder = folder / "low" if detail == "low" else folder
    colours = read_colours(folder / "ur3e.mtl")
    return [read_obj(folder / f"{name}.obj", colours) for name in LINK_NAMES]


def read_colours(path: Path) -> dict[str, Colour]:
    """Diffuse colours (linear RGB) by name from an MTL file."""
    colours: dict[str, Colour] = {}
    name = ""
    for line in _lines(path):
        key, _, rest = line.partition(" ")
        if key == "newmtl":
            name = rest
        elif key == "Kd":
            red, green, blue = (float(v) for v in rest.split())
            colours[name] = (red, green, blue)
    return colours


def read_obj(path: Path, colours: dict[str, Colour]) -> Mesh:
    """A mesh from an OBJ file of triangles whose vertices are split at creases; normals are averaged here."""
    rows: dict[str, list[str]] = {"v": [], "f": []}
    shades: list[tuple[int, str]] = []
    for line in _lines(path):
        key, _, rest = line.partition(" ")
        if key in rows:
            rows[key].append(rest)
        elif key == "usemtl":
            shades.append((len(rows["v"]), rest))
    try:
        positions, triangles = _table(rows["v"]), _table(rows["f"]).astype(np.int64) - 1
        counts = np.diff([start for start, _ in shades] + [len(positions)])
        shade = np.repeat(np.array([colours[name] for _, name in shades], dtype=np.float32), counts, axis=0)
        return Mesh(
            positions=positions.astype(np.float32),
            normals=average_normals(positions, triangles),
            colours=shade,
            triangles=triangles.astype(np.uint32),
        )
    except (ValueError, KeyError, IndexError) as error:
        raise StreamError("a mesh file cannot be read", given=f"{path}: {error}", mend="restore the assets") from None


def average_normals(positions: NDArray, triangles: NDArray[np.int64]) -> Floats:
    """Unit normals (v, 3) of vertices, the mean of their triangles' by area."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)  # as long as twice the area, which is the weight wanted
    total = np.zeros_like(positions)
    for corner in range(3):
        for axis in range(3):
            total[:, axis] += np.bincount(triangles[:, corner], faces[:, axis], len(positions))
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-15)).astype(np.float32)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines()


def _table(rows: list[str]) -> NDArray[np.float64]:
    return np.array(" ".join(rows).split(), dtype=np.float64).reshape(len(rows), 3)


def box(half_size: tuple[float, ...], colour: Colour) -> Mesh:
    """A box of the given half edges [m], flat-shaded."""
    positions, normals, triangles = [], [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal, u, v = np.zeros(3), np.zeros(3), np.zeros(3)
            normal[axis], u[(axis + 1) % 3], v[(axis + 2) % 3] = sign, sign, 1.0
            start = len(positions)
            positions += [normal + a * u + b * v for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
            normals += [normal] * 4
            triangles += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return _mesh(np.array(positions) * np.asarray(half_size), np.array(normals), triangles, colour)


def revolve(profile: list[tuple[float, float, float, float]], colour: Colour) -> Mesh:
    """A solid of revolution about z from rows (radius, z, normal radial, normal z), rising along z at the side."""
    angles = np.linspace(0.0, 2.0 * np.pi, SIDES, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    positions = [np.column_stack([r * circle, np.full(SIDES, z)]) for r, z, _, _ in profile]
    normals = [np.column_stack([nr * circle, np.full(SIDES, nz)]) for _, _, nr, nz in profile]
    triangles = []
    for ring in range(len(profile) - 1):
        for k in range(SIDES):
            a, b = ring * SIDES + k, ring * SIDES + (k + 1) % SIDES
            triangles += [(a, b, b + SIDES), (a, b + SIDES, a + SIDES)]
    return _mesh(np.concatenate(positions), np.concatenate(normals), triangles, colour)


def cylinder(radius: float, half_length: float, colour: Colour) -> Mesh:
    """An upright cylinder [m] with flat ends."""
    r, h = radius, half_length
    rows = [(0.0, -h, 0.0, -1.0), (r, -h, 0.0, -1.0), (r, -h, 1.0, 0.0), (r, h, 1.0, 0.0), (r, h, 0.0, 1.0)]
    return revolve([*rows, (0.0, h, 0.0, 1.0)], colour)


def ball(radius: float, colour: Colour) -> Mesh:
    """A sphere [m]."""
    polar = np.linspace(np.pi, 0.0, SIDES // 2 + 1)
    return revolve([(radius * s, radius * c, s, c) for s, c in zip(np.sin(polar), np.cos(polar), strict=True)], colour)


def arrow(length: float, radius: float, colour: Colour) -> Mesh:
    """A thin arrow [m] along +z from the origin."""
    neck, tip = 0.72 * length, 2.6 * radius
    rows = [(0.0, 0.0, 0.0, -1.0), (radius, 0.0, 1.0, 0.0), (radius, neck, 1.0, 0.0), (tip, neck, 0.0, -1.0)]
    return revolve([*rows, (tip, neck, 0.9, 0.43), (0.0, length, 0.9, 0.43)], colour)


def triad(length: float) -> Mesh:
    """A coordinate frame: x red, y green, z blue, with a small white ball at its origin."""
    along_z = arrow(length, 0.028 * length, (0.2, 0.45, 1.0))
    shades: list[Colour] = [(0.95, 0.2, 0.22), (0.25, 0.8, 0.35), (0.2, 0.45, 1.0)]
    parts = [ball(0.075 * length, (0.95, 0.95, 0.95))]
    for axis, shade in enumerate(shades):
        turn = [(axis + 1) % 3, (axis + 2) % 3, axis]
        order = np.argsort(turn)  # component `axis` of the result is the arrow's z
        parts.append(
            Mesh(
                positions=along_z.positions[:, order],
                normals=along_z.normals[:, order],
                colours=np.tile(np.array(shade, np.float32), (len(along_z.positions), 1)),
                triangles=along_z.triangles,
            )
        )
    return join(parts)


def solid(kind: str, size: tuple[float, ...], colour: Colour) -> Mesh:
    """A movable object's mesh; sizes [m] as MuJoCo's: half edges, radius and half length, or radius."""
    if kind == "box" and len(size) == 3:
        return box(size, colour)
    if kind == "cylinder" and len(size) == 2:
        return cylinder(size[0], size[1], colour)
    if kind == "sphere" and len(size) == 1:
        return ball(size[0], colour)
    allowed = "box (3 half edges), cylinder (radius, half length), sphere (radius)"
    raise ConfigError("an object of unknown shape", given=f"{kind} {size}", allowed=allowed)


def _mesh(positions: NDArray, normals: NDArray, triangles: list[tuple[int, int, int]], colour: Colour) -> Mesh:
    return Mesh(
        positions=positions.astype(np.float32),
        normals=normals.astype(np.float32),
        colours=np.tile(np.array(colour, np.float32), (len(positions), 1)),
        triangles=np.array(triangles, dtype=np.uint32),
    )
