"""A closed curve to follow with the tool, and the dot that runs along it: the task of a person who teaches a policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.hand.scaling import ScalingCfg

_SAMPLES = 2048
_HARMONICS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingTaskCfg:
    """Which curve, how large and how fast."""

    seed: int = 0
    """Another seed, another curve."""
    speed_m_s: float = 0.08
    """Mean speed of the dot [m/s]; slower in bends, by the two-thirds power law."""
    size_m: float = 0.07
    """Largest distance of the curve from its middle [m]."""

    def __post_init__(self) -> None:
        if self.seed < 0 or not 0.005 <= self.speed_m_s <= 0.5 or not 0.01 <= self.size_m <= 0.15:
            raise ConfigError(
                "a drawing task cannot be made so",
                given=f"seed {self.seed}, {self.speed_m_s} m/s, {self.size_m} m",
                allowed="seed >= 0, 0.005 ... 0.5 m/s, 0.01 ... 0.15 m",
            )


def task_middle(home_pose: Array) -> Array:
    """Middle (3,) of the curves [m], UR base frame: home (7,) moved inward, as recordings are."""
    home = home_pose[:3]
    return home - np.array([*(ScalingCfg().inward_m * home[:2] / np.linalg.norm(home[:2])), 0.0])


class DrawingTask:
    """A smooth closed curve in a plane, and where its dot is at any time.

    Args:
        cfg: Curve and speed.
        middle: The curve's middle (3,) [m], UR base frame.
        plane: Two orthonormal directions (3, 2) that span its plane, UR base frame; columns right and up.
    """

    def __init__(self, cfg: DrawingTaskCfg | None = None, *, middle: Array, plane: Array) -> None:
        cfg = cfg or DrawingTaskCfg()
        phase = np.linspace(0.0, 2.0 * np.pi, _SAMPLES, endpoint=False)
        flat = _closed_curve(np.random.default_rng([7, cfg.seed]), phase, size_m=cfg.size_m)
        self._points = middle + flat @ np.asarray(plane, dtype=np.float64).T
        self._times = _schedule(flat, speed_m_s=cfg.speed_m_s)
        self.period_s = float(self._times[-1])
        """One round [s]."""
        self._closed = np.concatenate([self._points, self._points[:1]])

    def points(self, count: int = 200) -> Array:
        """The whole curve (count, 3) [m], first point again at the end."""
        return self._closed[np.linspace(0, _SAMPLES, count).round().astype(np.intp)]

    def round(self, count: int = 256) -> tuple[Array, Array]:
        """Times (count,) [s] of one round and the dot's places (count, 3) [m] then; straight lines between them."""
        rows = np.linspace(0, _SAMPLES, count).round().astype(np.intp)
        return self._times[rows], self._closed[rows]

    def target(self, t_s: Array | float) -> Array:
        """The dot (..., 3) [m] at times t_s (...,) since the start [s]."""
        t = np.mod(np.asarray(t_s, dtype=np.float64), self.period_s)
        return np.stack([np.interp(t, self._times, self._closed[:, axis]) for axis in range(3)], axis=-1)


def _closed_curve(rng: np.random.Generator, phase: Array, *, size_m: float) -> Array:
    """A random curve (n, 2) of a few harmonics about the origin, the higher ones weaker."""
    order = np.arange(1, _HARMONICS + 1)
    weight = rng.normal(size=(2, 2, _HARMONICS)) / order**1.3
    waves = np.stack([np.cos(np.outer(phase, order)), np.sin(np.outer(phase, order))])
    flat = np.einsum("wno,cwo->nc", waves, weight)
    return flat * (size_m / np.linalg.norm(flat, axis=1).max())


def _schedule(flat: Array, *, speed_m_s: float) -> Array:
    """Times (n + 1,) [s] at which the dot passes the points: speed falls with curvature to the power 1/3."""
    ahead, behind = np.roll(flat, -1, axis=0), np.roll(flat, 1, axis=0)
    step, bend = 0.5 * (ahead - behind), ahead - 2.0 * flat + behind
    speed = np.linalg.norm(step, axis=1) + 1e-12
    curvature = np.abs(step[:, 0] * bend[:, 1] - step[:, 1] * bend[:, 0]) / speed**3
    pace = (curvature + 5.0) ** (-1.0 / 3.0)  # 5 1/m: straight stretches do not run away
    length = np.linalg.norm(ahead - flat, axis=1)
    duration = length / pace
    duration *= float(length.sum()) / speed_m_s / float(duration.sum())
    return np.concatenate([[0.0], np.cumsum(duration)])
