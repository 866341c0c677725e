"""A leader arm: its servos' angles are taken for the UR3e's joints, and the UR3e's tool is the hand."""

from __future__ import annotations

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.geometry import Array, quat_conjugate, quat_multiply, quat_rotate
from teletwin.hand.devices import DeviceLostError, Placement
from teletwin.hand.devices.leader_file import LeaderFile
from teletwin.hand.devices.servo_bus import SdkBus, ServoBus
from teletwin.robot.ur3e import tool_pose_in_ur_base

_LOST_NS = 200 * NS_PER_MS
_REST_RAD = 0.002
"""Changes up to this are a servo between two ticks (0.0015 rad each), not motion."""
_SPEED_MAX_RAD_S = 12.0
"""A joint that turned faster was misread."""
_SLACK_RAD = 0.05


class Leader:
    """A leader arm on a serial bus. Without a clutch in its file the tool follows it always."""

    name = "leader arm"

    def __init__(self, file: LeaderFile, *, hand_to_base: Array, bus: ServoBus | None = None) -> None:
        """Args: the file; hand_to_base, rotation wxyz of the hand's axes into the UR base; a bus to read instead."""
        self._file = file
        self._to_hand = quat_conjugate(hand_to_base)
        self._bus = bus or SdkBus(file.bus, file.port, file.baud_rate, file.servo_ids())
        self._q: Array | None = None
        self._pose: Array | None = None
        self._heard_ns = 0
        self.misread_count = 0

    def open(self) -> None:
        """Open the bus; see HandDevice."""
        self._bus.open()
        self._q, self._heard_ns = None, 0

    def read(self, now_ns: int) -> Placement | None:
        """Where the UR3e's tool would be, in the hand's axes."""
        ticks = self._bus.ticks()
        if ticks is None:
            self._heard_ns = self._heard_ns or now_ns
            if now_ns - self._heard_ns > _LOST_NS:
                raise DeviceLostError("it does not answer")
            return None
        q, pose = self._angles(ticks), self._pose
        most_rad = _SPEED_MAX_RAD_S * (now_ns - self._heard_ns) / NS_PER_S + _SLACK_RAD
        if self._q is not None and np.abs(q - self._q).max() > most_rad:
            self.misread_count += 1
            self._q = None  # twice the same is believed
            return None
        self._heard_ns = now_ns
        if self._q is None or pose is None or np.abs(q - self._q).max() > _REST_RAD:
            self._q = q
            self._pose = pose = self._hand_pose(q)
        return Placement(pose, self._is_closed(ticks), now_ns)

    def close(self) -> None:
        """Let the bus go."""
        self._bus.close()

    def _angles(self, ticks: dict[int, int]) -> Array:
        joints = self._file.joints
        return np.array([j.zero_rad if j.servo_id is None else j.angle(ticks[j.servo_id]) for j in joints])

    def _is_closed(self, ticks: dict[int, int]) -> bool:
        clutch = self._file.clutch
        return clutch is None or ticks[clutch.servo_id] < clutch.closed_below_ticks

    def _hand_pose(self, q: Array) -> Array:
        """The tool (7,) seen in the hand's axes; the place of their origin does not count."""
        tool = tool_pose_in_ur_base(q)
        return np.concatenate([quat_rotate(self._to_hand, tool[:3]), quat_multiply(self._to_hand, tool[3:])])
