"""The trap between the two base frames of a UR arm, in its one place.

The URDF's `base_link` is the frame in which the UR controller speaks, turned by 180 degrees about z.
The turn is its own inverse, so one function serves both ways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from teletwin.geometry import Array

_TURN = np.array([-1.0, -1.0, 1.0])


def swap_base(pose: ArrayLike) -> Array:
    """Poses (..., 7) from URDF base_link to UR base, or back; the quaternion's sign is left as it falls."""
    p = np.asarray(pose, dtype=np.float64)
    out = np.empty_like(p)
    out[..., 0] = -p[..., 0]
    out[..., 1] = -p[..., 1]
    out[..., 2] = p[..., 2]
    out[..., 3] = -p[..., 6]
    out[..., 4] = -p[..., 5]
    out[..., 5] = p[..., 4]
    out[..., 6] = p[..., 3]
    return out


def swap_base_vector(vector: ArrayLike) -> Array:
    """Free vectors or points (..., 3) from URDF base_link to UR base, or back."""
    return np.asarray(vector, dtype=np.float64) * _TURN
