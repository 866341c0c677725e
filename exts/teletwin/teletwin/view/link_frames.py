"""Where the links of the pictured arms are."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.robot.kinematics import joint_frames
from teletwin.robot.ur3e import load_ur3e

BASE_TURN = np.array([-1.0, -1.0, 1.0])
"""URDF base_link to UR base: half a turn about z, as robot/frames.py has it for poses."""
_LINKS = ("base_link_inertia", *(f"{name}_link" for name in ("shoulder", "upper_arm", "forearm")))
_LINKS += tuple(f"wrist_{number}_link" for number in (1, 2, 3))


def links_named(reason: str) -> tuple[int, ...]:
    """Numbers of the links, 0 the base ... 6 wrist 3, that a text like "wrist 3 to upper arm" names."""
    return tuple(_LINKS.index(link) for link in load_ur3e().bodies.named_in(reason))


def link_frames(q: Array) -> Array:
    """Homogeneous matrices (..., 7, 4, 4) of the links base, shoulder ... wrist_3 at q (..., 6), UR base frame."""
    origins, rotations = joint_frames(load_ur3e().chain, q)
    frames = np.zeros((*q.shape[:-1], 7, 4, 4))
    frames[..., :, 3, 3] = 1.0
    frames[..., 0, :3, :3] = np.eye(3)
    frames[..., 1:, :3, :3] = BASE_TURN[:, None] * rotations
    frames[..., 1:, :3, 3] = BASE_TURN * origins
    return frames
