"""Joints of a run, as the arm moved, against what every way to rest has to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from teletwin.bench.rest.cases import TABLE_M
from teletwin.geometry import Array
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits, tool_pose_in_ur_base

CYCLE_S = 0.002
PEAK_BAR_RAD_S2 = 42.0
JERK_BAR_RAD_S3 = 10_000.0
NOTICE_BAR_MS = 100.0
APPROACH_BAR_M_S = 0.25


def peaks(q: Array) -> dict[str, float]:
    """Largest acceleration [rad/s^2] and jerk [rad/s^3] of any joint of a path (n, 6), a cycle apart."""
    acceleration = np.diff(q, n=2, axis=0) / CYCLE_S**2
    jerk = np.diff(acceleration, axis=0) / CYCLE_S
    return {"rad_s2": float(np.abs(acceleration).max()), "rad_s3": float(np.abs(jerk).max())}


def tool_speed(q: Array) -> float:
    """Largest speed of the tool [m/s] on a path (n, 6), a cycle apart, over five cycles each."""
    if len(q) < 6:
        return 0.0
    tools = tool_pose_in_ur_base(q)[:, :3]
    return float(np.linalg.norm(tools[5:] - tools[:-5], axis=1).max()) / (5 * CYCLE_S)


def margins(q: Array, *, height_m: float = TABLE_M) -> dict[str, float]:
    """Smallest distance to each border of a path (n, 6): table and radius [mm], joint range [mrad]."""
    tools = tool_pose_in_ur_base(q)[:, :3]
    workspace, joints = WorkspaceLimits(), JointLimits()
    away = np.linalg.norm(tools - np.array(workspace.shoulder), axis=1)
    return {
        "table": 1e3 * float(tools[:, 2].min() - height_m),
        "radius": 1e3 * float(workspace.radius_m - away.max()),
        "joint range": 1e3 * float(np.minimum(joints.upper - q, q - joints.lower).min()),
    }


def is_noticed(run: Mapping[str, Any]) -> bool:
    """Held within the bar, or counted within the bar of coming back."""
    return any(run[name] is not None and run[name] <= NOTICE_BAR_MS for name in ("held_ms", "counted_ms"))


def summarize(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The worst of the runs of each cause."""
    rows = []
    for cause in dict.fromkeys(run["cause"] for run in runs):
        own = [run for run in runs if run["cause"] == cause]
        held = [run["held_ms"] for run in own if run["held_ms"] is not None]
        rows.append(
            {
                "cause": cause,
                "runs": len(own),
                "speed_m_s": float(np.median([run["speed_m_s"] for run in own])),
                "rad_s2": max(run["rad_s2"] for run in own),
                "rad_s3": max(run["rad_s3"] for run in own),
                "held_ms": max(held, default=None),
                "unnoticed": sum(not is_noticed(run) for run in own),
                "after_m_s": max(run["after_m_s"] for run in own),
                "margins": {name: min(run["margins"][name] for run in own) for name in own[0]["margins"]},
            }
        )
    return rows
