"""Where the picture is taken from, and how its axes lie in the UR base frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

WORLD_UP: Array = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A perspective camera in the UR base frame; the default stands in front of the arm, a little to its side."""

    eye: tuple[float, float, float] = (-1.17, -0.60, 0.60)
    """Where it stands [m]."""
    look_at: tuple[float, float, float] = (-0.235, -0.095, 0.205)
    """What is in the middle of the picture [m]."""
    vertical_fov_deg: float = 30.0
    near_m: float = 0.2
    far_m: float = 12.0

    def __post_init__(self) -> None:
        if not 5.0 <= self.vertical_fov_deg <= 120.0:
            raise ConfigError("a camera that sees nothing", given=f"{self.vertical_fov_deg} deg", allowed="5 ... 120")
        if not 0.0 < self.near_m < self.far_m:
            raise ConfigError("a camera without depth", given=f"{self.near_m} ... {self.far_m} m", allowed="0 < near")
        if np.linalg.norm(np.cross(np.subtract(self.look_at, self.eye), WORLD_UP)) < 1e-6:
            raise ConfigError("the camera looks straight up or down", given=self.look_at, mend="move its eye aside")

    @property
    def forward(self) -> Array:
        """Unit vector (3,) from the eye into the picture."""
        direction = np.subtract(self.look_at, self.eye)
        return direction / np.linalg.norm(direction)

    @property
    def right(self) -> Array:
        """Unit vector (3,) to the right of the picture; horizontal."""
        side = np.cross(self.forward, WORLD_UP)
        return side / np.linalg.norm(side)

    @property
    def up(self) -> Array:
        """Unit vector (3,) to the top of the picture."""
        return np.cross(self.right, self.forward)

    @property
    def view_to_base(self) -> Array:
        """Rotation (3, 3) of view axes (x right, y up, z towards the viewer) into the UR base frame."""
        return np.stack([self.right, self.up, -self.forward], axis=1)

    def view_matrix(self) -> Array:
        """Homogeneous matrix (4, 4) from the UR base frame to view axes [m]."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.view_to_base.T
        matrix[:3, 3] = -self.view_to_base.T @ np.asarray(self.eye)
        return matrix

    def projection_matrix(self, aspect: float) -> Array:
        """Clip matrix (4, 4) whose y points DOWN, so that the first row read back is the top of the picture."""
        focal = 1.0 / np.tan(0.5 * np.radians(self.vertical_fov_deg))
        near, far = self.near_m, self.far_m
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[1, 1] = focal / aspect, -focal
        matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2.0 * far * near / (near - far)
        matrix[3, 2] = -1.0
        return matrix

    def clip_from_base(self, aspect: float) -> Array:
        """Matrix (4, 4) from points of the UR base frame to clip space."""
        return self.projection_matrix(aspect) @ self.view_matrix()

    def project(self, points: Array, width: int, height: int) -> Array:
        """Pixels (..., 2), x to the right and y down from the top left corner, of points (..., 3) [m]."""
        matrix = self.clip_from_base(width / height)
        clip = points @ matrix[:, :3].T + matrix[:, 3]
        return (clip[..., :2] / clip[..., 3:] * 0.5 + 0.5) * np.array([width, height])

    def height_at(self, point: Array) -> float:
        """How much of the scene the picture's height spans at the depth of a point (3,) [m]."""
        depth_m = float((np.asarray(point) - np.asarray(self.eye)) @ self.forward)
        return 2.0 * depth_m * float(np.tan(0.5 * np.radians(self.vertical_fov_deg)))
