"""Trajectories as TUM text: `timestamp tx ty tz qx qy qz qw`, seconds and metres; evo opens it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from teletwin.geometry import Array

TUM_HEADER = "# timestamp tx ty tz qx qy qz qw"


def tum_text(t_ns: np.ndarray, poses: Array) -> str:
    """Text of times [ns] (n,) and poses (n, 7) with quaternions wxyz; nanoseconds are kept exactly."""
    lines = [TUM_HEADER]
    for time_ns, pose in zip(t_ns.tolist(), poses.tolist(), strict=True):
        x, y, z, qw, qx, qy, qz = pose
        numbers = " ".join(f"{value:.9f}" for value in (x, y, z, qx, qy, qz, qw))
        lines.append(f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d} {numbers}")
    return "\n".join(lines) + "\n"


def increasing(t_ns: np.ndarray, poses: Array) -> tuple[np.ndarray, Array]:
    """Sort by time [ns] and keep the first of equal times; rows with a number that is not finite go."""
    whole = np.isfinite(poses).all(axis=1)
    times, first = np.unique(t_ns[whole], return_index=True)
    return times, poses[whole][first]


def write_tum(path: Path, t_ns: np.ndarray, poses: Array) -> None:
    """Write a trajectory; see tum_text."""
    path.write_text(tum_text(t_ns, poses), encoding="utf-8")
