"""The limits in plain numpy, float64: the judge of the compiled ones, written from what they promise.

Bodies are placed by the package's numpy kinematics; distances, speeds of bodies and the stop are computed here, by
other ways than in the kernels. Nothing knows of margins, reserves or reach.
"""

from __future__ import annotations

import numpy as np

from teletwin.robot import WorkspaceLimits
from teletwin.robot.frames import swap_base_vector
from teletwin.robot.kinematics import link_frames
from teletwin.robot.obstacles import Box, Plane, Rod

_DIRECTIONS = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z], float)
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True)
_STEP = 1e-6


def dot(a, b):
    return np.sum(a * b, axis=-1)


def point_to_segment(p, a, b):
    """Distance of points from segments, all (..., 3), which may have no length."""
    way = b - a
    share = np.clip(dot(p - a, way) / np.maximum(dot(way, way), 1e-300), 0.0, 1.0)
    return np.linalg.norm(p - a - share[..., None] * way, axis=-1)


def segment_to_segment(a, b, c, d):
    """Distance of two segments: the least of the four ends' and, where both feet lie inside, of the two lines'."""
    ends = (point_to_segment(a, c, d), point_to_segment(b, c, d), point_to_segment(c, a, b), point_to_segment(d, a, b))
    least = np.minimum.reduce(ends)
    u, w, r = b - a, d - c, a - c
    normal = np.cross(u, w)
    square = dot(normal, normal)
    safe = np.maximum(square, 1e-300)
    s, t = dot(np.cross(w, r), normal) / safe, dot(np.cross(u, r), normal) / safe
    crosses = (square > 1e-18) & (s > 0) & (s < 1) & (t > 0) & (t < 1)
    return np.where(crosses, np.minimum(least, np.abs(dot(normal, r)) / np.sqrt(safe)), least)


def box_distance(p, half):
    """Signed distance of points (..., 3) to a box about the origin."""
    out = np.abs(p) - half
    return np.linalg.norm(np.maximum(out, 0.0), axis=-1) + np.minimum(out.max(axis=-1), 0.0)


def segment_to_box(a, b, half):
    """Least signed distance of segments to a box about the origin: convex along the way, so thirds find it."""
    low, high = np.zeros(a.shape[:-1]), np.ones(a.shape[:-1])
    for _ in range(80):
        third = (high - low) / 3.0
        one, two = low + third, high - third
        left = box_distance(a + one[..., None] * (b - a), half) < box_distance(a + two[..., None] * (b - a), half)
        low, high = np.where(left, low, one), np.where(left, two, high)
    return box_distance(a + low[..., None] * (b - a), half)


