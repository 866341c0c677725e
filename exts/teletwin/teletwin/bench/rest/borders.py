"""Hands that lead the arm at speed into a border and go on beyond it, one for each border."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from teletwin.assets import scene_path
from teletwin.clock import NS_PER_S
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand.recording import HandRecording
from teletwin.robot.ur3e import tool_pose_in_ur_base
from teletwin.session.config import SessionCfg

SPEED_M_S = 1.2
TURN_RAD_S = 5.0
WAITS_S = 0.6
"""So long the hand rests before its dash: the arm engages and arrives [s]."""
_STEP_S, _RAMP_S = 0.005, 0.2
_WALL = """<mujoco><include file="{arm}"/><worldbody>
<geom name="wall" type="box" pos="-0.3 0.14 0.2" size="0.15 0.04 0.25" contype="2" conaffinity="3"/>
</worldbody></mujoco>"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Border:
    """A border, where the arm stands before the dash, and the way of the hand."""

    q: tuple[float, ...]
    """Joints before the dash [rad]."""
    way: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the hand, at SPEED_M_S [m]."""
    sweep_rad: float = 0.0
    """About the base's axis instead, at SPEED_M_S."""
    turn_rad: float = 0.0
    """About the tool's axis instead, at TURN_RAD_S."""
    session: dict[str, float] = field(default_factory=dict)
    """Limits of the session that make the border."""
    wall: bool = False
    """With a wall from a scene file."""


BORDERS: dict[str, Border] = {
    "height": Border(
        q=(-0.004, -1.1814, 0.2185, -0.6071, -1.57, -0.004), way=(0.0, 0.0, -0.42), session={"workspace_height_m": 0.12}
    ),
    "radius": Border(
        q=(-0.006, -1.1563, 2.6524, -3.0661, -1.57, -0.006),
        way=(-0.08, -0.03, 0.4),
        session={"workspace_radius_m": 0.4},
    ),
    "table": Border(q=(-0.005, -1.591, 1.8467, -3.3256, -1.5646, 0.0), way=(0.0, 0.0, -0.39)),
    "itself": Border(q=(-0.003, -1.0016, 1.3105, -1.879, -1.57, -0.003), way=(0.38, 0.0, 0.0)),
    "wall": Border(q=(0.592, -0.9002, 0.9027, -1.5731, -1.57, 0.592), way=(0.0, 0.45, 0.0), wall=True),
    "joint 1": Border(q=(5.0, -1.2, 1.4, -1.77, -1.57, 0.0), sweep_rad=2.2),
    "joint 6": Border(q=(0.0, -1.2, 1.4, -1.77, -1.57, 4.0), turn_rad=3.5),
}


def session_towards(name: str, session: SessionCfg) -> SessionCfg:
    """A session with the border in it."""
    border = BORDERS[name]
    scene = str(_wall_scene()) if border.wall else session.scene
    return dataclasses.replace(session, scene=scene, **border.session)


def dash(name: str, *, aside_m: float = 0.0) -> HandRecording:
    """A hand that rests where the arm stands, and runs through the border.

    Args:
        name: Which.
        aside_m: Its way ends so far beside the usual end [m].
    """
    border = BORDERS[name]
    start = tool_pose_in_ur_base(np.array(border.q))
    poses = [start] * round(WAITS_S / _STEP_S) + _dash(border, start, aside_m)
    t_ns = np.arange(len(poses)) * int(_STEP_S * NS_PER_S)
    return HandRecording(name=f"dash to {name}", t_ns=t_ns, poses=np.array(poses))


def _dash(border: Border, start: Array, aside_m: float) -> list[Array]:
    way = np.array(border.way)
    length, speed = float(np.linalg.norm(way)), SPEED_M_S
    if border.sweep_rad:
        length, speed = border.sweep_rad, SPEED_M_S / float(np.hypot(start[0], start[1]))
    elif border.turn_rad:
        length, speed = border.turn_rad, TURN_RAD_S
    poses = []
    for k in range(int((length / speed + _RAMP_S) / _STEP_S)):
        t_s = k * _STEP_S
        done = speed * (t_s * t_s / (2 * _RAMP_S) if t_s < _RAMP_S else t_s - _RAMP_S / 2)
        poses.append(_on_the_way(border, start, min(done / length, 1.0), aside_m))
    return poses


def _on_the_way(border: Border, start: Array, share: float, aside_m: float) -> Array:
    pose = start.copy()
    if border.sweep_rad:
        angle = share * border.sweep_rad
        pose[:2] = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ start[:2]
        pose[3:] = quat_multiply(quat_from_rotvec(np.array([0.0, 0.0, angle])), start[3:])
    elif border.turn_rad:
        pose[3:] = quat_multiply(start[3:], quat_from_rotvec(np.array([0.0, 0.0, share * border.turn_rad])))
    else:
        way = np.array(border.way)
        beside = np.cross(way, [0.3, 0.5, 0.8])
        pose[:3] += share * (way + aside_m * beside / np.linalg.norm(beside))
    return pose


@cache
def _wall_scene() -> Path:
    """A scene file with a wall beside the arm."""
    folder = Path(tempfile.mkdtemp(prefix="teletwin-rest-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "wall.xml"
    path.write_text(_WALL.format(arm=scene_path("bare")))
    return path
