"""Whether capsules contain a mesh: a test by recursion that holds for whole triangles, not only their corners."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np

from teletwin.bounded import read_text
from teletwin.errors import RobotError
from teletwin.geometry import Array

_EXACT_M = 1e-9


def read_triangles(path: Path) -> Array:
    """Triangles (t, 3, 3) [m] of an OBJ file, in the frame of the file.

    Raises:
        RobotError: The file cannot be read, or is no mesh of triangles.
    """
    try:
        points, faces = _read_rows(read_text(path, expansion=60.0))
        return np.array(points)[np.array(faces, dtype=np.int64).reshape(-1, 3)]
    except (OSError, ValueError, IndexError) as error:
        raise RobotError("a mesh cannot be read", given=f"{path}: {error}", allowed="an OBJ of triangles") from error


def _read_rows(text: str) -> tuple[list[list[float]], list[list[int]]]:
    """Corners, and the numbers of each triangle's corners from 0 on."""
    points: list[list[float]] = []
    faces: list[list[int]] = []
    for line in StringIO(text):
        row = line.split()
        if row and row[0] == "v":
            points.append([float(number) for number in row[1:4]])
        elif row and row[0] == "f":
            faces.append([int(corner.partition("/")[0]) - 1 for corner in row[1:]])
    return points, faces


def distance_to_segment(points: Array, a: Array, b: Array) -> Array:
    """Distances (...) [m] of points (..., 3) from the segment between a and b (3,)."""
    along = b - a
    length2 = float(along @ along)
    share = np.clip((points - a) @ along / length2, 0.0, 1.0) if length2 > 0.0 else np.zeros(points.shape[:-1])
    return np.linalg.norm(points - a - share[..., None] * along, axis=-1)


def subdivided(triangles: Array, *, edge_m: float) -> Array:
    """Triangles (..., 3, 3) cut in four until no edge is longer than edge_m [m]."""
    done = []
    while len(triangles):
        edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)
        done.append(triangles[edges <= edge_m])
        triangles = quartered(triangles[edges > edge_m])
    return np.concatenate(done)


def quartered(triangles: Array) -> Array:
    """Each of triangles (t, 3, 3) as the four that its edges' middles cut it into, (4 t, 3, 3)."""
    a, b, c = (triangles[:, k] for k in range(3))
    ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
    corners = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
    return np.concatenate([np.stack(each, axis=1) for each in corners])


def uncovered_m(triangles: Array, capsules: Array, *, edge_m: float = 2e-4) -> float:
    """Bound [m] on how far any point of triangles (t, 3, 3) lies outside capsules (k, 7), rows a, b, radius; 0: none.

    A capsule is convex: it contains a triangle whose corners it contains. Others are cut in four, down to edge_m;
    what is left then lies outside by at most its farthest corner's depth, or an edge.
    """
    while True:
        depth = np.stack([distance_to_segment(triangles, row[:3], row[3:6]) - row[6] for row in capsules])
        open_ = ~np.any(np.all(depth <= _EXACT_M, axis=2), axis=0)
        if not open_.any():
            return 0.0
        triangles, depth = triangles[open_], depth[:, open_]
        edges = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2)
        if edges.max() <= edge_m or depth.min(axis=0).max() > _EXACT_M:  # a corner is outside: no cut mends that
            return float(depth.max(axis=2).min(axis=0).max())
        triangles = quartered(triangles)