class Oracle:
    """Clearances and speeds of a robot's bodies at joint positions; obstacles and workspace in the UR base frame."""

    def __init__(self, robot, *, workspace=None, obstacles=()):
        self.chain, self.bodies, self.tool_frame = robot.chain, robot.bodies, robot.tool_frame
        self.workspace, self.obstacles = workspace or WorkspaceLimits(), tuple(obstacles)
        self.links = list(dict.fromkeys([*(c.link for c in self.bodies.capsules), self.tool_frame]))

    def ends(self, qs):
        """The ends of every capsule's axis, each (k, 3) in the UR base frame."""
        frames = link_frames(self.chain, qs, self.links)
        out = []
        for capsule in self.bodies.capsules:
            origin, axes = frames[capsule.link]
            out.append(tuple(swap_base_vector(origin + axes @ end) for end in (capsule.a, capsule.b)))
        return out

    def tool(self, qs):
        """The tool's point (k, 3) in the UR base frame."""
        return swap_base_vector(link_frames(self.chain, qs, [self.tool_frame])[self.tool_frame][0])

    def clearances(self, qs):
        """Distance [m] of every two things that are kept apart, by name: each (k,), below 0 where they overlap."""
        capsules, ends = self.bodies.capsules, self.ends(qs)
        out = {}
        for outer, inner in self.bodies.pairs:
            for i, first in enumerate(capsules):
                for j, second in enumerate(capsules):
                    if (first.link, second.link) == (outer, inner):
                        apart = segment_to_segment(*ends[i], *ends[j]) - first.radius - second.radius
                        out[f"{outer} {i} to {inner} {j}"] = apart
        for i, capsule in enumerate(capsules):
            if self.chain.frame(capsule.link).joint < 0 or capsule.link in self.bodies.mounted:
                continue
            out[f"{capsule.link} {i} to table"] = np.minimum(ends[i][0][:, 2], ends[i][1][:, 2]) - capsule.radius
            for obstacle in self.obstacles:
                out[f"{capsule.link} {i} to {obstacle.name}"] = self._apart(obstacle, *ends[i]) - capsule.radius
        return out | self._workspace(qs)

    def _apart(self, obstacle, a, b):
        if isinstance(obstacle, Plane):
            return np.minimum(a @ obstacle.normal, b @ obstacle.normal) - obstacle.offset
        if isinstance(obstacle, Rod):
            other = np.broadcast_to(obstacle.a, a.shape), np.broadcast_to(obstacle.b, a.shape)
            return segment_to_segment(a, b, *other) - obstacle.radius
        assert isinstance(obstacle, Box)
        local = [(end - obstacle.center) @ obstacle.rotation for end in (a, b)]
        return segment_to_box(*local, obstacle.half_size)

    def _workspace(self, qs):
        tool, space = self.tool(qs), self.workspace
        away = np.linalg.norm(tool - np.array(space.shoulder), axis=-1)
        return {"workspace radius": space.radius_m - away, "workspace height": tool[:, 2] - space.height_min_m}

    def least(self, qs):
        """The least clearance of all and the name of the two things."""
        by_name = {name: float(values.min()) for name, values in self.clearances(qs).items()}
        name = min(by_name, key=by_name.__getitem__)
        return by_name[name], name

    def speeds(self, qs, qds):
        """Largest speed (k,) of points on the bodies' surface, and the tool's (k,), with joint speeds qds [m/s]."""
        ahead, behind = qs + _STEP * qds, qs - _STEP * qds
        first, last = link_frames(self.chain, behind, self.links), link_frames(self.chain, ahead, self.links)
        most = np.zeros(len(qs))
        for capsule in self.bodies.capsules:
            for end in (capsule.a, capsule.b):
                for point in end + capsule.radius * _DIRECTIONS:
                    (p0, r0), (p1, r1) = first[capsule.link], last[capsule.link]
                    moved = (p1 + r1 @ point) - (p0 + r0 @ point)
                    most = np.maximum(most, np.linalg.norm(moved, axis=-1) / (2.0 * _STEP))
        tool = np.linalg.norm(self.tool(ahead) - self.tool(behind), axis=-1) / (2.0 * _STEP)
        return most, tool


class Stop:
    """The stop from q, v, a (n,) as a curve in time: acceleration a, -b, -b, 0 at 0, R, R + S, 2 R + S, linear between.

    b = (v + a R / 2) / (R + S) brings every joint to rest; R = 2 a_max / j_max; S is the least with |b| <= a_max.
    """

    def __init__(self, q, v, a, *, joints):
        self.q, self.v, self.a = (np.asarray(each, dtype=float) for each in (q, v, a))
        self.ramp = float(np.max(2.0 * joints.acceleration / joints.jerk))
        change = self.v + 0.5 * self.a * self.ramp
        self.flat = max(0.0, float(np.max(np.abs(change) / joints.acceleration)) - self.ramp)
        b = change / (self.ramp + self.flat)
        self.knots = np.cumsum([0.0, self.ramp, self.flat, self.ramp])
        self.levels = np.array([self.a, -b, -b, np.zeros_like(b)])
        self.end_s = float(self.knots[-1])

    def at(self, t):
        """Position, speed and acceleration (n,) at t [s], by exact integration of the straight pieces."""
        q, v = self.q.copy(), self.v.copy()
        for k in range(3):
            length = self.knots[k + 1] - self.knots[k]
            inside = min(max(t - self.knots[k], 0.0), length)
            if inside <= 0.0:
                continue
            slope = (self.levels[k + 1] - self.levels[k]) / length
            q = q + v * inside + self.levels[k] * inside**2 / 2 + slope * inside**3 / 6
            v = v + self.levels[k] * inside + slope * inside**2 / 2
        a = np.array([np.interp(t, self.knots, level) for level in self.levels.T])
        return q, v, a if t < self.end_s else np.zeros_like(a)
