"""Joints out of sensor_msgs/JointState by their names, and what the UR driver says of the robot, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.geometry import Array

SAFETY_FAULTS = {
    3: "protective stop: find its cause, then clear",
    4: "recovery mode: see the teach pendant, then clear",
    5: "safeguard stop: free the safeguarded space, then clear",
    6: "emergency stop of the system: release the button, then clear",
    7: "emergency stop: release the button, then clear",
    8: "safety violation: see the teach pendant, then clear",
    9: "fault of the safety system: see the teach pendant, then clear",
    10: "joint ids are being validated: see the teach pendant, then clear",
    11: "the safety mode is undefined: see the teach pendant, then clear",
    12: "safeguard stop of automatic mode: free the safeguarded space, then clear",
    13: "three-position enabling stop: hold the device in its middle position, then clear",
}
"""Modes of ur_dashboard_msgs/SafetyMode in which the robot does not move; 1 is normal, 2 reduced."""


class JointOrder:
    """Finds the arm's joints among those of a JointState: any order, others between them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._seen: list[str] = []
        self._at: list[int] | None = None
        self.missing: tuple[str, ...] = names
        """Names that the newest message did not hold; empty when all is well."""

    def read(self, message: Any) -> tuple[Array, Array] | None:
        """Positions [rad] and velocities [rad/s], each (n,), of the arm's joints; None when they are not all there.

        Velocities that a driver does not tell are zero.
        """
        if message.name != self._seen:
            self._learn(list(message.name))
        q, qd = np.asarray(message.position), np.asarray(message.velocity)
        if self._at is None or len(q) != len(self._seen):
            return None
        q = q[self._at]
        qd = qd[self._at] if len(qd) == len(self._seen) else np.zeros(len(self._names))
        return (q, np.nan_to_num(qd)) if np.isfinite(q).all() else None

    def _learn(self, names: list[str]) -> None:
        self._seen = names
        self.missing = tuple(name for name in self._names if name not in names)
        self._at = None if self.missing else [names.index(name) for name in self._names]
