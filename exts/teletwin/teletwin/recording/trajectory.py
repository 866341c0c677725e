"""Trajectories as TUM text: `timestamp tx ty tz qx qy qz qw`, seconds and metres; evo opens it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from teletwin.geometry import Array

TUM_HEADER = "# timestamp tx ty tz qx qy qz qw"


def tum_lines(t_ns: np.ndarray, poses: Array) -> Iterator[str]:
    """Lines of times [ns] (n,) and poses (n, 7) with quaternions wxyz; nanoseconds are kept exactly."""
    yield f"{TUM_HEADER}\n"
    for time, pose in zip(t_ns, poses, strict=True):
        time_ns, (x, y, z, qw, qx, qy, qz) = int(time), pose.tolist()
        numbers = " ".join(f"{value:.9f}" for value in (x, y, z, qx, qy, qz, qw))
        yield f"{time_ns // 1_000_000_000}.{time_ns % 1_000_000_000:09d} {numbers}\n"


def tum_text(t_ns: np.ndarray, poses: Array) -> str:
    """The whole text; see tum_lines."""
    return "".join(tum_lines(t_ns, poses))


def increasing(t_ns: np.ndarray, poses: Array) -> tuple[np.ndarray, Array]:
    """Sort by time [ns] and keep the first of equal times; rows with a number that is not finite go."""
    whole = np.isfinite(poses).all(axis=1)
    times, first = np.unique(t_ns[whole], return_index=True)
    return times, poses[whole][first]


def write_tum(path: Path, t_ns: np.ndarray, poses: Array) -> None:
    """Write a trajectory; see tum_lines."""
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(tum_lines(t_ns, poses))
