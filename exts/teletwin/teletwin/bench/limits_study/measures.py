"""Which limits an arm's motion broke, from its joints alone; clearance is the judge's business."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from teletwin.assets import asset_path
from teletwin.bench.limits_study.drive import Trace
from teletwin.bench.limits_study.events import Events
from teletwin.bench.limits_study.hands import TICK_S
from teletwin.bench.limits_study.judge import MESHES
from teletwin.geometry import Array
from teletwin.robot.containment import read_triangles
from teletwin.robot.kinematics import link_frames
from teletwin.robot.ur3e import TOOL_FRAME, JointLimits, WorkspaceLimits, load_ur3e

SAMPLE = 5
"""Ticks between two looks: 10 ms."""
ACCELERATION_RAD_S2 = 42.0
_JERK_SLACK, _SPEED_SLACK = 1.01, 1e-6
_SETTLE = 30
"""Looks for which what was allowed before may still last: braking down to a new limit, and the servo's lag."""
_SWAY_M = 0.001
_WORKSPACE_SLACK_M = 1e-4
_REVERSAL_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """Per hand (N,), what the arm's motion came to; ratios above 1 are violations."""

    joint_range: Array
    """Largest way beyond the range [rad]."""
    joint_speed: Array
    """Of the limit."""
    acceleration: Array
    """[rad/s^2]."""
    jerk: Array
    """Of the limit."""
    workspace_m: Array
    """Largest way of the tool beyond the workspace [m]."""
    body_speed: Array
    """Of the cap in force."""
    reversals: Array
    """Sign changes of a joint's acceleration with both peaks above a quarter of the limit, a second."""

    def violations(self) -> dict[str, NDArray[np.bool_]]:
        """Which hands broke what, by the name of the limit, each (N,) of bool."""
        return {
            "joint range": self.joint_range > 1e-9,
            "joint speed": self.joint_speed > 1.0 + _SPEED_SLACK,
            "acceleration": self.acceleration > ACCELERATION_RAD_S2,
            "jerk": self.jerk > _JERK_SLACK,
            "workspace": self.workspace_m > _WORKSPACE_SLACK_M,
            "body speed": self.body_speed > 1.0 + 1e-4,
        }


def measure(trace: Trace, events: Events) -> Motion:
    """Judge every hand of a run: what the controller was sent, and what the arm made of it."""
    limits, n = JointLimits(), trace.joints.shape[1]
    speed, acceleration, jerk = (np.zeros((2, n)) for _ in range(3))
    for row, q in enumerate((trace.joints, trace.set_points)):
        v, a, j = motion_of(q)
        speed[row] = (np.abs(v) / limits.velocity).max(axis=(0, 2))
        acceleration[row] = np.abs(a).max(axis=(0, 2))
        jerk[row] = (np.abs(j) / limits.jerk).max(axis=(0, 2))
    beyond = np.maximum(trace.joints - limits.upper, limits.lower - trace.joints)
    return Motion(
        joint_range=np.maximum(beyond.max(axis=(0, 2)), 0.0),
        joint_speed=speed.max(axis=0),
        acceleration=acceleration.max(axis=0),
        jerk=jerk.max(axis=0),
        workspace_m=_beyond_workspace(trace.joints[::SAMPLE], events),
        body_speed=body_speed(trace),
        reversals=reversals(trace),
    )


def motion_of(q: Array) -> tuple[Array, Array, Array]:
    """Speeds, accelerations and jerks (T, N, 6) of joints that begin at rest, as differences."""
    speed = np.diff(q, axis=0, prepend=q[:1]) / TICK_S
    acceleration = np.diff(speed, axis=0, prepend=np.zeros_like(speed[:1])) / TICK_S
    return speed, acceleration, np.diff(acceleration, axis=0, prepend=np.zeros_like(speed[:1])) / TICK_S


def _beyond_workspace(q: Array, events: Events) -> Array:
    """How far (N,) the tool was outside; after the workspace has shrunk, how much further out it went again."""
    space, shape = WorkspaceLimits(), q.shape[:2]
    origin, _ = link_frames(load_ur3e().chain, q.reshape(-1, 6), [TOOL_FRAME])[TOOL_FRAME]
    away = np.linalg.norm(origin - np.array(space.shoulder), axis=1).reshape(shape)
    height = origin[:, 2].reshape(shape)
    beyond = np.maximum(away - space.radius_m, space.height_min_m - height).max(axis=0)
    after = events.tightened_at // SAMPLE + 2 * _SETTLE
    if after < len(q):
        outside = np.maximum(np.maximum(away - events.radius_m, events.height_m - height)[after:], 0.0)
        beyond = np.maximum(beyond, (outside - np.minimum.accumulate(outside, axis=0) - _SWAY_M).max(axis=0))
    return np.maximum(beyond, 0.0)


def body_speed(trace: Trace) -> Array:
    """Largest speed (N,) of any point of the meshes, as a share of what was allowed there and then."""
    q, caps = trace.joints, trace.caps
    before, after = q[SAMPLE - 1 : -1 : SAMPLE], q[SAMPLE::SAMPLE]
    chain, points = load_ur3e().chain, _points()
    frames = [link_frames(chain, each.reshape(-1, 6), [*points, TOOL_FRAME]) for each in (before, after)]
    allowed = _lasting(caps[SAMPLE::SAMPLE])
    worst = np.zeros(q.shape[1])
    for link, own in {**points, TOOL_FRAME: np.zeros((1, 3))}.items():
        first, last = (origin[:, None] + own @ np.swapaxes(axes, 1, 2) for origin, axes in (f[link] for f in frames))
        speed = (np.linalg.norm(last - first, axis=2).max(axis=1) / TICK_S).reshape(before.shape[:2])
        cap = allowed[..., int(link == TOOL_FRAME)]
        worst = np.maximum(worst, (speed / cap).max(axis=0))
    return worst


def _lasting(caps: Array) -> Array:
    """The largest cap (k, N, 2) of the looks before, this one included."""
    padded = np.concatenate([np.full((_SETTLE, *caps.shape[1:]), np.inf), caps])
    padded[:_SETTLE] = caps[0]
    return np.max([padded[shift : shift + len(caps)] for shift in range(_SETTLE + 1)], axis=0)


@cache
def _points() -> dict[str, Array]:
    """The outermost corners of every moving mesh, in 26 directions."""
    grid = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z])
    out, folder = {}, asset_path("robots", "ur3e", "meshes")
    for link, name in MESHES.items():
        if name != "base":
            corners = read_triangles(folder / f"{name}.obj").reshape(-1, 3)
            out[link] = corners[np.unique(np.argmax(corners @ grid.T, axis=0))]
    return out


def reversals(trace: Trace) -> Array:
    """Of each hand's joint with most of them (N,) [1/s]."""
    _, acceleration, _ = motion_of(trace.set_points)
    most = JointLimits().acceleration
    return np.array([_turns(acceleration[:, n], most) for n in range(acceleration.shape[1])])


def _turns(acceleration: Array, most: Array) -> float:
    worst = 0
    for column, limit in zip(acceleration.T, most, strict=True):
        signs = np.sign(column[np.abs(column) > _REVERSAL_SHARE * limit])
        worst = max(worst, int(np.sum(signs[1:] != signs[:-1])))
    return worst / (len(acceleration) * TICK_S)
