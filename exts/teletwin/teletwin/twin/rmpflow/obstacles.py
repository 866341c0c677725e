"""Obstacles of one motion policy: spheres, boxes and planes that can be added, moved and removed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from teletwin.errors import ConfigError
from teletwin.geometry import Array, compose, quat_from_matrix, quat_to_matrix
from teletwin.twin.rmpflow.arrays import SharedArray

_SPHERE, _BOX, _PLANE = 0, 1, 2


class Obstacles:
    """The kernel's list of obstacles; poses are in the targets' world frame, shared by all arms of a batch."""

    def __init__(self, types: SimpleNamespace, *, world_in_root: Array, capacity: int, device: str) -> None:
        import warp as wp

        scalar = np.float64 if types.dtype == "float64" else np.float32
        self.capacity = capacity
        self._world = world_in_root
        self._known: dict[int, tuple[int, Array, Array]] = {}
        self._next = 1
        self._count = SharedArray(np.zeros(1, dtype=np.int32), warp_dtype=wp.int32, device=device)
        self._kind = SharedArray(np.zeros(capacity, dtype=np.int32), warp_dtype=wp.int32, device=device)
        self._center = SharedArray(np.zeros((capacity, 3), dtype=scalar), warp_dtype=types.vec3, device=device)
        self._axes = SharedArray(np.zeros((capacity, 3, 3), dtype=scalar), warp_dtype=types.mat33, device=device)
        self._size = SharedArray(np.zeros((capacity, 3), dtype=scalar), warp_dtype=types.vec3, device=device)
        self.struct: Any = types.Scene()
        self.struct.count, self.struct.kind = self._count.device, self._kind.device
        self.struct.center, self.struct.axes = self._center.device, self._axes.device
        self.struct.size = self._size.device

    def __len__(self) -> int:
        return len(self._known)

    def add_sphere(self, center: ArrayLike, radius_m: float) -> int:
        """Add a ball at center (3,) [m]; return its handle."""
        pose = np.concatenate([np.asarray(center, dtype=np.float64), [1.0, 0.0, 0.0, 0.0]])
        return self._add(_SPHERE, pose, np.array([radius_m, radius_m, radius_m]))

    def add_box(self, pose: ArrayLike, size: ArrayLike) -> int:
        """Add a box centred at pose (7,) with full side lengths size (3,) [m]; return its handle."""
        return self._add(_BOX, np.asarray(pose, dtype=np.float64), np.asarray(size, dtype=np.float64))

    def add_plane(self, point: ArrayLike, normal: ArrayLike) -> int:
        """Add the half-space below the plane through point (3,) [m] with outward normal (3,); return its handle."""
        z = np.asarray(normal, dtype=np.float64)
        length = float(np.linalg.norm(z))
        if not length > 0.0:
            raise ConfigError("a plane's normal has no direction", given=normal)
        z = z / length
        x = np.cross(np.eye(3)[int(np.argmin(np.abs(z)))], z)
        x /= np.linalg.norm(x)
        turn = quat_from_matrix(np.column_stack([x, np.cross(z, x), z]))
        return self._add(_PLANE, np.concatenate([np.asarray(point, dtype=np.float64), turn]), np.ones(3))

    def move(self, handle: int, pose: ArrayLike) -> None:
        """Put an obstacle at a new pose (7,); a plane's normal is the pose's z axis."""
        kind, _, size = self._find(handle)
        self._known[handle] = self._checked(kind, np.asarray(pose, dtype=np.float64), size)
        self._write()

    def remove(self, handle: int) -> None:
        """Take an obstacle away."""
        self._find(handle)
        del self._known[handle]
        self._write()

    def _find(self, handle: int) -> tuple[int, Array, Array]:
        if handle not in self._known:
            raise ConfigError("no such obstacle", given=handle, allowed=sorted(self._known))
        return self._known[handle]

    def _checked(self, kind: int, pose: Array, size: Array) -> tuple[int, Array, Array]:
        if pose.shape != (7,) or not np.isfinite(pose).all():
            raise ConfigError("an obstacle's pose", given=pose, allowed="7 finite numbers")
        if size.shape != (3,) or not np.all(size > 0.0) or not np.isfinite(size).all():
            raise ConfigError("an obstacle's size", given=size, allowed="> 0")
        return kind, pose, size

    def _add(self, kind: int, pose: Array, size: Array) -> int:
        if len(self._known) >= self.capacity:
            raise ConfigError("too many obstacles", given=len(self._known) + 1, allowed=self.capacity)
        entry = self._checked(kind, pose, size)
        handle, self._next = self._next, self._next + 1
        self._known[handle] = entry
        self._write()
        return handle

    def _write(self) -> None:
        for k, (kind, pose, size) in enumerate(self._known.values()):
            placed = compose(self._world, pose)
            self._kind.host[k] = kind
            self._center.host[k] = placed[:3]
            self._axes.host[k] = quat_to_matrix(placed[3:] / np.linalg.norm(placed[3:]))
            self._size.host[k] = size
        self._count.host[0] = len(self._known)
        for array in (self._kind, self._center, self._axes, self._size, self._count):
            array.push()
