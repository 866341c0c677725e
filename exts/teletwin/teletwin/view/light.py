"""The one lamp of the scene and the view that its shadow map is taken in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array


@dataclass(frozen=True, kw_only=True)
class Light:
    """A distant lamp; its view is parallel and holds a ball around everything that throws a shadow."""

    towards: tuple[float, float, float] = (-0.62, 0.34, 1.35)
    """From the scene to the lamp; length does not matter."""
    centre: tuple[float, float, float] = (-0.16, -0.02, 0.16)
    radius_m: float = 0.66

    @property
    def direction(self) -> Array:
        """Unit vector (3,) from the scene to the lamp, UR base frame."""
        return np.asarray(self.towards) / np.linalg.norm(self.towards)

    def clip_from_base(self) -> Array:
        """Matrix (4, 4) from the UR base frame to the lamp's clip space."""
        back = self.direction
        right = np.cross([0.0, 0.0, 1.0], back)
        right /= np.linalg.norm(right)
        axes = np.stack([right, np.cross(back, right), -back]) / self.radius_m
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = axes, -axes @ np.asarray(self.centre)
        return matrix

    def fall_on_table(self, points: Array) -> Array:
        """Where the shadows of points (..., 3) meet the plane z = 0: (..., 2) [m]."""
        slope = self.direction[:2] / self.direction[2]
        return points[..., :2] - points[..., 2:] * slope
