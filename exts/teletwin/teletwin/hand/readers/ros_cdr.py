"""Stamped poses out of ROS 2 messages in CDR (OMG DDS-XTYPES 7.4, plain CDR version 1); nothing of ROS is needed."""

from __future__ import annotations

import struct

ROS_POSES = {
    "geometry_msgs/msg/PoseStamped": False,
    "geometry_msgs/msg/PoseWithCovarianceStamped": False,
    "geometry_msgs/msg/TransformStamped": True,
    "nav_msgs/msg/Odometry": True,
}
"""Types read here; True where a second frame name stands before the pose."""

StampedPose = tuple[int, list[float]]
"""Time [ns] and x, y, z [m], qw, qx, qy, qz."""


def decode_ros_pose(schema: str, data: bytes) -> StampedPose:
    """Decode a message of one of ROS_POSES.

    Raises:
        ValueError: Not plain CDR, or too short.
    """
    if len(data) < 12 or data[0] != 0 or data[1] not in (0, 1):
        raise ValueError("not plain CDR")
    order = "<" if data[1] else ">"
    body = memoryview(data)[4:]  # alignment counts from behind the encapsulation header
    try:
        seconds, nanoseconds = struct.unpack_from(f"{order}iI", body, 0)
        offset = _after_string(body, 8, order)
        if ROS_POSES[schema]:
            offset = _after_string(body, offset, order)
        x, y, z, qx, qy, qz, qw = struct.unpack_from(f"{order}7d", body, -(-offset // 8) * 8)
    except struct.error as error:
        raise ValueError("the message is too short") from error
    return seconds * 1_000_000_000 + nanoseconds, [x, y, z, qw, qx, qy, qz]


def _after_string(body: memoryview, offset: int, order: str) -> int:
    """Where the data go on after a string at `offset`."""
    offset = -(-offset // 4) * 4
    (length,) = struct.unpack_from(f"{order}I", body, offset)
    return offset + 4 + length
