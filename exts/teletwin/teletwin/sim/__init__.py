"""The simulated world behind a Protocol: an arm, a table, things that can be pushed."""

from __future__ import annotations

from typing import Protocol

from teletwin.geometry import Array


class World(Protocol):
    """A simulated arm with its surroundings, stepped in time."""

    def reset(self, q: Array) -> None:
        """Put the arm at q [rad] (n,), at rest, and every object at its place."""
        ...

    def step(self, q_target: Array, dt_s: float) -> None:
        """Drive the joints towards q_target [rad] (n,) for dt_s [s]."""
        ...

    @property
    def q(self) -> Array:
        """Joint positions [rad] (n,)."""
        ...

    @property
    def qd(self) -> Array:
        """Joint velocities [rad/s] (n,)."""
        ...

    @property
    def object_poses(self) -> Array:
        """Poses (m, 7) of the movable objects, UR base frame."""
        ...
