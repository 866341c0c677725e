"""What every hand adds to its intention: tremor, drift, unsteady effort, a wrist that leans, a sensor's steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.hand.synthetic.noise import drifting, low_pass, shaped_noise, smoothed, trembling

Range = tuple[float, float]
_SPACE = 3**-0.5
"""From the size of a displacement in space to that along each axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyCfg:
    """Ranges from which each hand draws its own values; sizes are rms, of tremor and drift in space."""

    tremor_hz: Range = (8.0, 11.0)
    tremor_m: Range = (12e-6, 20e-6)
    drift_m: float = 0.4e-3
    drift_s: float = 2.0
    drift_cut_hz: float = 0.8
    effort_s: Range = (1.5e-3, 4.5e-3)
    """Signal-dependent noise along each axis: displacement per speed (after Harris and Wolpert 1998)."""
    effort_cut_hz: float = 6.0
    quantum_m: float = 5e-6
    lean_s_m: Range = (0.4, 1.2)
    """Tilt of the tool per speed [rad / (m/s)]."""
    lean_max_rad: float = 0.35
    lean_lag_s: float = 0.12
    sway_rad: Range = (0.02, 0.06)
    """Slow turning of the wrist."""
    sway_s: float = 2.5
    wrist_tremor_rad: Range = (2e-4, 6e-4)
    wrist_effort_s: Range = (3e-3, 9e-3)
    """The same noise of a wrist that means to turn: angle per rate of turning."""

    def __post_init__(self) -> None:
        for name in ("tremor_hz", "tremor_m", "effort_s", "lean_s_m", "sway_rad", "wrist_tremor_rad", "wrist_effort_s"):
            low, high = getattr(self, name)
            if not 0.0 <= low <= high:
                raise ConfigError(f"{name} is no range", given=(low, high), allowed="0 <= low <= high")
        if self.quantum_m < 0.0 or self.drift_m < 0.0 or self.drift_s <= 0.0 or self.sway_s <= 0.0:
            raise ConfigError("a size or time of the hand's noise is out of range", given=self, allowed="positive")


def embody(rng: np.random.Generator, intention: Array, *, rate_hz: float, cfg: BodyCfg | None = None) -> Array:
    """Poses (hands, n, 7) of hands; quaternions wxyz.

    Args:
        rng: Source of randomness.
        intention: Positions (hands, n, 3) [m] that they intend; with rotation vectors [rad] behind them, (hands, n, 6),
            where they also mean to turn.
        rate_hz: Samples per second.
        cfg: What a body adds.
    """
    cfg = cfg or BodyCfg()
    hands, meant, intention = len(intention), intention[..., 3:], intention[..., :3]
    velocity = smoothed(np.gradient(intention, 1.0 / rate_hz, axis=1), rate_hz=rate_hz, sigma_s=0.04)
    tremor_hz = rng.uniform(*cfg.tremor_hz, size=hands)
    poses = np.empty((*intention.shape[:2], 7))
    poses[..., :3] = intention + _displacement(rng, velocity, tremor_hz, rate_hz, cfg)
    if cfg.quantum_m > 0.0:
        poses[..., :3] = np.round(poses[..., :3] / cfg.quantum_m) * cfg.quantum_m
    poses[..., 3:] = _orientation(rng, velocity, tremor_hz, rate_hz, cfg)
    if meant.shape[-1]:
        poses[..., 3:] = quat_multiply(quat_from_rotvec(_turned(rng, meant, rate_hz, cfg)), poses[..., 3:])
    return poses


def _turned(rng: np.random.Generator, meant: Array, rate_hz: float, cfg: BodyCfg) -> Array:
    """Rotation vectors (hands, n, 3) [rad] that come of those which are meant."""
    rate = np.gradient(smoothed(meant, rate_hz=rate_hz, sigma_s=0.04), 1.0 / rate_hz, axis=1)
    effort = shaped_noise(rng, meant.shape, rate_hz=rate_hz, density=low_pass(cut_hz=cfg.effort_cut_hz))
    share = rng.uniform(*cfg.wrist_effort_s, size=(len(meant), 1, 1))
    return meant + share * np.linalg.norm(rate, axis=2, keepdims=True) * effort


def _displacement(rng: np.random.Generator, velocity: Array, tremor_hz: Array, rate_hz: float, cfg: BodyCfg) -> Array:
    """Tremor, drift and signal-dependent noise (hands, n, 3) [m]."""
    shape, hands = velocity.shape, len(velocity)
    tremor = shaped_noise(rng, shape, rate_hz=rate_hz, density=trembling(tremor_hz))
    wander = drifting(time_constant_s=cfg.drift_s, cut_hz=cfg.drift_cut_hz)
    drift = shaped_noise(rng, shape, rate_hz=rate_hz, density=wander)
    effort = shaped_noise(rng, shape, rate_hz=rate_hz, density=low_pass(cut_hz=cfg.effort_cut_hz))
    speed = np.linalg.norm(velocity, axis=2, keepdims=True)
    each = [rng.uniform(*bounds, size=(hands, 1, 1)) for bounds in (cfg.tremor_m, cfg.effort_s)]
    return _SPACE * (each[0] * tremor + cfg.drift_m * drift) + each[1] * speed * effort


def _orientation(rng: np.random.Generator, velocity: Array, tremor_hz: Array, rate_hz: float, cfg: BodyCfg) -> Array:
    """Orientations (hands, n, 4): the tool leans into the motion, the wrist sways slowly and trembles."""
    shape, hands = velocity.shape, len(velocity)
    axis = rng.standard_normal((hands, 1, 3))
    axis /= np.linalg.norm(axis, axis=2, keepdims=True)
    lagged = smoothed(velocity, rate_hz=rate_hz, sigma_s=cfg.lean_lag_s)
    lean = rng.uniform(*cfg.lean_s_m, size=(hands, 1, 1)) * np.cross(axis, lagged)
    angle = np.linalg.norm(lean, axis=2, keepdims=True)
    lean *= cfg.lean_max_rad * np.tanh(angle / cfg.lean_max_rad) / np.maximum(angle, 1e-12)
    slow = drifting(time_constant_s=cfg.sway_s, cut_hz=cfg.drift_cut_hz)
    sway = shaped_noise(rng, shape, rate_hz=rate_hz, density=slow)
    tremor = shaped_noise(rng, shape, rate_hz=rate_hz, density=trembling(tremor_hz))
    sizes = [_SPACE * rng.uniform(*bounds, size=(hands, 1, 1)) for bounds in (cfg.sway_rad, cfg.wrist_tremor_rad)]
    rest = quat_from_rotvec(0.3 * rng.standard_normal((hands, 1, 3)))
    return quat_multiply(quat_from_rotvec(lean + sizes[0] * sway + sizes[1] * tremor), rest)
