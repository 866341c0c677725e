#!/usr/bin/env python3
"""Convert the UR3e meshes of the package airo-models to the compact ones under assets/robots/ur3e/meshes.

Run once, by a person, when the source changes:

    python -m venv /tmp/meshes && /tmp/meshes/bin/pip install airo-models==0.0.12 trimesh fast-simplification moderngl
    /tmp/meshes/bin/python scripts/make_meshes.py

Each link becomes one OBJ in its own link frame (so that the URDF can name it) with one material per
colour and vertices split at creases, at two levels of detail:
<link>.obj for the picture, low/<link>.obj for shadow and ghost.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SOURCE_LINKS = {
    "base": ("base_link_inertia", "base.obj"),
    "shoulder": ("shoulder_link", "shoulder.obj"),
    "upper_arm": ("upper_arm_link", "upperarm.obj"),
    "forearm": ("forearm_link", "forearm.obj"),
    "wrist_1": ("wrist_1_link", "wrist1.obj"),
    "wrist_2": ("wrist_2_link", "wrist2.obj"),
    "wrist_3": ("wrist_3_link", "wrist3.obj"),
}
MATERIALS = {"Black": "black", "JointGrey": "joint_grey", "LinkGrey": "link_grey", "URBlue": "ur_blue"}
SOURCE = "airo-models 0.0.12 (PyPI), arms/ur3e/visual"
LICENCE = "MIT AND BSD-3-Clause; texts in robots/ur3e/meshes/LICENSE.txt"
CREASE_DEG = 38.0
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class Detail:
    """How many triangles a part keeps: a density, and a floor that saves small parts from facets."""

    folder: str
    triangles_per_m2: float
    floor: int
    cell_m: float = 0.0
    """Corners closer than this are welded first, which closes seams and removes screws and lettering."""
    area_tolerance: float = 0.03


DETAILS = (
    Detail(folder="", triangles_per_m2=45_000.0, floor=700, cell_m=0.0007),
    Detail(folder="low", triangles_per_m2=10_000.0, floor=90, cell_m=0.0035, area_tolerance=0.15),
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Triangles of one link that share a material."""

    material: str
    colour: tuple[float, float, float]
    vertices: Array
    faces: NDArray[np.int64]


def rotation_from_rpy(roll: float, pitch: float, yaw: float) -> Array:
    """URDF's fixed-axis angles [rad] as a matrix (3, 3)."""
    cr, sr, cp, sp, cy, sy = (f(v) for v in (roll, pitch, yaw) for f in (np.cos, np.sin))
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def visual_origins(source: Path) -> dict[str, tuple[Array, Array]]:
    """Rotation and translation of each link's visual, from the source's URDF."""
    text = (source / "ur3e.urdf").read_text().replace("drake:", "drake_")  # the prefix is never declared
    origins = {}
    for link in ET.fromstring(text).iter("link"):
        origin = link.find("visual/origin")
        if origin is not None:
            rpy = [float(v) for v in origin.attrib["rpy"].split()]
            xyz = np.array([float(v) for v in origin.attrib["xyz"].split()])
            origins[link.attrib["name"]] = (rotation_from_rpy(*rpy), xyz)
    return origins


def read_parts(path: Path, rotation: Array, translation: Array) -> list[Part]:
    """Parts of an OBJ in the link frame, vertices welded by position."""
    import trimesh

    parts = []
    scene: Any = trimesh.load(path, force="scene", process=False)
    for geometry in scene.geometry.values():
        name = MATERIALS[re.split(r"[._]", geometry.visual.material.name)[0]]
        red, green, blue = (round(float(c) / 255.0, 4) for c in geometry.visual.material.diffuse[:3])
        points = np.asarray(geometry.vertices) @ rotation.T + translation
        unique, inverse = np.unique(np.round(points, 6), axis=0, return_inverse=True)
        faces = inverse.reshape(-1)[np.asarray(geometry.faces)]
        distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
        parts.append(Part(material=name, colour=(red, green, blue), vertices=unique, faces=faces[distinct]))
    return sorted(parts, key=lambda part: part.material)


def view_directions(count: int) -> Array:
    """Unit vectors (count, 3) spread evenly over the sphere (golden spiral)."""
    k = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * k / count), np.pi * (1 + 5**0.5) * k
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)


def look_along(direction: Array, centre: Array, radius: float) -> Array:
    """Orthographic clip matrix (4, 4) that sees a sphere from the given direction."""
    helper = np.array([0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    right = np.cross(helper, direction)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(direction, right), -direction]) / (1.05 * radius)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = axes, -axes @ centre
    return matrix


