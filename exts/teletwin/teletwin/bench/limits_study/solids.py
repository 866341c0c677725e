"""Exact distances between triangle meshes and simple solids, by coal; meshes in covers of balls for quick bounds."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from teletwin.errors import MissingPartError
from teletwin.geometry import Array
from teletwin.robot.containment import distance_to_segment
from teletwin.robot.obstacles import Box, Obstacle, Plane

BALLS = 24
"""Balls that cover a mesh."""
_FAR_M = 1e3


@dataclass(frozen=True, kw_only=True, eq=False)
class Solid:
    """A mesh with its tree of bounding boxes, in the frame of the part that carries it."""

    triangles: Array
    """(t, 3, 3) [m]."""
    centers: Array
    """(k, 3) [m] of the balls that cover it."""
    radii: Array
    """(k,) [m]."""
    low: Array
    """(3,) [m], the smallest coordinates."""
    high: Array
    tree: Any


def load_coal() -> Any:
    """The collision library.

    Raises:
        MissingPartError: It is not installed.
    """
    try:
        return import_module("coal")
    except ImportError as error:
        raise MissingPartError("coal is not installed", mend='pip install "teletwin[bench]"') from error


def solid(triangles: Array) -> Solid:
    """A solid of triangles (t, 3, 3) [m]."""
    coal = load_coal()
    tree, points, faces = coal.BVHModelOBBRSS(), coal.StdVec_Vec3s(), coal.StdVec_Triangle()
    for k, triangle in enumerate(triangles):
        for corner in triangle:
            points.append(corner)
        faces.append(coal.Triangle(3 * k, 3 * k + 1, 3 * k + 2))
    tree.beginModel(len(faces), len(points))
    tree.addSubModel(points, faces)
    tree.endModel()
    centers, radii = _cover(triangles)
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    return Solid(triangles=triangles, centers=centers, radii=radii, low=low, high=high, tree=tree)


def _cover(triangles: Array) -> tuple[Array, Array]:
    """Centers (k, 3) and radii (k,) of balls that together contain every triangle (k-means of their middles)."""
    middles = triangles.mean(axis=1)
    random = np.random.default_rng(0)
    centers = middles[random.choice(len(middles), min(BALLS, len(middles)), replace=False)]
    for _ in range(15):
        group = np.argmin(np.linalg.norm(middles[:, None] - centers, axis=2), axis=1)
        centers = np.array([middles[group == k].mean(axis=0) for k in np.unique(group)])
    group = np.argmin(np.linalg.norm(middles[:, None] - centers, axis=2), axis=1)
    reach = np.linalg.norm(triangles - centers[group][:, None], axis=2).max(axis=1)
    return centers, np.array([reach[group == k].max(initial=0.0) for k in range(len(centers))])


def contains(triangles: Array, point: Array) -> bool:
    """Tell whether a point (3,) lies inside a surface of triangles (t, 3, 3), small holes allowed (winding number)."""
    a, b, c = (triangles[:, k] - point for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    ab, bc, ca = (np.sum(u * v, axis=1) for u, v in ((a, b), (b, c), (c, a)))
    volume = np.sum(a * np.cross(b, c), axis=1)
    angle = 2.0 * np.arctan2(volume, la * lb * lc + ab * lc + bc * la + ca * lb)
    return abs(float(np.sum(angle))) > 2.0 * np.pi


Place = tuple[Array, Array]
"""Origin (3,) [m] and rotation (3, 3) of a part."""


def mesh_distance(first: Solid, second: Solid, at: Place, other: Place, *, below_m: float = np.inf) -> float:
    """Distance [m] between two meshes in their places; 0 where they touch or one lies inside the other.

    The search ends where nothing closer than below_m can be found: the answer is then at least below_m.
    """
    coal = load_coal()
    request, result = coal.DistanceRequest(), coal.DistanceResult()
    result.min_distance = min(below_m, _FAR_M)
    apart = coal.distance(first.tree, _pose(at), second.tree, _pose(other), request, result)
    return 0.0 if apart <= 0.0 or _is_one_inside(first, second, at, other) else apart


def meshes_touch(first: Solid, second: Solid, at: Place, other: Place) -> bool:
    """Tell whether two meshes in their places touch or one lies inside the other; quicker than their distance."""
    coal = load_coal()
    request, result = coal.CollisionRequest(), coal.CollisionResult()
    crossing = coal.collide(first.tree, _pose(at), second.tree, _pose(other), request, result)
    return bool(crossing) or _is_one_inside(first, second, at, other)


def _pose(at: Place) -> Any:
    return load_coal().Transform3s(at[1], at[0])


def _is_one_inside(first: Solid, second: Solid, at: Place, other: Place) -> bool:
    return _is_inside(first, second, at, other) or _is_inside(second, first, other, at)


def _is_inside(inner: Solid, outer: Solid, at: Place, other: Place) -> bool:
    """Tell whether a corner of one mesh lies inside the other, which no surface tells when they do not cross."""
    point = (at[0] + at[1] @ inner.triangles[0, 0] - other[0]) @ other[1]
    inbox = np.all(point > outer.low) and np.all(point < outer.high)
    return bool(inbox) and contains(outer.triangles, point)


def obstacle_distance(part: Solid, at: Place, obstacle: Obstacle) -> float:
    """Distance [m] between a mesh at (origin, rotation) and an obstacle; 0 where they touch or overlap."""
    if isinstance(obstacle, Plane):
        height = (part.triangles.reshape(-1, 3) @ at[1].T + at[0]) @ obstacle.normal - obstacle.offset
        return max(0.0, float(height.min()))
    corner = at[0] + at[1] @ part.triangles[0, 0]
    if float(bound(corner[None], np.zeros(1), obstacle)) <= 0.0:
        return 0.0
    coal = load_coal()
    if isinstance(obstacle, Box):
        shape, pose = coal.Box(*(2.0 * obstacle.half_size)), coal.Transform3s(obstacle.rotation, obstacle.center)
    else:
        shape, pose = _rod(coal, obstacle.a, obstacle.b, obstacle.radius)
    apart = coal.distance(part.tree, _pose(at), shape, pose, coal.DistanceRequest(), coal.DistanceResult())
    return max(0.0, apart)


def _rod(coal: Any, a: Array, b: Array, radius: float) -> tuple[Any, Any]:
    length = float(np.linalg.norm(b - a))
    if length < 1e-9:
        return coal.Sphere(radius), coal.Transform3s(np.eye(3), a)
    axes = np.linalg.qr(np.column_stack([b - a, np.eye(3)]))[0]
    turned = np.column_stack([axes[:, 1], np.cross((b - a) / length, axes[:, 1]), (b - a) / length])
    return coal.Capsule(radius, length), coal.Transform3s(turned, (a + b) / 2)


def bound(centers: Array, radii: Array, obstacle: Obstacle) -> Array:
    """Least distance (...) [m] of balls, centers (..., k, 3) and radii (k,), from an obstacle."""
    if isinstance(obstacle, Plane):
        apart = centers @ obstacle.normal - obstacle.offset
    elif isinstance(obstacle, Box):
        local = np.abs((centers - obstacle.center) @ obstacle.rotation) - obstacle.half_size
        apart = np.linalg.norm(np.maximum(local, 0.0), axis=-1) + np.minimum(local.max(axis=-1), 0.0)
    else:
        apart = distance_to_segment(centers, obstacle.a, obstacle.b) - obstacle.radius
    return np.min(apart - radii, axis=-1)
