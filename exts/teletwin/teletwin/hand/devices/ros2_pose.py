"""A hand from a topic of geometry_msgs/PoseStamped, as drivers of haptic pens publish it."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.clock import NS_PER_MS, Clock
from teletwin.geometry import IDENTITY_POSE, Array, is_valid_pose, quat_multiply, quat_rotate
from teletwin.hand.devices import Placement
from teletwin.ros2 import HandAxes, Ros2Cfg
from teletwin.ros2.names import dds_topic
from teletwin.ros2.participant import Ros2Participant, Subscription
from teletwin.ros2.qos import Profile
from teletwin.ros2.types import POSE_STAMPED

_SILENT_NS = 250 * NS_PER_MS
_TO_HAND: dict[HandAxes, Array] = {"touch": IDENTITY_POSE[3:], "rep103": np.array([0.5, -0.5, 0.5, 0.5])}
"""Rotations wxyz from the topic's axes to the hand's (x right, y up, z towards the person)."""


class Ros2Pose:
    """The newest pose of a topic; the clutch is closed while messages come, and opens after 0.25 s of silence.

    Times are those of arrival: the sender's clock is not known.
    """

    name = "ROS 2 hand"

    def __init__(self, topic: str, cfg: Ros2Cfg, clock: Clock) -> None:
        dds_topic(topic)  # refuses what is no topic, before anything starts
        self._topic, self._cfg, self._clock = topic, cfg, clock
        self._graph: Ros2Participant | None = None
        self._newest: Placement | None = None
        self._told_ns = 0

    def open(self) -> None:
        """Join the graph; who publishes may come later."""
        listen = Subscription(topic=self._topic, type_name=POSE_STAMPED, profile=Profile.SENSOR, on_message=self._take)
        self._graph = Ros2Participant(self._cfg, self._clock, (listen,))
        self._graph.__enter__()

    def read(self, now_ns: int) -> Placement | None:
        """The newest pose, once; then once that it went silent."""
        assert self._graph is not None
        self._graph.spin()
        newest = self._newest
        if newest is None:
            return None
        if newest.t_ns > self._told_ns:
            self._told_ns = newest.t_ns
            return newest
        if newest.closed and now_ns - newest.t_ns > _SILENT_NS:
            self._newest = Placement(newest.pose, False, newest.t_ns)
            return Placement(newest.pose, False, now_ns)
        return None

    def close(self) -> None:
        """Leave the graph."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.__exit__()

    def _take(self, message: Any, t_ns: int) -> None:
        at, turn = message.pose.position, message.pose.orientation
        pose = in_hand_axes(np.array([at.x, at.y, at.z, turn.w, turn.x, turn.y, turn.z]), self._cfg.ros2_hand_axes)
        if is_valid_pose(pose):
            self._newest = Placement(pose, True, t_ns)


def in_hand_axes(pose: Array, axes: HandAxes) -> Array:
    """A pose (7,) of a topic with these axes, in the hand's; what counts are its changes."""
    frame = _TO_HAND[axes]
    return np.concatenate([quat_rotate(frame, pose[:3]), quat_multiply(frame, pose[3:])])