def keep_visible(parts: list[Part], *, views: int = 160, size: int = 1024) -> list[Part]:
    """The triangles that can be seen from outside, each wound so that its front is what is seen.

    Every triangle is drawn with its number as colour, negative where its back shows.
    """
    import moderngl

    corners = np.concatenate([part.vertices[part.faces].reshape(-1, 3) for part in parts])
    pixels = np.zeros((2, len(corners) // 3 + 1), dtype=np.int64)
    centre = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    radius = float(np.linalg.norm(corners - centre, axis=1).max())
    options: Any = {"standalone": True, "backend": "egl"}
    gl = moderngl.create_context(**options)
    program: Any = gl.program(
        vertex_shader="#version 330\nuniform mat4 m; in vec3 p;"
        "flat out int id; void main(){gl_Position = m * vec4(p, 1.0); id = gl_VertexID / 3 + 1;}",
        fragment_shader="#version 330\nflat in int id; out int o; void main(){o = gl_FrontFacing ? id : -id;}",
    )
    array = gl.vertex_array(program, [(gl.buffer(corners.astype("f4").tobytes()), "3f", "p")])
    frame = gl.framebuffer([gl.renderbuffer((size, size), 1, dtype="i4")], gl.depth_renderbuffer((size, size)))
    frame.use()
    gl.enable(moderngl.DEPTH_TEST)
    for direction in view_directions(views):
        frame.clear()
        program["m"].write(look_along(direction, centre, radius).T.astype("f4").tobytes())
        array.render()
        numbers, counts = np.unique(np.frombuffer(frame.read(components=1, dtype="i4"), "i4"), return_counts=True)
        np.add.at(pixels, ((numbers < 0).astype(int), np.abs(numbers)), counts)
    gl.release()
    ends = np.cumsum([len(part.faces) for part in parts])[:-1]
    fronts, backs = (np.split(side[1:], ends) for side in pixels)
    return [keep_faces(*row) for row in zip(parts, fronts, backs, strict=True)]


def keep_faces(part: Part, front: NDArray[np.int64], back: NDArray[np.int64]) -> Part:
    """The part with the triangles of which some pixels were seen, turned where mostly their back was."""
    seen = front + back > 0
    faces = np.where((back > front)[:, None], part.faces[:, ::-1], part.faces)[seen]
    used, inverse = np.unique(faces, return_inverse=True)
    return Part(
        material=part.material,
        colour=part.colour,
        vertices=part.vertices[used],
        faces=inverse.reshape(-1, 3).astype(np.int64),
    )


def area_m2(part: Part) -> float:
    """Surface of a part [m^2]."""
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def weld(part: Part, cell_m: float) -> Part:
    """Merge the vertices of each cubic cell into their mean."""
    _, cell = np.unique(np.round(part.vertices / cell_m), axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    counts = np.bincount(cell)
    points = np.stack([np.bincount(cell, part.vertices[:, k]) / counts for k in range(3)], axis=1)
    faces = np.sort(cell[part.faces], axis=1)
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2])
    _, first = np.unique(faces, axis=0, return_index=True)
    kept = first[distinct[first]]
    return Part(material=part.material, colour=part.colour, vertices=points, faces=cell[part.faces][kept])


def decimate(part: Part, detail: Detail) -> Part:
    """Fewer triangles by quadric edge collapse; the least that keeps the surface's area, else all of them.

    Long thin triangles of the source make some collapses fold over or tear: their area tells.
    """
    simplify: Any = importlib.import_module("fast_simplification").simplify
    if detail.cell_m > 0.0:
        part = weld(part, detail.cell_m)
    wanted, area = max(detail.floor, int(detail.triangles_per_m2 * area_m2(part))), area_m2(part)
    for growth, haste in itertools.product((1.0, 1.4, 2.0, 2.8, 4.0), (2.0, 3.0)):
        target = int(growth * wanted)
        if target >= len(part.faces):
            break
        points, faces = simplify(
            part.vertices.astype(np.float32), part.faces.astype(np.int32), target_count=target, agg=haste
        )
        fewer = replace(part, vertices=points.astype(float), faces=faces.astype(np.int64))
        if abs(area_m2(fewer) / area - 1.0) <= detail.area_tolerance:
            return fewer
    return part


def smooth_corners(part: Part) -> NDArray[np.int64]:
    """Labels (faces, 3): corners at one vertex share a label when only soft edges lie between them.

    A reader that gives each label one vertex, and averages normals over it, shades as meant: smooth
    across soft edges, sharp at creases.
    """
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-15)
    # Half edges as (lower vertex, upper vertex, corner at the lower, corner at the upper).
    corner = np.arange(part.faces.size).reshape(-1, 3)
    start, end = part.faces.reshape(-1), np.roll(part.faces, -1, axis=1).reshape(-1)
    at_start, at_end = corner.reshape(-1), np.roll(corner, -1, axis=1).reshape(-1)
    flip = start > end
    edges = np.stack([np.minimum(start, end), np.maximum(start, end)], axis=1)
    corners = np.stack([np.where(flip, at_end, at_start), np.where(flip, at_start, at_end)], axis=1)
    order = np.lexsort(edges.T)
    edges, corners = edges[order], corners[order]
    same = np.all(edges[1:] == edges[:-1], axis=1)
    first, second = corners[:-1][same], corners[1:][same]
    soft = np.sum(normal[first[:, 0] // 3] * normal[second[:, 0] // 3], axis=1) >= np.cos(np.radians(CREASE_DEG))
    links = np.concatenate([np.stack([first[soft, k], second[soft, k]], axis=1) for k in range(2)])
    labels = np.arange(part.faces.size)
    while True:  # the smallest number spreads along the links
        before = labels.copy()
        low = np.minimum(labels[links[:, 0]], labels[links[:, 1]])
        np.minimum.at(labels, links[:, 0], low)
        np.minimum.at(labels, links[:, 1], low)
        if np.array_equal(before, labels):
            return labels.reshape(-1, 3)


def write_obj(path: Path, parts: list[Part]) -> int:
    """Write one link as OBJ, vertices split at creases so that no normals are needed. Returns triangles."""
    lines = ["# UR3e link, see LICENSE.txt in the meshes folder; metres, link frame", "mtllib ur3e.mtl"]
    first, triangles = 1, 0
    for part in parts:
        kept, corner, inverse = np.unique(smooth_corners(part), return_index=True, return_inverse=True)
        faces = inverse.reshape(-1, 3) + first
        lines.append(f"usemtl {part.material}")
        lines += [" ".join(["v", *(f"{v:.5g}" for v in row)]) for row in split_positions(part, corner)]
        lines += [f"f {i} {j} {k}" for i, j, k in faces]
        first, triangles = first + len(kept), triangles + len(faces)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return triangles


def split_positions(part: Part, corners: NDArray[np.int64]) -> Array:
    """Positions (n, 3) of the given corners, to a hundredth of a millimetre, without a minus before zero."""
    return np.round(part.vertices[part.faces.reshape(-1)[corners]], 5) + 0.0


def write_materials(path: Path, parts: list[Part]) -> None:
    """Write the colours (linear RGB) of all materials in use."""
    colours = {part.material: part.colour for part in parts}
    text = "\n".join(f"newmtl {name}\nKd {r} {g} {b}" for name, (r, g, b) in sorted(colours.items()))
    path.write_text(text + "\n")


def convert(source: Path, target: Path) -> None:
    """Convert every link at every level of detail."""
    origins = visual_origins(source)
    everything: list[Part] = []
    for link, (urdf_name, file_name) in SOURCE_LINKS.items():
        parts = keep_visible(read_parts(source / "visual" / file_name, *origins[urdf_name]))
        everything += parts
        counts = [write_obj(target / d.folder / f"{link}.obj", [decimate(p, d) for p in parts]) for d in DETAILS]
        print(f"{link}: {sum(len(p.faces) for p in parts)} visible triangles -> {counts}")
    for detail in DETAILS:
        write_materials(target / detail.folder / "ur3e.mtl", everything)


def write_manifest(path: Path, meshes: Path) -> None:
    """List every mesh file with its hash, source and licence; paths are relative to the manifest."""
    rows = ["# What was made from other people's work: its bytes, where it comes from, on what terms."]
    rows += ["# Written by scripts/make_meshes.py; a test compares the hashes.", ""]
    for file in sorted(each for each in meshes.rglob("*") if each.is_file()):
        rows += [
            "[[file]]",
            f'path = "{file.relative_to(path.parent).as_posix()}"',
            f'sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"',
            f'source = "{SOURCE}"',
            f'licence = "{LICENCE}"',
            "",
        ]
    path.write_text("\n".join(rows[:-1]) + "\n")


def main() -> None:
    """Read the options and convert."""
    parser = argparse.ArgumentParser(description="Make the compact UR3e meshes.")
    parser.add_argument("--source", type=Path, help="folder with ur3e.urdf and visual/ (default: package airo_models)")
    options = parser.parse_args()
    source = options.source
    if source is None:
        spec = importlib.util.find_spec("airo_models")
        if spec is None or spec.origin is None:
            parser.error("airo-models is not installed: pip install airo-models==0.0.12, or give --source")
        source = Path(spec.origin).parent / "arms" / "ur3e"
    target = ROOT / "assets" / "robots" / "ur3e" / "meshes"
    convert(source, target)
    write_manifest(ROOT / "assets" / "MANIFEST.toml", target)


if __name__ == "__main__":
    main()
