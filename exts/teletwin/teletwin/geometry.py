"""Poses and rotations on arrays: position [m] and unit quaternion wxyz, shape (..., 7)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

IDENTITY_POSE: Array = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0])
IDENTITY_POSE.setflags(write=False)


def quat_normalize(quat: ArrayLike) -> Array:
    """Scale quaternions (..., 4) wxyz to unit length; a zero quaternion becomes the identity."""
    q = np.asarray(quat, dtype=np.float64)
    norm = np.linalg.norm(q, axis=-1, keepdims=True)
    unit = q / np.where(norm > 1e-12, norm, 1.0)
    return np.where(norm > 1e-12, unit, np.array([1.0, 0.0, 0.0, 0.0]))


def quat_multiply(left: ArrayLike, right: ArrayLike) -> Array:
    """Hamilton product of quaternions (..., 4) wxyz: the rotation `right` first, then `left`."""
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quat_conjugate(quat: ArrayLike) -> Array:
    """Inverse rotation of unit quaternions (..., 4) wxyz."""
    return np.asarray(quat, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def quat_rotate(quat: ArrayLike, vector: ArrayLike) -> Array:
    """Rotate vectors (..., 3) by unit quaternions (..., 4) wxyz."""
    q, v = np.asarray(quat, dtype=np.float64), np.asarray(vector, dtype=np.float64)
    w, u = q[..., :1], q[..., 1:]
    t = 2.0 * np.cross(u, v)
    return v + w * t + np.cross(u, t)


def quat_from_rotvec(rotvec: ArrayLike) -> Array:
    """Unit quaternions (..., 4) wxyz from rotation vectors (..., 3) [rad]."""
    r = np.asarray(rotvec, dtype=np.float64)
    half = 0.5 * np.linalg.norm(r, axis=-1, keepdims=True)
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * r], axis=-1)


def quat_to_rotvec(quat: ArrayLike) -> Array:
    """Shortest rotation vectors (..., 3) [rad] of unit quaternions (..., 4) wxyz."""
    q = np.asarray(quat, dtype=np.float64)
    q = np.where(q[..., :1] < 0.0, -q, q)
    sine = np.linalg.norm(q[..., 1:], axis=-1, keepdims=True)
    angle = 2.0 * np.arctan2(sine, q[..., :1])
    scale = np.where(sine > 1e-12, angle / np.where(sine > 1e-12, sine, 1.0), 2.0)
    return scale * q[..., 1:]


def quat_to_matrix(quat: ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4) wxyz."""
    w, x, y, z = np.moveaxis(np.asarray(quat, dtype=np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quat_from_matrix(matrix: ArrayLike) -> Array:
    """Unit quaternions (..., 4) wxyz, w >= 0, of rotation matrices (..., 3, 3)."""
    m = np.asarray(matrix, dtype=np.float64)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    # Four candidates, each exact where its own component is large: take the largest (Shepperd 1978).
    ww, xx = 1 + m00 + m11 + m22, 1 + m00 - m11 - m22
    yy, zz = 1 - m00 + m11 - m22, 1 - m00 - m11 + m22
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    candidates = np.stack(
        [
            np.stack([ww, a, b, c], axis=-1),
            np.stack([a, xx, d, e], axis=-1),
            np.stack([b, d, yy, f], axis=-1),
            np.stack([c, e, f, zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.argmax(np.stack([ww, xx, yy, zz], axis=-1), axis=-1)
    q = np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :]
    q = quat_normalize(q)
    return np.where(q[..., :1] < 0.0, -q, q)


def rotation_angle(left: ArrayLike, right: ArrayLike) -> Array:
    """Geodesic angle [rad], in [0, pi], between unit quaternions (..., 4) wxyz."""
    relative = quat_multiply(quat_conjugate(left), right)
    return 2.0 * np.arctan2(np.linalg.norm(relative[..., 1:], axis=-1), np.abs(relative[..., 0]))


def align_hemispheres(quats: ArrayLike) -> Array:
    """Flip signs along axis -2 of (..., n, 4) so that neighbouring quaternions are never opposite."""
    q = np.asarray(quats, dtype=np.float64)
    dots = np.sum(q[..., 1:, :] * q[..., :-1, :], axis=-1)
    signs = np.cumprod(np.where(dots < 0.0, -1.0, 1.0), axis=-1)
    first = np.ones((*signs.shape[:-1], 1))
    return q * np.concatenate([first, signs], axis=-1)[..., None]


def interpolate_pose(start: ArrayLike, end: ArrayLike, fraction: ArrayLike) -> Array:
    """Blend poses (..., 7): positions linearly, orientations by the normalized shorter way."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    s = np.asarray(fraction, dtype=np.float64)[..., None]
    sign = np.where(np.sum(a[..., 3:] * b[..., 3:], axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    position = (1.0 - s) * a[..., :3] + s * b[..., :3]
    quat = quat_normalize((1.0 - s) * a[..., 3:] + s * sign * b[..., 3:])
    return np.concatenate([position, quat], axis=-1)


def compose(parent: ArrayLike, child: ArrayLike) -> Array:
    """Pose (..., 7) of `child`, given in the frame of `parent`, in the frame where `parent` is given."""
    a, b = np.asarray(parent, dtype=np.float64), np.asarray(child, dtype=np.float64)
    position = a[..., :3] + quat_rotate(a[..., 3:], b[..., :3])
    return np.concatenate([position, quat_multiply(a[..., 3:], b[..., 3:])], axis=-1)


def invert(pose: ArrayLike) -> Array:
    """Inverse of poses (..., 7)."""
    p = np.asarray(pose, dtype=np.float64)
    inverse = quat_conjugate(p[..., 3:])
    return np.concatenate([-quat_rotate(inverse, p[..., :3]), inverse], axis=-1)


def is_valid_pose(pose: ArrayLike, *, norm_tolerance: float = 1e-2) -> bool:
    """Tell whether a pose (7,) is finite and its quaternion is of unit length within the tolerance."""
    p = np.asarray(pose, dtype=np.float64)
    return p.shape == (7,) and bool(np.isfinite(p).all()) and abs(float(np.linalg.norm(p[3:])) - 1.0) <= norm_tolerance
