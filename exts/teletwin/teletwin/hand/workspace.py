"""Where the tool target may be, and the nearest such place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A sphere around the shoulder, above the table, outside a cylinder around the base axis; UR base frame [m]."""

    reach: float = 0.46
    shoulder_z: float = 0.152
    floor_z: float = 0.05
    column_radius: float = 0.13

    def __post_init__(self) -> None:
        low = self.floor_z - self.shoulder_z
        if not 0.0 < self.column_radius < self.reach or abs(low) >= self.reach:
            raise ConfigError("the workspace is empty", given=self, allowed="column and floor inside the reach")
        if math.hypot(self.column_radius, low) >= self.reach:
            raise ConfigError("the workspace is empty", given=self, allowed="column and floor inside the reach")

    def contains(self, position: Array, *, tolerance: float = 1e-9) -> bool:
        """Tell whether a position (3,) lies inside."""
        x, y, z = position.tolist()
        rho = math.hypot(x, y)
        return (
            rho >= self.column_radius - tolerance
            and z >= self.floor_z - tolerance
            and math.hypot(rho, z - self.shoulder_z) <= self.reach + tolerance
        )

    def nearest(self, rho: float, z: float) -> tuple[float, float]:
        """Nearest allowed place in the half-plane of one azimuth; rho is the distance from the base axis.

        The allowed set is convex there, so this never moves two places further apart.
        """
        corner = max(rho, self.column_radius), max(z, self.floor_z)
        if math.hypot(corner[0], corner[1] - self.shoulder_z) <= self.reach:
            return corner
        length = math.hypot(rho, z - self.shoulder_z)
        on_sphere = self.reach * rho / length, self.shoulder_z + self.reach * (z - self.shoulder_z) / length
        if on_sphere[0] >= self.column_radius and on_sphere[1] >= self.floor_z:
            return on_sphere
        drop = self.floor_z - self.shoulder_z
        low = math.sqrt(self.reach**2 - drop**2), self.floor_z
        high = self.column_radius, self.shoulder_z + math.sqrt(self.reach**2 - self.column_radius**2)
        return min(low, high, key=lambda place: math.hypot(place[0] - rho, place[1] - z))

    def clip(self, positions: Array) -> Array:
        """Nearest allowed positions of (n, 3), each by itself; on the base axis towards +x."""
        out = np.empty_like(positions)
        for row, (x, y, z) in zip(out, positions.tolist(), strict=True):
            rho, height = self.nearest(math.hypot(x, y), z)
            azimuth = math.atan2(y, x)
            row[:] = rho * math.cos(azimuth), rho * math.sin(azimuth), height
        return out
