"""Set-points of a run against what holds for them: limits, jumps, and the way back from a silence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teletwin.bench.faults.watch import SetPoint
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.robot.ur3e import JointLimits, WorkspaceLimits, tool_pose_in_ur_base

SERVO_S = 0.002
Flags = NDArray[np.bool_]
_TINY = 1e-6
_DRIFT = 1e-3
"""The arm measures time by its own clock, which the runs make wrong by up to 0.2 per thousand."""
_NEAR_M = 0.005
"""A shorter way back says nothing."""


def judge_set_points(points: Sequence[SetPoint], *, servo_s: float = SERVO_S) -> dict[str, int]:
    """How often a set-point broke each limit, the session's own included, and jumped further than a tick allows."""
    if len(points) < 3:
        return dict.fromkeys(("position", "speed", "acceleration", "workspace", "jumps"), 0)
    q = np.array([point.q for point in points])
    t_ns = np.array([point.t_ns for point in points])
    joins = np.diff(t_ns) < 1.5 * servo_s * NS_PER_S
    speed = np.abs(np.diff(q, axis=0)) / (servo_s * (1.0 + _DRIFT))
    joints = JointLimits()
    outside = (q < _lower(joints)) | (q > joints.upper + _TINY)
    return {
        "position": int(outside.any(axis=1).sum() + (~np.isfinite(q)).any(axis=1).sum()),
        "speed": int(_too_fast(points, speed, joins, joints).sum()),
        "acceleration": _too_hard(q, joins & ~_is_set_anew(points, t_ns), joints, servo_s),
        "workspace": _outside(points, q, joins),
        "jumps": _jumps(points, q, joins, joints, servo_s),
    }


def _lower(joints: JointLimits) -> Array:
    """The lower ends of the joints' range (6,) [rad], with the slack of a sum of floats."""
    return joints.lower - _TINY


def _too_fast(points: Sequence[SetPoint], speed: Array, joins: Flags, joints: JointLimits) -> Flags:
    """Faster than the arm may, or than the session may without braking down to its limit."""
    cap = np.minimum(joints.velocity, np.array([point.limits.max_speed_rad_s for point in points[1:]])[:, None])
    before = np.vstack([speed[:1], speed[:-1]])
    brakes = speed < before - _TINY
    rise = speed - before  # within its jerk an acceleration takes some ticks to end
    ends = rise < np.vstack([rise[:1], rise[:-1]]) - _TINY
    over = ((speed > cap + _TINY) & ~brakes & ~ends) | (speed > joints.velocity + _TINY)
    return over.any(axis=1) & joins


def _is_set_anew(points: Sequence[SetPoint], t_ns: NDArray[np.int64]) -> Flags:
    """Ticks in which the arm's clock tells another length than the true one: a change of speed has no meaning there.

    While it stands still it tells none, and the arm goes by the usual length: those are judged.
    """
    told_ns = np.diff(np.array([point.arm_ns for point in points]))
    return (told_ns != 0) & (np.abs(told_ns / np.diff(t_ns) - 1.0) > _DRIFT)


def _too_hard(q: Array, joins: Flags, joints: JointLimits, servo_s: float) -> int:
    both = joins[1:] & joins[:-1]
    acceleration = np.abs(np.diff(q, n=2, axis=0)) / (servo_s**2 * (1.0 + 2.0 * _DRIFT))
    speed = np.abs(np.diff(q, axis=0)[1:]) / servo_s  # a clock that is set anew changes the length of a tick once
    most = joints.acceleration + 0.25 * _DRIFT * speed / servo_s + _TINY
    return int(((acceleration > most).any(axis=1) & both).sum())


def _outside(points: Sequence[SetPoint], q: Array, joins: Flags) -> int:
    """Further outside of the session's workspace than a tick before; where set-points begin anew they are measured."""
    tools = tool_pose_in_ur_base(q)[:, :3]
    distance = np.linalg.norm(tools - np.array(WorkspaceLimits().shoulder), axis=1)
    radius = np.array([point.limits.workspace_radius_m for point in points])
    height = np.array([point.limits.workspace_height_m for point in points])
    too_far = (distance[1:] > radius[1:] + _TINY) & (np.diff(distance) > _TINY)
    too_low = (tools[1:, 2] < height[1:] - _TINY) & (np.diff(tools[:, 2]) < -_TINY)
    return int(((too_far | too_low) & joins).sum())


def _jumps(points: Sequence[SetPoint], q: Array, joins: Flags, joints: JointLimits, servo_s: float) -> int:
    """Between ticks, and where set-points begin anew, from the joints that are measured there."""
    most = joints.velocity * servo_s * (1.0 + _DRIFT) + _TINY
    before = np.array([point.q_measured for point in points])
    before[1:][joins] = q[:-1][joins]
    return int((np.abs(q - before) > most).any(axis=1).sum())


def resume_overshoot(points: Sequence[SetPoint], resumed_ns: int) -> dict[str, float] | None:
    """How far the tool went away again from where it settles, at any time of its way back after resumed_ns.

    The hand has been at rest since before: whatever does not bring the tool nearer is the loop's own doing. That is
    the rise of its distance above the least one so far: of a way beyond the goal as of one in a wrong direction. None
    where it had no way to go, stood outside of the session's workspace, into which other rules lead, or where other
    limits, asked for during the silence, came into force on the way: twin and arm then brake each by itself.
    """
    after = [point for point in points if point.t_ns >= resumed_ns]
    if len(after) < 50 or any(point.limits != after[0].limits for point in after):
        return None
    tools = tool_pose_in_ur_base(np.array([point.q for point in after]))[:, :3]
    limits = after[0].limits
    workspace = WorkspaceLimits(radius_m=limits.workspace_radius_m, height_min_m=limits.workspace_height_m)
    if not workspace.contains(tools[0]):
        return None
    distance = np.linalg.norm(tools - tools[-10:].mean(axis=0), axis=1)
    if distance[0] < _NEAR_M:
        return None
    rise_m = float((distance - np.minimum.accumulate(distance)).max())
    return {"way_mm": 1e3 * float(distance[0]), "overshoot_mm": 1e3 * rise_m}
