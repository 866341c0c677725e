#!/usr/bin/env python3
"""Fit capsules around the links' meshes: tight, and containing every triangle.

Run once for a robot, by a person, when its meshes change; needs numpy and scipy:

    python scripts/make_bodies.py assets/robots/ur3e/meshes base=1 shoulder=2 upper_arm=3 forearm=3 wrist_1=2

prints one YAML line for every capsule, in the frame of the mesh; FOLDER/low/LINK.obj is contained too where it
exists. What stands around the lines in the bodies file (links, names, pairs) is written by hand. The fit minimizes
the distance to the mesh, integrated over everything that the capsules hold, by an evolution strategy with a fixed
seed; then radii grow until a recursive test (`teletwin.robot.containment`) finds every triangle inside.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, KDTree

from teletwin.robot.containment import distance_to_segment, read_triangles, subdivided, uncovered_m

Array = NDArray[np.float64]

COARSE_M, FINE_M = 0.008, 0.004
"""Grids on which what the capsules hold is counted, to search and to polish; the surface's points stand as close."""
REACH_M = 0.035
"""The grid ends this far around the mesh."""
STARTS = 6
GENERATIONS = 220
POLISHING = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """What is to be contained, and what each piece of room around it costs."""

    surface: Array
    """(s, 3) points on the triangles [m]."""
    grid: Array
    """(g, 3) places around the mesh [m]."""
    cost: Array
    """(g,) what it costs to hold each place."""


def build_target(triangles: Array, cell_m: float) -> Target:
    """Points on triangles (t, 3, 3) and the grid around them, both cell_m [m] apart."""
    surface = subdivided(triangles, edge_m=cell_m).reshape(-1, 3)
    _, first = np.unique(np.round(surface / cell_m), axis=0, return_index=True)
    hull = surface[ConvexHull(surface).vertices]
    low, high = surface.min(axis=0) - REACH_M, surface.max(axis=0) + REACH_M
    axes = [np.arange(a, b, cell_m) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    distance, _ = KDTree(surface).query(grid)
    near = distance < REACH_M
    return Target(surface=np.concatenate([surface[first], hull]), grid=grid[near], cost=distance[near] ** 1.5)


def grown(shape: Array, target: Target) -> Array:
    """Capsules (k, 7), rows a, b, radius, with all radii changed by one amount so that they just hold the surface."""
    outside = np.min([distance_to_segment(target.surface, row[:3], row[3:6]) - row[6] for row in shape], axis=0)
    result = shape.copy()
    result[:, 6] += np.max(outside)
    return result


def price(shape: Array, target: Target) -> float:
    """Cost of everything that the capsules (k, 7) hold after they were grown."""
    if np.any(shape[:, 6] < 0.005):
        return math.inf
    held = np.zeros(len(target.grid), dtype=bool)
    for row in grown(shape, target):
        held |= distance_to_segment(target.grid, row[:3], row[3:6]) <= row[6]
    return float(np.sum(target.cost[held])) * 1e6


def nearest(points: Array, centers: Array) -> NDArray[np.intp]:
    """Number (s,) of the center (k, 3) that is nearest to each of points (s, 3)."""
    return np.argmin(np.linalg.norm(points[:, None] - centers, axis=2), axis=1)


def first_guess(target: Target, count: int, random: np.random.Generator) -> Array:
    """Capsules (k, 7) around the groups of a k-means, each along its group's long axis."""
    points = target.surface
    centers = points[random.choice(len(points), count, replace=False)]
    for _ in range(20):
        group = nearest(points, centers)
        members = [points[group == k] for k in range(count)]
        centers = np.array([own.mean(axis=0) if len(own) else old for own, old in zip(members, centers, strict=True)])
    group = nearest(points, centers)
    rows = []
    for k in range(count):
        _, spread, axes = np.linalg.svd(points[group == k] - centers[k], full_matrices=False)
        half = 0.7 * spread[0] / math.sqrt(max(1, np.sum(group == k)))
        rows.append([*(centers[k] - half * axes[0]), *(centers[k] + half * axes[0]), 0.03])
    return np.array(rows)


def evolve(
    start: Array,
    target: Target,
    random: np.random.Generator,
    *,
    spread_m: float = 0.008,
    generations: int = GENERATIONS,
) -> tuple[float, Array]:
    """The cheapest shape found by a covariance matrix adaptation from a start, with its price."""
    n, size = start.size, 4 + int(3 * math.log(start.size))
    parents = size // 2
    weights = math.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
    weights /= weights.sum()
    heavy = 1.0 / np.sum(weights**2)
    c_s, c_mu = (heavy + 2) / (n + heavy + 5), min(0.5, 2 * heavy / ((n + 2) ** 2 + heavy) + 0.02)
    mean, sigma, covariance, path = start.reshape(-1), spread_m, np.eye(n), np.zeros(n)
    best = (price(start, target), start)
    for _ in range(generations):
        values, axes = np.linalg.eigh(covariance)
        root = axes * np.sqrt(np.maximum(values, 1e-12))
        z = random.standard_normal((size, n))
        tries = mean + sigma * z @ root.T
        prices = [price(each.reshape(start.shape), target) for each in tries]
        order = np.argsort(prices)[:parents]
        best = min(best, (prices[order[0]], tries[order[0]].reshape(start.shape)), key=lambda pair: pair[0])
        steps = (tries[order] - mean) / sigma
        mean = mean + sigma * weights @ steps
        path = (1 - c_s) * path + math.sqrt(c_s * (2 - c_s) * heavy) * (weights @ z[order])
        sigma *= math.exp(c_s / (1 + c_s) * (np.linalg.norm(path) / math.sqrt(n) - 1))
        covariance = (1 - c_mu) * covariance + c_mu * (steps.T * weights) @ steps
        if sigma < 2e-6:
            break
    return best


def fit(triangles: Array, count: int) -> Array:
    """Capsules (k, 7) [m] that hold every one of triangles (t, 3, 3), rounded to 0.1 mm."""
    target, random = build_target(triangles, COARSE_M), np.random.default_rng(7)
    starts = (first_guess(target, count, random) for _ in range(STARTS))
    _, shape = min((evolve(start, target, random) for start in starts), key=lambda pair: pair[0])
    fine = build_target(triangles, FINE_M)
    _, shape = evolve(grown(shape, fine), fine, random, spread_m=0.001, generations=POLISHING)
    shape = np.round(grown(shape, fine), 4)
    while uncovered_m(triangles, shape) > 0.0:
        shape[:, 6] += 1e-4
    return shape


def main() -> None:
    """Read the options, fit and print."""
    parser = argparse.ArgumentParser(description="Fit capsules around meshes.")
    parser.add_argument("folder", type=Path, help="folder of LINK.obj, and low/LINK.obj where there are some")
    parser.add_argument("links", nargs="+", help="LINK=COUNT: how many capsules hold the link")
    options = parser.parse_args()
    for link, _, count in (each.partition("=") for each in options.links):
        files = [options.folder / f"{link}.obj", options.folder / "low" / f"{link}.obj"]
        triangles = np.concatenate([read_triangles(file) for file in files if file.exists()])
        shape = fit(triangles, int(count))
        print(f"{link}:", flush=True)
        for a, b, radius in ((row[:3], row[3:6], row[6]) for row in np.round(shape, 4)):
            print(f"  - {{a: {a.tolist()}, b: {b.tolist()}, radius: {round(float(radius), 4)}}}", flush=True)


if __name__ == "__main__":
    main()
