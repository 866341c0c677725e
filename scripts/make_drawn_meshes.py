#!/usr/bin/env python3
"""Write what a page draws the arm of: assets/robots/ur3e/meshes/drawn.bin, from the low meshes beside it.

Run by a person when make_meshes.py has made these anew:

    .venv/bin/python scripts/make_drawn_meshes.py

Three levels of detail, each of all seven links and of the target's axes: the low meshes, and two coarser ones whose
vertices are welded within cells. The low upper arm has a hole at the elbow: it is welded from the full one.
A test compares the file with what this makes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from make_meshes import Part, smooth_corners, split_positions, weld, write_manifest
from teletwin.view.drawn_meshes import pack_meshes
from teletwin.view.meshes import LINK_NAMES, Mesh, average_normals, join, load_links
from teletwin.view.solids import arm_solids

ROOT = Path(__file__).resolve().parents[1]
MESHES = ROOT / "assets" / "robots" / "ur3e" / "meshes"
FILE = MESHES / "drawn.bin"
HOLED, HOLED_CELL_M = "upper_arm", 0.0065
CELLS_M = (0.007, 0.011)
"""Vertices closer together are one in the coarser levels."""


def coarser(mesh: Mesh, cell_m: float) -> Mesh:
    """The mesh with the vertices of each cell welded, each colour by itself."""
    colours, shade = np.unique(mesh.colours, axis=0, return_inverse=True)
    owner = shade.reshape(-1)[mesh.triangles[:, 0]]
    return join([_welded(mesh, mesh.triangles[owner == k], colours[k], cell_m) for k in range(len(colours))])


def _welded(mesh: Mesh, triangles: np.ndarray, colour: np.ndarray, cell_m: float) -> Mesh:
    used, faces = np.unique(triangles, return_inverse=True)
    part = Part(
        material="",
        colour=(0.0, 0.0, 0.0),
        vertices=mesh.positions[used].astype(float),
        faces=faces.reshape(-1, 3).astype(np.int64),
    )
    part = weld(part, cell_m)
    kept, corner, inverse = np.unique(smooth_corners(part), return_index=True, return_inverse=True)
    positions, corners = split_positions(part, corner), inverse.reshape(-1, 3)
    return Mesh(
        positions=positions.astype(np.float32),
        normals=average_normals(positions, corners),
        colours=np.tile(colour, (len(kept), 1)),
        triangles=corners.astype(np.uint32),
    )


def drawn_meshes() -> bytes:
    """The file's bytes."""
    low = load_links("low")
    holed = LINK_NAMES.index(HOLED)
    low[holed] = coarser(load_links("full")[holed], HOLED_CELL_M)
    levels = [low, *([coarser(link, cell_m) for link in low] for cell_m in CELLS_M)]
    return pack_meshes([arm_solids(links) for links in levels])


def main() -> None:
    """Write the file and the manifest."""
    FILE.write_bytes(drawn_meshes())
    write_manifest(ROOT / "assets" / "MANIFEST.toml", MESHES)
    print(f"{FILE.relative_to(ROOT)}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
