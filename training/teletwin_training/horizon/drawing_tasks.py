"""Drawing tasks of many persons at once: where each one's dot is, slot by slot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.drawing_task import DrawingTask, DrawingTaskCfg
from teletwin.hand.scaling import ScalingCfg
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin.view.camera import Camera

CURVE_POINTS = 400
"""Points of a curve that distances to it are measured by."""
_SLOT_S = 0.01


@dataclass(frozen=True, kw_only=True)
class DrawnTasksCfg:
    """Which tasks are drawn."""

    speed_m_s: tuple[float, float] = (0.03, 0.12)
    """Range of the dot's mean speed; even in its logarithm."""
    size_m: float = 0.07

    def __post_init__(self) -> None:
        low, high = self.speed_m_s
        if not 0.005 <= low <= high <= 0.5:
            raise ConfigError("speed_m_s is no range", given=self.speed_m_s, allowed="0.005 ... 0.5 m/s")


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawnTasks:
    """Tasks of k persons over their episodes."""

    dots: Array
    """(k, slots, 3) where the dot is [m], UR base frame."""
    velocities: Array
    """(k, slots, 3) [m/s]."""
    curves: Array
    """(k, CURVE_POINTS, 3) the whole curves."""
    speed_m_s: Array
    """(k,) mean speed."""


def home_pose() -> Array:
    """Pose (7,) of the tool at home, UR base frame."""
    return tool_pose_in_ur_base(HOME_Q)


def task_middle() -> Array:
    """Middle (3,) of the curves [m]: home moved inward, as recordings are."""
    home = home_pose()
    return home[:3] - np.array([*(ScalingCfg().inward_m * home[:2] / np.linalg.norm(home[:2])), 0.0])


def draw_tasks(
    rng: np.random.Generator,
    count: int,
    *,
    slots: int,
    cfg: DrawnTasksCfg | None = None,
    speeds: Array | None = None,
) -> DrawnTasks:
    """Draw `count` tasks in the picture's plane, begun anywhere on its curve; speeds (count,) [m/s] may be given."""
    cfg = cfg or DrawnTasksCfg()
    camera, middle = Camera(), task_middle()
    plane = np.stack([camera.right, camera.up], axis=1)
    slowest, fastest = cfg.speed_m_s
    speeds = slowest * (fastest / slowest) ** rng.random(count) if speeds is None else speeds
    seeds, starts = rng.integers(1 << 31, size=count), rng.random(count)
    times = _SLOT_S * np.arange(-1, slots + 1)
    dots, curves = np.empty((count, slots + 2, 3)), np.empty((count, CURVE_POINTS, 3))
    for row, (seed, speed, start) in enumerate(zip(seeds.tolist(), speeds.tolist(), starts.tolist(), strict=True)):
        task_cfg = DrawingTaskCfg(seed=seed, speed_m_s=speed, size_m=cfg.size_m)
        task = DrawingTask(task_cfg, middle=middle, plane=plane)
        dots[row] = task.target(times + start * task.period_s)
        curves[row] = task.points(CURVE_POINTS)
    return DrawnTasks(
        dots=dots[:, 1:-1], velocities=(dots[:, 2:] - dots[:, :-2]) / (2.0 * _SLOT_S), curves=curves, speed_m_s=speeds
    )


def distance_to_curve(places: Array, curve: Array) -> Array:
    """Distance (n,) [m] of places (n, 3) to a closed curve (m, 3) whose last point is its first."""
    along = np.diff(curve, axis=0)
    length = np.maximum((along**2).sum(axis=1), 1e-18)
    nearest = np.empty(len(places))
    for first in range(0, len(places), 256):
        away = places[first : first + 256, None] - curve[:-1]
        share = np.clip((away * along).sum(axis=2) / length, 0.0, 1.0)
        gap = away - share[..., None] * along
        nearest[first : first + 256] = np.sqrt((gap**2).sum(axis=2).min(axis=1))
    return nearest
