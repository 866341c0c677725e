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
        [0.0, -0.5466348738, 1.3398817093, -2.3103288002, -1.5699787564, -7.182e-07, 85.0],
        [0.0, -0.5711164184, 1.4625417243, -1.5583851058, 0.2781451914, 0.0, 86.0],
        [0.0, -1.2, 2.620091104, -1.764288796, -1.57, 0.0, 29.0],
        [-0.7127384661, -1.2196678758, 1.406857188, -1.7650866256, -1.563450681, -0.0001778371, 71.0],
        [0.3988276434, -1.2173576104, 1.4034732471, -1.7694874066, -1.5715955188, 3.82737e-05, 82.0],
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
