"""The twin: motion policy, smoothing and limits; the control function and the rendering function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from teletwin.geometry import Array
from teletwin.safety import MotionLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTarget:
    """Where the tool shall be, and how fast that moves; UR base frame."""

    pose: Array
    """(7,) position [m], quaternion wxyz."""
    velocity: Array
    """Linear velocity (3,) [m/s] of the target; zeros give the stock policy."""
    angular_velocity: Array
    """Angular velocity (3,) [rad/s] of the target in the base frame; zeros give the stock policy."""


class MotionPolicy(Protocol):
    """Turns tool targets into smooth joint motion; keeps its own joint state, open loop."""

    def reset(self, q: Array, qd: Array | None = None) -> None:
        """Start from joint positions [rad] (n,) and velocities [rad/s] (n,)."""
        ...

    @property
    def held_by(self) -> str:
        """What the policy itself keeps the arm off, in words; empty when nothing is in the way, or it does not know."""
        ...

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to a session's limits as far as the policy knows them, from the next step on."""
        ...

    def step(self, target: ToolTarget | None, dt_s: float) -> tuple[Array, Array]:
        """Advance by dt_s [s] (sub-stepped inside); return copies of (q, qd). None: no tool target."""
        ...
