"""A known case of the limits: arms that are led to every kind of border, and where they come to stand."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.robot.obstacles import Box, Rod
from teletwin.robot.ur3e import HOME_Q
from teletwin.twin.limits.limiter import BatchLimiter

_TICKS = 600
OBSTACLES = (
    Box(name="box", center=np.array([-0.35, 0.25, 0.2]), rotation=np.eye(3), half_size=np.array([0.1, 0.05, 0.1])),
    Rod(name="post", a=np.array([-0.3, -0.35, 0.0]), b=np.array([-0.3, -0.35, 0.4]), radius=0.03),
)
_WANTED = np.array(
    [
        [0.0, -0.3, 1.4, -2.3, -1.57, 0.0],  # the table
        [0.0, -0.55, 0.1, -1.57, 0.3, 0.0],  # the workspace's ball
        [0.0, -1.2, 2.9, -1.77, -1.57, 0.0],  # the arm itself
        [-1.2, -1.2, 1.4, -1.77, -1.57, 0.0],  # the box
        [0.7, -1.2, 1.4, -1.77, -1.57, 0.0],  # the post
        [0.0, -1.2, 1.4, -1.77, -1.57, 6.5],  # the end of a joint's range
    ]
)
"""Desired joints (6, 6) [rad] of six arms that begin at home."""

LIMITED_JOINTS = np.array(
    [
        [0.0, -0.5452739636, 1.3379801097, -2.3122270545, -1.5699734536, -8.555e-07, 85.0],
        [0.0, -0.570577651, 1.4612789488, -1.5563623141, 0.2765194733, 0.0, 86.0],
        [0.0, -1.2, 2.6202479487, -1.7628507247, -1.57, 0.0, 29.0],
        [-0.7138653558, -1.2216599285, 1.4085898077, -1.7638288831, -1.5618029821, -0.0002228407, 71.0],
        [0.3994174076, -1.2198903405, 1.4045075571, -1.7692566002, -1.5722218854, 5.00882e-05, 82.0],
        [0.0, -1.2, 1.4, -1.77, -1.57, 6.2163392532, 2.0],
    ]
)
"""What `limited_joints` gives; the unit tests hold it against clearances that are computed without warp."""


def limited_joints() -> Array:
    """Joints (6, 6) [rad] of the arms after a while, and what holds each back, a number, as a seventh column."""
    limiter = BatchLimiter(batch=len(_WANTED), obstacles=OBSTACLES)
    limiter.reset(HOME_Q)
    limiter.state.tool_speed_cap.fill_(1.0)
    limiter.state.desired.numpy()[:] = _WANTED
    for _ in range(_TICKS):
        limiter.tick()
    return np.column_stack([limiter.state.command.numpy(), limiter.state.reason.numpy()])
