"""Joint states out, a hand's pose in, over ROS 2 by Isaac Sim's bridge; off by default.

The bridge brings Kit's own rclpy; ROS 2 (Humble or Jazzy) is sourced, or its bundled libraries are named, before
Isaac Sim starts. One node, served once an update without waiting. ROS quaternions are xyzw, ours wxyz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import ConfigError, MissingPartError
from teletwin.geometry import Array
from teletwin.hand.browser import HandInput
from teletwin.robot.ur3e import JOINT_NAMES

EXTENSION = "isaacsim.ros2.bridge"
_VIEWER = -2
_SPIN_MAX = 16


@dataclass(frozen=True, kw_only=True)
class Ros2Cfg:
    """Names on the ROS 2 side."""

    node: str = "teletwin"
    joint_topic: str = "teletwin/joint_states"
    """sensor_msgs/JointState of the shown arm."""
    hand_topic: str = "teletwin/hand_pose"
    """geometry_msgs/PoseStamped of the hand, axes x right, y up, z towards the operator; the clutch is closed
    while messages come."""
    silence_s: float = 0.25
    """Without a hand for this long the clutch opens [s]."""

    def __post_init__(self) -> None:
        if not 0.02 <= self.silence_s <= 5.0:
            raise ConfigError("silence_s cannot be used", given=self.silence_s, allowed="0.02 to 5 s")


class Ros2Bridge:
    """One node; lives between `open` and `close`."""

    def __init__(self, put: Callable[[HandInput], bool], clock: Clock, cfg: Ros2Cfg | None = None) -> None:
        self._put, self._clock, self._cfg = put, clock, cfg or Ros2Cfg()
        self._ros: Any = None
        self._node: Any = None
        self._joints: Any = None
        self._joint_state: Any = None
        self._newest: HandInput | None = None
        self._seq = 0
        self._owns_ros = False

    def open(self) -> None:
        """Enable Isaac's bridge and make the node.

        Raises:
            MissingPartError: The bridge or ROS 2's libraries are not there.
        """
        try:
            application: Any = import_module("omni.kit.app").get_app()
            application.get_extension_manager().set_extension_enabled_immediate(EXTENSION, True)
            ros: Any = import_module("rclpy")
            self._joint_state = import_module("sensor_msgs.msg").JointState
            pose_stamped = import_module("geometry_msgs.msg").PoseStamped
        except ImportError as error:
            raise MissingPartError(
                "ROS 2 is not there", given=error, mend="source ROS 2 Humble or Jazzy before starting Isaac Sim"
            ) from error
        self._owns_ros = not ros.ok()
        if self._owns_ros:
            ros.init()
        self._ros, self._node = ros, ros.create_node(self._cfg.node)
        self._joints = self._node.create_publisher(self._joint_state, self._cfg.joint_topic, 10)
        self._node.create_subscription(pose_stamped, self._cfg.hand_topic, self._take, 10)

    def update(self, q: Array, qd: Array) -> None:
        """Once an update: tell joints q (6,) [rad] and qd (6,) [rad/s]; take what came, wait for nothing."""
        message = self._joint_state()
        now_ns = self._clock.now_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now_ns, NS_PER_S)
        message.name = list(JOINT_NAMES)
        message.position, message.velocity = [float(v) for v in q], [float(v) for v in qd]
        self._joints.publish(message)
        before = -1
        for _ in range(_SPIN_MAX):  # spin_once serves one message
            if before == self._seq:
                break
            before = self._seq
            self._ros.spin_once(self._node, timeout_sec=0.0)
        self._open_when_silent(now_ns)

    def _take(self, message: Any) -> None:
        """A hand's pose; time is this machine's, the sender's clock is not known."""
        position, turn = message.pose.position, message.pose.orientation
        pose = np.array([position.x, position.y, position.z, turn.w, turn.x, turn.y, turn.z], dtype=np.float64)
        self._say(pose, closed=True)

    def _open_when_silent(self, now_ns: int) -> None:
        newest = self._newest
        if newest is not None and newest.clutch and now_ns - newest.t_ns > self._cfg.silence_s * NS_PER_S:
            self._say(newest.pose, closed=False)

    def _say(self, pose: Array, *, closed: bool) -> None:
        self._seq += 1
        now_ns = self._clock.now_ns()
        self._newest = HandInput(seq=self._seq, t_ns=now_ns, pose=pose, clutch=closed, device="ros2", viewer=_VIEWER)
        self._put(self._newest)

    def close(self) -> None:
        """Take the node away, and ROS 2 with it when it was started here."""
        node, self._node = self._node, None
        if node is not None:
            node.destroy_node()
            if self._owns_ros:
                self._ros.shutdown()
