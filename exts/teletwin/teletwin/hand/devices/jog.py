"""Deflections become a hand that moves while it is pushed, and rests where it is let go."""

from __future__ import annotations

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.geometry import IDENTITY_POSE, Array, quat_from_rotvec, quat_multiply, quat_normalize
from teletwin.hand.devices import Deflection, DeviceCfg

_MOST_S = 0.05
"""After a longer pause the hand goes on as if only so long had passed [s]: it does not leap."""


class Jog:
    """Integrates deflections beyond the dead zone; a push closes the clutch, rest opens it."""

    def __init__(self, cfg: DeviceCfg) -> None:
        self._cfg = cfg
        self._last_ns: int | None = None
        self.pose: Array = IDENTITY_POSE
        """(7,) the hand's pose in its own frame."""

    def push(self, deflection: Deflection, now_ns: int) -> bool:
        """Move on to now_ns [ns]; tell whether the device is pushed."""
        move, turn = self._live(deflection.move), self._live(deflection.turn)
        last_ns, self._last_ns = self._last_ns, now_ns
        if not (move.any() or turn.any()):
            return False
        dt_s = 0.0 if last_ns is None else min(max((now_ns - last_ns) / NS_PER_S, 0.0), _MOST_S)
        position = self.pose[:3] + move * (self._cfg.device_speed_m_s * dt_s)
        step = quat_from_rotvec(turn * (self._cfg.device_turn_rad_s * dt_s))
        self.pose = np.concatenate([position, quat_normalize(quat_multiply(step, self.pose[3:]))])
        return True

    def rest(self) -> None:
        """The device is gone: what comes next starts from rest."""
        self._last_ns = None

    def _live(self, values: tuple[float, float, float]) -> Array:
        """Beyond the dead zone, growing from zero at its edge to one; what is no number counts as rest."""
        v = np.nan_to_num(np.array(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        zone = self._cfg.device_dead_zone
        return np.sign(v) * np.clip((np.abs(v) - zone) / (1.0 - zone), 0.0, 1.0)
