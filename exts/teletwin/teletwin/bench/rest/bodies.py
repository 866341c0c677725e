"""Speeds of the arm's bodies, from where their surfaces were."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.robot.kinematics import link_frames
from teletwin.robot.ur3e import load_ur3e

_AXES = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z], dtype=float)
_DIRECTIONS = _AXES / np.linalg.norm(_AXES, axis=1, keepdims=True)


def body_speeds(q: Array, *, span: int, cycle_s: float) -> Array:
    """Largest speed (n - span,) [m/s] of points on the capsules' ends on a path (n, 6), over `span` cycles each."""
    robot = load_ur3e()
    capsules = robot.bodies.capsules
    frames = link_frames(robot.chain, q, list(dict.fromkeys(capsule.link for capsule in capsules)))
    most = np.zeros(max(len(q) - span, 0))
    for capsule in capsules:
        origin, axes = frames[capsule.link]
        for end in (capsule.a, capsule.b):
            points = origin[:, None] + (end + capsule.radius * _DIRECTIONS) @ np.swapaxes(axes, -1, -2)
            moved = np.linalg.norm(points[span:] - points[:-span], axis=-1).max(axis=-1)
            most = np.maximum(most, moved / (span * cycle_s))
    return most
