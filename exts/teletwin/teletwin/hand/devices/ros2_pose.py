"""A hand from a topic of geometry_msgs/PoseStamped, as drivers of haptic pens publish it."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.geometry import IDENTITY_POSE, Array, is_valid_pose, quat_multiply, quat_rotate
from teletwin.hand.devices import Placement
from teletwin.ros2 import HandAxes, Ros2Cfg
from teletwin.ros2.names import dds_topic
from teletwin.ros2.participant import Ros2Participant, Subscription
from teletwin.ros2.qos import Profile
from teletwin.ros2.types import PEN_BUTTONS, POSE_STAMPED
from teletwin.sender_clock import SenderClock

_SILENT_NS = 250 * NS_PER_MS
_AHEAD_UP: Array = np.array([0.5**0.5, -(0.5**0.5), 0.0, 0.0])
_AHEAD_LEFT: Array = np.array([0.5, -0.5, 0.5, 0.5])
_TO_HAND: dict[HandAxes, tuple[Array, Array]] = {
    "touch": (IDENTITY_POSE[3:], IDENTITY_POSE[3:]),
    "rep103": (_AHEAD_LEFT, _AHEAD_LEFT),
    "omni": (_AHEAD_UP, IDENTITY_POSE[3:]),
}
"""Rotations wxyz of places and of turns from the topic's axes to the hand's (x right, y up, z towards the person)."""


class Ros2Pose:
    """The newest pose of a topic; the clutch is closed while messages come, and opens after 0.25 s of silence.

    With a button named it is closed only while that is held. Times are those of the messages' headers, mapped to our
    clock by the quickest of them; of arrival where a header tells none.
    """

    name = "ROS 2 hand"

    def __init__(self, topic: str, cfg: Ros2Cfg, clock: Clock) -> None:
        dds_topic(topic)  # refuses what is no topic, before anything starts
        self._topic, self._cfg, self._clock = topic, cfg, clock
        self._graph: Ros2Participant | None = None
        self._newest: Placement | None = None
        self._told_ns = self._heard_ns = self._stamp_ns = 0
        self._sender, self._is_held = SenderClock(), not cfg.ros2_hand_button

    def open(self) -> None:
        """Join the graph; who publishes may come later."""
        listen = Subscription(topic=self._topic, type_name=POSE_STAMPED, profile=Profile.SENSOR, on_message=self._take)
        self._graph = Ros2Participant(self._cfg, self._clock, (listen, *self._buttons()))
        self._graph.__enter__()

    def _buttons(self) -> tuple[Subscription, ...]:
        if not self._cfg.ros2_hand_button:
            return ()
        topic = f"{self._topic.rpartition('/')[0]}/button"
        return (Subscription(topic=topic, type_name=PEN_BUTTONS, profile=Profile.COMMAND, on_message=self._press),)

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
        if newest.closed and now_ns - self._heard_ns > _SILENT_NS:
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
        if not is_valid_pose(pose):
            return
        self._heard_ns = t_ns
        self._newest = Placement(pose, self._is_held, max(self._sent_ns(message.header.stamp, t_ns), self._told_ns + 1))

    def _sent_ns(self, stamp: Any, arrived_ns: int) -> int:
        """When the message was sent, by our clock; a header whose time stands still tells nothing."""
        before_ns, self._stamp_ns = self._stamp_ns, stamp.sec * NS_PER_S + stamp.nanosec
        if self._stamp_ns <= max(before_ns, 0):
            return arrived_ns
        self._sender.learn(self._stamp_ns, arrived_ns)
        return self._sender.at(self._stamp_ns, arrived_ns)

    def _press(self, message: Any, t_ns: int) -> None:
        """A button was pressed or let go: the driver tells changes alone."""
        self._is_held = bool(getattr(message, f"{self._cfg.ros2_hand_button}_button"))
        newest = self._newest
        if newest is not None and not self._is_held and newest.closed:
            self._newest = Placement(newest.pose, False, max(t_ns, newest.t_ns + 1))


def in_hand_axes(pose: Array, axes: HandAxes) -> Array:
    """A pose (7,) of a topic with these axes, in the hand's; what counts are its changes."""
    place, turn = _TO_HAND[axes]
    return np.concatenate([quat_rotate(place, pose[:3]), quat_multiply(turn, pose[3:])])
