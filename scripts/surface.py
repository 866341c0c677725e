"""A triangle soup as surfaces that other programs take: every edge between two faces at most, wound alike.

What is drawn stays what it was: double faces go, faces against the sense of their neighbors turn, and where
three faces meet, or sheets touch in a point, the surface is cut.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Rows = NDArray[np.int32]
APART_M = 1e-5
"""How far points are drawn into their own sheet where two sheets of one plane touch: the files' last digit [m]."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """Points (v, 3) [m], triangles (f, 3), and which row of the soup each triangle was (f,)."""

    points: Points
    faces: Rows
    origin: Rows


def make_surface(points: Points, faces: Rows) -> Surface:
    """The surface of a triangle soup."""
    places = np.unique(points, axis=0, return_inverse=True)[1].reshape(-1)
    origin = _single(places[faces].astype(np.int32))
    turned = _wound_alike(points, faces[origin])
    points, turned = _cut(points, turned)
    return Surface(points=_apart(points, turned), faces=turned, origin=origin.astype(np.int32))


def vertex_normals(points: Points, faces: Rows) -> Points:
    """Normals (v, 3) weighted by area; where points are split at creases these stay sharp."""
    weighted = _area_vectors(points, faces)
    normals = np.zeros((len(points), 3))
    for k in range(3):
        np.add.at(normals, faces[:, k], weighted)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float32)


def edge_uses(faces: Rows) -> dict[tuple[int, int], list[tuple[int, bool]]]:
    """By edge (smaller point first): the faces that have it, and whether each runs along it upwards."""
    uses: dict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
    for row, (a, b, c) in enumerate(faces.tolist()):
        for p, q in ((a, b), (b, c), (c, a)):
            uses[min(p, q), max(p, q)].append((row, p < q))
    return uses


def _single(placed: Rows) -> NDArray[np.intp]:
    """Rows of faces with three places, the first of each that lie in one another."""
    corners = np.sort(placed, axis=1)
    _, first = np.unique(corners, axis=0, return_index=True)
    flat = (corners[:, 0] == corners[:, 1]) | (corners[:, 1] == corners[:, 2])
    return np.sort(first[~flat[first]])


def _area_vectors(points: Points, faces: Rows) -> NDArray[np.float64]:
    a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


def _wound_alike(points: Points, faces: Rows) -> Rows:
    """Faces turned over where they run against their neighbors; the larger part of each sheet stays."""
    near: list[list[tuple[int, int]]] = [[] for _ in faces]
    for uses in edge_uses(faces).values():
        if len(uses) == 2:
            (one, up), (other, also_up) = uses
            sense = -1 if up == also_up else 1
            near[one].append((other, sense))
            near[other].append((one, sense))
    areas = np.linalg.norm(_area_vectors(points, faces), axis=1)
    senses = np.zeros(len(faces))
    for sheet in _sheets(near, senses):
        if areas[sheet] @ senses[sheet] < 0.0:
            senses[sheet] *= -1.0
    return np.where(senses[:, None] < 0.0, faces[:, ::-1], faces)


def _sheets(near: list[list[tuple[int, int]]], senses: NDArray[np.float64]) -> Iterable[list[int]]:
    """Rows that hang together; their senses are set, from each first one's."""
    for start in range(len(near)):
        if senses[start]:
            continue
        senses[start], sheet = 1.0, [start]
        for row in sheet:  # grows meanwhile
            for other, sense in near[row]:
                if not senses[other]:
                    senses[other] = sense * senses[row]
                    sheet.append(other)
        yield sheet


def _cut(points: Points, faces: Rows) -> tuple[Points, Rows]:
    """A point for each fan of faces around it that hang together by edges of two faces wound alike."""
    corners = np.arange(faces.size)

    def first(corner: int) -> int:
        while corners[corner] != corner:
            corners[corner] = corners[corners[corner]]
            corner = corners[corner]
        return corner

    place = [{point: 3 * row + k for k, point in enumerate(face)} for row, face in enumerate(faces.tolist())]
    for edge, uses in edge_uses(faces).items():
        if len(uses) == 2 and uses[0][1] != uses[1][1]:
            for point in edge:
                corners[first(place[uses[0][0]][point])] = first(place[uses[1][0]][point])
    fans, new = np.unique([first(corner) for corner in range(faces.size)], return_inverse=True)
    return points[faces.ravel()[fans]], new.reshape(-1, 3).astype(np.int32)


def _apart(points: Points, faces: Rows) -> Points:
    """Points of one place and one normal, which no edge joins, each drawn into its own sheet by a hair."""
    alike = np.concatenate([points, vertex_normals(points, faces)], axis=1)
    _, group, count = np.unique(alike, axis=0, return_inverse=True, return_counts=True)
    moved = points.copy()
    for point in np.flatnonzero(count[group.reshape(-1)] > 1):
        inside = points[faces[(faces == point).any(axis=1)]].mean(axis=(0, 1)) - points[point]
        moved[point] += APART_M * inside / np.linalg.norm(inside)
    return moved
