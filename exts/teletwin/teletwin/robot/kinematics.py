"""Forward kinematics and Jacobians on arrays of joint vectors, in numpy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from teletwin.geometry import Array, quat_from_matrix
from teletwin.robot.chain import SerialChain


def axis_rotation(axis: ArrayLike, angle: ArrayLike) -> Array:
    """Rotation matrices (..., 3, 3) about a unit axis (3,) by angles (...) [rad] (Rodrigues)."""
    x, y, z = np.asarray(axis, dtype=np.float64)
    angle = np.asarray(angle, dtype=np.float64)[..., None, None]
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + np.sin(angle) * skew + (1.0 - np.cos(angle)) * (skew @ skew)


def joint_frames(chain: SerialChain, q: Array) -> tuple[Array, Array]:
    """Origins (..., n, 3) [m] and axes (..., n, 3, 3) of every joint frame at q (..., n), in the root frame."""
    q = chain.check_q(q)
    origins = np.zeros((*q.shape, 3))
    rotations = np.zeros((*q.shape, 3, 3))
    for i in chain.order:
        parent = chain.parents[i]
        origin, rotation = chain.translations[i], chain.rotations[i]
        if parent >= 0:
            origin = origins[..., parent, :] + rotations[..., parent, :, :] @ origin
            rotation = rotations[..., parent, :, :] @ rotation
        if chain.prismatic[i]:
            origins[..., i, :] = origin + q[..., i, None] * (rotation @ chain.axes[i])
            rotations[..., i, :, :] = rotation
        else:
            origins[..., i, :] = origin
            rotations[..., i, :, :] = rotation @ axis_rotation(chain.axes[i], q[..., i])
    return origins, rotations


def _place(chain: SerialChain, frame: str, origins: Array, rotations: Array) -> tuple[Array, Array]:
    offset = chain.frame(frame)
    lead = origins.shape[:-2]
    if offset.joint < 0:
        return np.broadcast_to(offset.translation, (*lead, 3)), np.broadcast_to(offset.rotation, (*lead, 3, 3))
    carrier = rotations[..., offset.joint, :, :]
    return origins[..., offset.joint, :] + carrier @ offset.translation, carrier @ offset.rotation


def link_frames(chain: SerialChain, q: Array, links: Iterable[str]) -> dict[str, tuple[Array, Array]]:
    """Origins (..., 3) [m] and axes (..., 3, 3) of several links at q (..., n), in the root frame."""
    origins, rotations = joint_frames(chain, q)
    return {link: _place(chain, link, origins, rotations) for link in links}


def forward(chain: SerialChain, q: Array, frame: str) -> Array:
    """Poses (..., 7) of a frame at joint positions q (..., n) [rad or m], in the URDF's root frame."""
    origin, rotation = _place(chain, frame, *joint_frames(chain, q))
    return np.concatenate([origin, quat_from_matrix(rotation)], axis=-1)


def jacobian(chain: SerialChain, q: Array, frame: str) -> Array:
    """Geometric Jacobians (..., 6, n) of a frame's origin, linear rows first, in the URDF's root frame."""
    q = chain.check_q(q)
    origins, rotations = joint_frames(chain, q)
    point, _ = _place(chain, frame, origins, rotations)
    out = np.zeros((*q.shape[:-1], 6, chain.joint_count))
    for i in chain.ancestors(chain.frame(frame).joint):
        axis = rotations[..., i, :, :] @ chain.axes[i]
        if chain.prismatic[i]:
            out[..., :3, i] = axis
        else:
            out[..., :3, i] = np.cross(axis, point - origins[..., i, :])
            out[..., 3:, i] = axis
    return out
