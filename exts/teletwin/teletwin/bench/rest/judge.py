"""Joints of a run, as the arm moved, against what every way to rest has to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from teletwin.arm.dynamics import CYCLE_S
from teletwin.assets import scene_path
from teletwin.bench.limits_study.judge import Judge
from teletwin.bench.rest.bodies import body_speeds
from teletwin.bench.rest.borders import SPEED_M_S
from teletwin.bench.rest.cases import PASSIVE
from teletwin.geometry import Array
from teletwin.robot.obstacles import load_obstacles
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits, tool_pose_in_ur_base
from teletwin.safety import REDUCED_SPEED_M_S
from teletwin.session.config import SessionCfg

PEAK_BAR_RAD_S2 = 42.0
JERK_BAR_RAD_S3 = 10_000.0
NOTICE_BAR_MS = 100.0
APPROACH_BAR_M_S = 1.02 * REDUCED_SPEED_M_S
CATCH_UP_BAR_M_S = 1.15 * SPEED_M_S
"""An arm that never ceased to follow is no faster than its hand was, but for what the forecast overshoots."""
_SPAN = 5
"""Speeds are taken over so many cycles."""
_APART_RAD = 0.004
"""Meshes are looked at again where a joint has moved by more [rad]."""
_SMOOTH_S = 0.004
"""Time constant of the low pass in front of the measured joints' jerk [s]."""
_ROUNDING = 1e-6
STANDS_M_S = 0.02


def acceleration(q: Array) -> float:
    """Largest second difference of any joint on a path (n, 6), a cycle apart [rad/s^2]."""
    return float(np.abs(np.diff(q, n=2, axis=0)).max(initial=0.0)) / CYCLE_S**2


def jerk(q: Array) -> float:
    """Largest third difference [rad/s^3]."""
    return float(np.abs(np.diff(q, n=3, axis=0)).max(initial=0.0)) / CYCLE_S**3 * (1.0 - _ROUNDING)


def low_passed(q: Array) -> Array:
    """A path (n, 6) behind a first-order low pass of _SMOOTH_S."""
    out, share = q.copy(), CYCLE_S / (_SMOOTH_S + CYCLE_S)
    for k in range(1, len(q)):
        out[k] = out[k - 1] + share * (q[k] - out[k - 1])
    return out


def tool_speeds(q: Array) -> Array:
    """Speeds (n - 5,) of the tool [m/s] on a path (n, 6), over five cycles each."""
    tools = tool_pose_in_ur_base(q)[:, :3]
    return np.linalg.norm(tools[_SPAN:] - tools[:-_SPAN], axis=1) / (_SPAN * CYCLE_S)


def fastest_bodies(q: Array) -> Array:
    """The same of the fastest point of any body."""
    return body_speeds(q, span=_SPAN, cycle_s=CYCLE_S)


def margins(q: Array, session: SessionCfg) -> dict[str, float]:
    """Smallest distance to each border of a path (n, 6): [mm], joint range [mrad], speeds [mm/s]."""
    limits, joints = session.limits(), JointLimits()
    tools = tool_pose_in_ur_base(q)[:, :3]
    away = np.linalg.norm(tools - np.array(WorkspaceLimits().shoulder), axis=1)
    return {
        "height": 1e3 * float(tools[:, 2].min() - limits.workspace_height_m),
        "radius": 1e3 * float(limits.workspace_radius_m - away.max()),
        "joint range": 1e3 * float(np.minimum(joints.upper - q, q - joints.lower).min()),
        "joint speed": 1e3 * float((joints.velocity - np.abs(np.diff(q, axis=0)) / CYCLE_S).min()),
        "body speed": 1e3 * float(limits.max_body_speed_m_s - fastest_bodies(q).max(initial=0.0)),
        "clearance": 1e3 * _judge(session.scene).smallest(_sparse(q)).distance_m,
    }


def _sparse(q: Array) -> Array:
    """The rows of a path (n, 6) that lie apart."""
    rows = [q[0]]
    for row in q:
        if np.abs(row - rows[-1]).max() > _APART_RAD:
            rows.append(row)
    return np.array([*rows, q[-1]])


@cache
def _judge(scene: str) -> Judge:
    return Judge(load_obstacles(scene_path(scene)))


def rest_ms(q: Array) -> float | None:
    """From the first row of a path (n, 6) until the arm stands [ms]; None where it does not."""
    stands = np.flatnonzero(fastest_bodies(q) < STANDS_M_S)
    return 1e3 * CYCLE_S * (int(stands[0]) + _SPAN) if len(stands) else None


def summarize(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The worst of the runs of each cause."""
    return [_worst_of([run for run in runs if run["cause"] == cause]) for cause in dict.fromkeys(_causes(runs))]


def _causes(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [run["cause"] for run in runs]


def _worst_of(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"cause": runs[0]["cause"], "runs": len(runs)}
    speeds = [run["speed_m_s"] for run in runs]
    row["speed_m_s"], row["top_m_s"] = float(np.median(speeds)), max(speeds)
    row["unnoticed"] = None if runs[0]["cause"].startswith(PASSIVE) else sum(not run["noticed"] for run in runs)
    for name in ("rad_s2", "rad_s3", "measured_rad_s3", "approach_m_s", "catch_up_m_s"):
        row[name] = max(run[name] for run in runs)
    for name in ("held_ms", "counted_ms", "rest_ms"):
        row[name] = max((run[name] for run in runs if run[name] is not None), default=None)
    return row
