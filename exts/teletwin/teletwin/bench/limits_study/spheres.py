"""The robot description's own spheres: what a search sees of the arm, and the limits do not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from teletwin.bench.limits_study.judge import least_apart
from teletwin.geometry import Array
from teletwin.robot.kinematics import link_frames
from teletwin.robot.ur3e import load_ur3e


class Spheres:
    """Clearance of the UR3e's description spheres from each other and from the table."""

    def __init__(self) -> None:
        robot = load_ur3e()
        self._chain = robot.chain
        links = dict.fromkeys(sphere.link for sphere in robot.spheres)
        self._centers = {link: np.array([s.center for s in robot.spheres if s.link == link]) for link in links}
        self._radii = {link: np.array([s.radius for s in robot.spheres if s.link == link]) for link in links}
        kept = {frozenset(pair) for pair in robot.bodies.pairs}
        self._pairs = [(a, b) for a, b in combinations(links, 2) if frozenset((a, b)) in kept]
        self._above_table = [link for link in links if robot.chain.frame(link).joint > 0]  # the first stands on it

    def clearances(self, qs: Array) -> Array:
        """Least distance (k,) [m] at joint positions qs (k, 6) [rad]; below 0 where spheres overlap."""
        frames = link_frames(self._chain, qs, list(self._centers))
        at = {
            link: origin[:, None] + self._centers[link] @ np.swapaxes(axes, 1, 2)
            for link, (origin, axes) in frames.items()
        }
        rows = [least_apart(at[a], self._radii[a], at[b], self._radii[b]) for a, b in self._pairs]
        rows += [(at[link][..., 2] - self._radii[link]).min(axis=1) for link in self._above_table]
        return np.min(rows, axis=0)
