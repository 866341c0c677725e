"""Where a hand was between two samples, told by its last places alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array, interpolate_pose

STEP_NS = 5 * NS_PER_MS
"""Places between are never further apart: half a slot, so that a window's straight lines cut off next to nothing."""

Place = tuple[int, Array]
"""Time [ns] and pose (7,)."""


def between(past: Sequence[Place], place: Place) -> list[Place]:
    """Places between the newest of the past and this one, evenly, at most 5 ms apart.

    They lie on a parabola through these two and an earlier place, orientations on the short way. The earlier place is
    far enough back that the parabola does not swing out; without one they lie on a line.
    """
    (t0_ns, from_pose), (t1_ns, to_pose) = past[-1], place
    span_ns = t1_ns - t0_ns
    count = -(-span_ns // STEP_NS)
    bend = _bend(past, place)
    places: list[Place] = []
    for k in range(1, count):
        share = k / count
        pose = interpolate_pose(from_pose, to_pose, share)
        pose[:3] += share * (share - 1.0) * bend
        places.append((t0_ns + span_ns * k // count, pose))
    return places


def _bend(past: Sequence[Place], place: Place) -> Array:
    """Half the second difference of the way (3,), per square of the last span [m]."""
    (t0_ns, from_pose), (t1_ns, to_pose) = past[-1], place
    span_ns = t1_ns - t0_ns
    for t_ns, pose in itertools.islice(reversed(past), 1, None):
        back = (t0_ns - t_ns) / span_ns
        if back >= 0.5:
            if back > 4.0:
                break
            slope, slope_before = to_pose[:3] - from_pose[:3], (from_pose[:3] - pose[:3]) / back
            return (slope - slope_before) / (1.0 + back)
    return np.zeros(3)
