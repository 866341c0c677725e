"""What happens in a run, when, and towards which border the arm is moving then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand.recording import HandRecording
from teletwin.robot.ur3e import HOME_Q, JointLimits, tool_pose_in_ur_base

SPEED_M_S = 1.2
TURN_RAD_S = 5.0
TABLE_M = 0.10
"""Least height of the tool that the runs allow [m]."""
BORDERS = ("table", "radius", "joint range", "self")
ROLES = ("operator", "twin", "arm")
"""What the renderer does, or does not, moves nothing."""
CAUSES = (
    "Hold",
    "Stop",
    "fault",
    *(f"{role} {what}" for role in ROLES for what in ("suspended", "killed")),
)
_STEP_S, _RAMP_S, _GO_S, _REST_S = 0.005, 0.12, 1.5, 0.5
_STARTS = {
    "table": (-0.30, -0.13, 0.38),
    "radius": (-0.22, -0.09, 0.30),
    "joint range": (-0.36, -0.13, 0.26),
    "self": (-0.38, -0.13, 0.26),
}
_WAYS = {"table": (0.0, 0.0, -0.45), "radius": (-0.33, -0.13, 0.0), "self": (0.36, 0.13, -0.02)}
_REACH_S = {"table": 0.29, "radius": 0.23, "joint range": 0.06, "self": 0.3}
"""From the start of the dash until about where the border is [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run."""

    cause: str
    border: str
    seed: int
    lasts_s: float
    """How long a role is away, or a person's word stands [s]."""
    at_s: float
    """When it happens, from the start of the hand [s]."""


def draw_cases(*, each: int, causes: tuple[str, ...] = CAUSES, borders: tuple[str, ...] = BORDERS) -> Iterator[Case]:
    """So many runs of each cause at each border, at different moments and for different times."""
    for cause in causes:
        for border in borders:
            for seed in range(each):
                rng = np.random.default_rng([seed, CAUSES.index(cause), BORDERS.index(border)])
                lasts_s = float(np.exp(rng.uniform(np.log(0.05), np.log(10.0))))
                dash_s = _GO_S + 2.0 * _REST_S
                reach_s = (JointLimits().upper[5] - HOME_Q[5]) / TURN_RAD_S if border == "joint range" else 0.0
                before_s = float(rng.uniform(-0.15, 0.05))
                at_s = dash_s + max(_REACH_S[border] + reach_s - before_s, 0.04)
                is_away = cause.endswith("suspended")
                yield Case(cause=cause, border=border, seed=seed, lasts_s=lasts_s if is_away else 1.0, at_s=at_s)


def dash(border: str) -> HandRecording:
    """A hand that rests, goes to where there is room, and runs through the border at SPEED_M_S or TURN_RAD_S."""
    home = tool_pose_in_ur_base(HOME_Q)
    start = home.copy()
    start[:3] = _STARTS[border]
    go = [_between(home, start, _smooth(s)) for s in np.arange(0.0, 1.0, _STEP_S / _GO_S)]
    rest = round(_REST_S / _STEP_S)
    poses = [home] * rest + go + [start] * rest + _dash(start, border)
    poses += [poses[-1]] * rest
    t_ns = np.arange(len(poses)) * int(_STEP_S * NS_PER_S)
    return HandRecording(name=f"dash to {border}", t_ns=t_ns, poses=np.array(poses))


def _dash(start: Array, border: str) -> list[Array]:
    turns = border == "joint range"
    way = np.zeros(3) if turns else np.array(_WAYS[border])
    length = 7.0 if turns else float(np.linalg.norm(way))
    speed = TURN_RAD_S if turns else SPEED_M_S
    count = int((length / speed + _RAMP_S) / _STEP_S)
    poses = []
    for k in range(count):
        t_s = k * _STEP_S
        done = speed * (t_s * t_s / (2 * _RAMP_S) if t_s < _RAMP_S else t_s - _RAMP_S / 2)
        share = min(done / length, 1.0)
        pose = start.copy()
        pose[:3] += share * way
        if turns:
            pose[3:] = quat_multiply(start[3:], quat_from_rotvec(np.array([0.0, 0.0, share * length])))
        poses.append(pose)
    return poses


def _between(a: Array, b: Array, share: float) -> Array:
    pose = a.copy()
    pose[:3] += share * (b[:3] - a[:3])
    return pose


def _smooth(s: float) -> float:
    return s * s * s * (10.0 + s * (6.0 * s - 15.0))
