"""Recorded motion brought to the speed and the place of the arm; the scale is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_conjugate, quat_from_rotvec, quat_multiply, quat_to_rotvec
from teletwin.hand.recording import HandRecording
from teletwin.hand.workspace import Workspace

_SPEED_SPAN_S = 0.02
"""Speeds are taken over this span, so that the noise of fast recordings does not count as speed [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingCfg:
    """How fast and how far the recorded hand may be when it enters."""

    speed_p99_m_s: float = 0.4
    turn_rate_p99_rad_s: float = 1.5
    inward_m: float = 0.1
    """The motion's middle, from home towards the base axis: home itself lies near the edge of the reach [m]."""
    fit_share: float = 0.98
    """Share of the samples that must lie inside before the rest is clipped; the scale shrinks until they do."""
    turn_max_rad: float = 1.0
    """Largest angle from the home orientation; a wrist that turned further is scaled, not clipped [rad]."""

    def __post_init__(self) -> None:
        for name in ("speed_p99_m_s", "turn_rate_p99_rad_s", "turn_max_rad"):
            if not 0.0 < getattr(self, name) <= 10.0:
                raise ConfigError(f"{name} is out of range", given=getattr(self, name), allowed="0 ... 10")
        if not 0.0 <= self.fit_share <= 1.0 or not -0.5 <= self.inward_m <= 0.5:
            raise ConfigError(
                "the fit is out of range",
                given=f"{self.fit_share}, {self.inward_m} m",
                allowed="0 ... 1, -0.5 ... 0.5 m",
            )


def scale_recording(
    recording: HandRecording,
    *,
    home_pose: Array,
    cfg: ScalingCfg | None = None,
    workspace: Workspace | None = None,
) -> HandRecording:
    """Bring a recording into the arm's workspace.

    Positions are scaled by min(1, 0.4 m/s / 99th percentile speed), and further where the motion is wider
    than the workspace; their median is put before the arm. The last few outside go to the nearest point.
    Rotation increments are scaled likewise to 1.5 rad/s and applied, in base axes, to the home orientation.

    Args:
        recording: Any checked motion.
        home_pose: Tool pose (7,) in the UR base frame.
        cfg: Speeds.
        workspace: Where targets may be.
    """
    cfg, workspace = cfg or ScalingCfg(), workspace or Workspace()
    span = max(1, round(_SPEED_SPAN_S * recording.rate_hz))
    span = min(span, len(recording.t_ns) - 1)
    elapsed_s = (recording.t_ns[span:] - recording.t_ns[:-span]) / NS_PER_S
    position, quat = recording.poses[:, :3], recording.poses[:, 3:]
    speed = np.linalg.norm(position[span:] - position[:-span], axis=1) / elapsed_s
    turn = quat_to_rotvec(quat_multiply(quat[span:], quat_conjugate(quat[:-span])))
    turn_rate = np.linalg.norm(turn, axis=1) / elapsed_s
    scale = _share(cfg.speed_p99_m_s, float(np.percentile(speed, 99)))
    turn_scale = _share(cfg.turn_rate_p99_rad_s, float(np.percentile(turn_rate, 99)))
    rotation, turn_scale = _scaled_rotation(quat, turn_scale, cfg.turn_max_rad)
    poses = np.empty_like(recording.poses)
    middle = home_pose[:3] - np.array([*(cfg.inward_m * home_pose[:2] / np.linalg.norm(home_pose[:2])), 0.0])
    motion = position - np.median(position, axis=0)
    scale = _fitting_scale(motion, scale, middle, workspace, cfg.fit_share)
    poses[:, :3] = workspace.clip(scale * motion + middle)
    poses[:, 3:] = quat_multiply(rotation, home_pose[3:])
    return HandRecording(
        name=recording.name,
        t_ns=recording.t_ns,
        poses=poses,
        scale=scale * recording.scale,
        rotation_scale=turn_scale * recording.rotation_scale,
    )


def _share(wanted: float, measured: float) -> float:
    return min(1.0, wanted / measured) if measured > 0.0 else 1.0


def _fitting_scale(motion: Array, scale: float, middle: Array, workspace: Workspace, share: float) -> float:
    """The largest scale tried, at most the given one, at which this share of the motion (n, 3) is inside."""
    sample = motion[:: max(1, len(motion) // 2000)]
    for _ in range(60):
        inside = [workspace.contains(place) for place in scale * sample + middle]
        if np.mean(inside) >= share:
            break
        scale *= 0.95
    return scale


def _scaled_rotation(quat: Array, scale: float, turn_max_rad: float) -> tuple[Array, float]:
    """Rotations (n, 4) about a middle orientation, and the scale that keeps them within turn_max_rad."""
    increments = quat_to_rotvec(quat_multiply(quat[1:], quat_conjugate(quat[:-1])))
    for _ in range(20):
        rotation = _centred(_integrated(scale * increments))
        reach = float(np.linalg.norm(quat_to_rotvec(rotation), axis=1).max())
        if reach <= turn_max_rad * (1.0 + 1e-6):
            return rotation, scale
        scale *= max(0.98 * turn_max_rad / reach, 0.3)
    return np.tile([1.0, 0.0, 0.0, 0.0], (len(quat), 1)), 0.0


def _integrated(increments: Array) -> Array:
    """Orientations (n + 1, 4) reached by rotation vectors (n, 3) in base axes, from the identity."""
    steps = quat_from_rotvec(increments).tolist()
    out = np.empty((len(steps) + 1, 4))
    w, x, y, z = 1.0, 0.0, 0.0, 0.0
    out[0] = w, x, y, z
    for row, (a, b, c, d) in zip(out[1:], steps, strict=True):
        w, x, y, z = (
            a * w - b * x - c * y - d * z,
            a * x + b * w + c * z - d * y,
            a * y - b * z + c * w + d * x,
            a * z + b * y - c * x + d * w,
        )
        row[:] = w, x, y, z
    return out / np.linalg.norm(out, axis=1, keepdims=True)


def _centred(rotation: Array) -> Array:
    """Rotations (n, 4) relative to their mean (largest eigenvector of the summed outer products)."""
    _, vectors = np.linalg.eigh(rotation.T @ rotation)
    return quat_multiply(rotation, quat_conjugate(vectors[:, -1]))
