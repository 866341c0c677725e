"""Seeded hands that drive the arm where it should not go: target poses, tick by tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.robot.ur3e import HOME_Q, SHOULDER_HEIGHT_M, tool_pose_in_ur_base

TICK_S = 0.002
RADIUS_M, HEIGHT_M = 0.475, 0.025
"""Where the page's clutch lets a hand be: a ball about the shoulder, above the table."""
_CENTER = np.array([0.0, 0.0, SHOULDER_HEIGHT_M])
HOME = tool_pose_in_ur_base(HOME_Q)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A family of hands."""

    name: str
    speed_m_s: tuple[float, float] = (0.1, 0.6)
    turn_deg: float = 0.0
    places: str = "anywhere"
    """'anywhere', 'edges', 'base' or 'orbit'."""
    is_hostile: bool = False
    """Jumps, velocities that belong to nothing, horizons that flip."""
    is_first_motion: bool = False
    """The session's limits are those of docs/ur3e.md's first motion, at 1 rad/s."""


KINDS = (
    Kind(name="drags"),
    Kind(name="turns to 60 deg", turn_deg=60.0),
    Kind(name="turns to 180 deg", turn_deg=180.0),
    Kind(name="frantic", speed_m_s=(1.0, 3.0), turn_deg=90.0),
    Kind(name="edges", places="edges", turn_deg=30.0),
    Kind(name="near the base", places="base", turn_deg=60.0),
    Kind(name="orbits", places="orbit"),
    Kind(name="first motion", is_first_motion=True),
    Kind(name="hostile", speed_m_s=(0.1, 3.0), turn_deg=180.0, is_hostile=True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What the motion policy is told, per tick and hand, UR base frame."""

    pose: Array
    """(T, N, 7)."""
    velocity: Array
    """(T, N, 3) [m/s]."""
    turning: Array
    """(T, N, 3) [rad/s]."""


def draw_targets(kind: Kind, rng: np.random.Generator, *, count: int, ticks: int) -> Targets:
    """Targets of `count` hands that begin at home."""
    ways = [_way(kind, rng, ticks) for _ in range(count)]
    position, turn = (np.stack([way[k] for way in ways], axis=1) for k in (0, 1))
    velocity, turning = np.gradient(position, TICK_S, axis=0), np.gradient(turn, TICK_S, axis=0)
    pose = np.concatenate([position, quat_multiply(quat_from_rotvec(turn), HOME[3:])], axis=-1)
    if kind.is_hostile:
        _pester(rng, pose, velocity, turning)
    return Targets(pose=pose, velocity=_capped(velocity, 2.0), turning=_capped(turning, 8.0))


def _way(kind: Kind, rng: np.random.Generator, ticks: int) -> tuple[Array, Array]:
    """Positions (T, 3) and rotation vectors (T, 3) from home: smooth from point to point, at a speed of the kind."""
    speed, most = rng.uniform(*kind.speed_m_s), np.deg2rad(kind.turn_deg)
    points, turns, lengths = [HOME[:3]], [np.zeros(3)], [0]
    angle, sense = np.arctan2(HOME[1], HOME[0]), rng.choice([-1.0, 1.0])
    radius, height = rng.uniform(0.2, 0.42), rng.uniform(0.05, 0.35)
    while sum(lengths) < ticks:
        if kind.places == "orbit":
            angle += sense * 0.35
            point = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        else:
            point = _point(kind.places, rng)
        turn = rng.normal(size=3)
        turn *= most * rng.random() / np.linalg.norm(turn)
        way_s = max(np.linalg.norm(point - points[-1]) / speed, np.linalg.norm(turn - turns[-1]) / 4.0, 0.02)
        points.append(point)
        turns.append(turn)
        lengths.append(int(np.ceil(way_s / TICK_S)) + (int(rng.integers(0, 300)) if rng.random() < 0.2 else 0))
    return _through(np.array(points), lengths, ticks), _through(np.array(turns), lengths, ticks)


def _point(places: str, rng: np.random.Generator) -> Array:
    while True:
        away = rng.normal(size=3)
        away /= np.linalg.norm(away)
        share = 1.0 if places == "edges" else rng.random() ** (1 / 3)
        point = _CENTER + RADIUS_M * share * away
        if places == "edges" and point[2] < HEIGHT_M:
            point[2] = HEIGHT_M
        if places == "base" and np.hypot(point[0], point[1]) > 0.2:
            continue
        if point[2] >= HEIGHT_M:
            return point


def _through(points: Array, lengths: list[int], ticks: int) -> Array:
    """Minimum-jerk ways from point to point."""
    parts = []
    for k in range(1, len(points)):
        s = np.arange(1, lengths[k] + 1)[:, None] / lengths[k]
        parts.append(points[k - 1] + (points[k] - points[k - 1]) * s**3 * (10.0 + s * (6.0 * s - 15.0)))
    return np.concatenate(parts)[:ticks]


def _pester(rng: np.random.Generator, pose: Array, velocity: Array, turning: Array) -> None:
    """What hostile but authentic packets do: other instants of the way, jumps, motion that is none; in place."""
    ticks, count = pose.shape[:2]
    for n in range(count):
        shown = pose[:, n].copy()
        for start in range(0, ticks, int(rng.integers(5, 200))):
            part = slice(start, start + int(rng.integers(5, 200)))
            what = rng.integers(0, 4)
            if what == 0:  # another horizon
                pose[part, n] = shown[np.clip(np.arange(ticks)[part] + rng.integers(-250, 250), 0, ticks - 1)]
            elif what == 1:  # another place
                pose[part, n, :3] = _point("anywhere", rng)
            elif what == 2:
                velocity[part, n], turning[part, n] = rng.normal(size=3) * 2.0, rng.normal(size=3) * 6.0
    pose[rng.random((ticks, count)) < 1e-3] = np.nan


def _capped(vectors: Array, most: float) -> Array:
    """Vectors (..., 3) no longer than the stream's own cap."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors * np.minimum(1.0, most / np.maximum(lengths, 1e-12))
