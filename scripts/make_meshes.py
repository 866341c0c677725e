#!/usr/bin/env python3
"""Convert the UR3e meshes of the package airo-models to the compact ones under assets/robots/ur3e/meshes.

Run once, by a person, when the source changes:

    python -m venv /tmp/meshes && /tmp/meshes/bin/pip install airo-models==0.0.12 trimesh fast-simplification moderngl
    /tmp/meshes/bin/python scripts/make_meshes.py

Each link becomes one OBJ in its own link frame (so that the URDF can name it) with vertex normals and one
material per colour, at two levels of detail: <link>.obj for the picture, low/<link>.obj for shadow and ghost.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
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


DETAILS = (
    Detail(folder="", triangles_per_m2=45_000.0, floor=700),
    Detail(folder="low", triangles_per_m2=13_000.0, floor=90, cell_m=0.0025),
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
    """Fewer triangles by quadric edge collapse."""
    simplify: Any = importlib.import_module("fast_simplification").simplify

    if detail.cell_m > 0.0:
        part = weld(part, detail.cell_m)
    target = max(detail.floor, int(detail.triangles_per_m2 * area_m2(part)))
    if target >= len(part.faces):
        return part
    points, faces = simplify(
        part.vertices.astype(np.float32), part.faces.astype(np.int32), target_count=target, agg=2.0
    )
    return Part(material=part.material, colour=part.colour, vertices=points.astype(float), faces=faces.astype(np.int64))


def corner_normals(part: Part) -> Array:
    """Normals (faces, 3, 3): at each corner the mean over its vertex's faces within the crease angle."""
    a, b, c = (part.vertices[part.faces[:, k]] for k in range(3))
    scaled = np.cross(b - a, c - a)
    unit = scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-15)
    around: list[list[int]] = [[] for _ in range(len(part.vertices))]
    for index, face in enumerate(part.faces):
        for vertex in face:
            around[vertex].append(index)
    normals = np.empty((len(part.faces), 3, 3))
    limit = np.cos(np.radians(CREASE_DEG))
    for index, face in enumerate(part.faces):
        for k, vertex in enumerate(face):
            faces = np.array(around[vertex])
            close = faces[unit[faces] @ unit[index] >= limit]
            total = scaled[close].sum(axis=0) if len(close) else unit[index]
            normals[index, k] = total / max(float(np.linalg.norm(total)), 1e-15)
    return normals


def write_obj(path: Path, parts: list[Part]) -> int:
    """Write one link as OBJ with normals; each `v` has the `vn` of the same number. Returns triangles."""
    lines = ["# UR3e link, see LICENSE.txt in the meshes folder; metres, link frame", "mtllib ur3e.mtl"]
    first, triangles = 1, 0
    for part in parts:
        corners = np.concatenate([part.vertices[part.faces], corner_normals(part)], axis=2).reshape(-1, 6)
        rounded = np.concatenate([np.round(corners[:, :3], 5), np.round(corners[:, 3:], 2)], axis=1) + 0.0
        unique, inverse = np.unique(rounded, axis=0, return_inverse=True)
        faces = inverse.reshape(-1, 3) + first
        lines.append(f"usemtl {part.material}")
        lines += [f"v {x:.5g} {y:.5g} {z:.5g}" for x, y, z in unique[:, :3]]
        lines += [f"vn {x:.2g} {y:.2g} {z:.2g}" for x, y, z in unique[:, 3:]]
        lines += [f"f {i}//{i} {j}//{j} {k}//{k}" for i, j, k in faces]
        first, triangles = first + len(unique), triangles + len(faces)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return triangles


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


def main() -> None:
    """Read the options and convert."""
    parser = argparse.ArgumentParser(description="Make the compact UR3e meshes.")
    parser.add_argument("--source", type=Path, help="folder with ur3e.urdf and visual/ (default: package airo_models)")
    parser.add_argument("--target", type=Path, default=ROOT / "assets" / "robots" / "ur3e" / "meshes")
    options = parser.parse_args()
    source = options.source
    if source is None:
        spec = importlib.util.find_spec("airo_models")
        if spec is None or spec.origin is None:
            parser.error("airo-models is not installed: pip install airo-models==0.0.12, or give --source")
        source = Path(spec.origin).parent / "arms" / "ur3e"
    convert(source, options.target)


if __name__ == "__main__":
    main()
