# isaac: 6.0
"""A motion controller in OpenXR as the operator's hand, by Isaac Sim 6.0's teleoperation extension; off by default.

For an operator who wears a headset at the machine of Isaac Sim. The controller's aim pose in OpenXR's axes (x right,
y up, z towards the viewer) is what the page sends as a hand; its squeeze closes the clutch. Isaac's extension finds
the headset through `isaacteleop` (CloudXR, Linux x86_64), and tells every update what the controllers do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from teletwin.clock import Clock
from teletwin.errors import ConfigError, MissingPartError
from teletwin.hand.browser import HandInput

SIDES = ("left", "right")
CLOSE_AT, OPEN_AT = 0.6, 0.4
"""Squeeze at which the clutch closes and opens; apart, so that a trembling finger does neither."""
_VIEWER = -1


class OpenXrHand:
    """Feeds one controller to `put`; lives between `open` and `close`."""

    def __init__(self, put: Callable[[HandInput], bool], clock: Clock, *, side: str = "right") -> None:
        if side not in SIDES:
            raise ConfigError("a hand of no side", given=side, allowed=", ".join(SIDES))
        self._put, self._clock, self._side = put, clock, SIDES.index(side)
        self._manager: Any = None
        self._seq = 0
        self._closed = False
        self.lost_count = 0
        """Updates without a tracked controller."""

    def open(self) -> None:
        """Connect to the headset.

        Raises:
            MissingPartError: This Isaac Sim has no teleoperation extension, or no headset answers.
        """
        try:
            from isaacsim.replicator.teleop import TeleopManager
        except ImportError as error:
            raise MissingPartError(
                "OpenXR hands are not there",
                given=error,
                allowed="Isaac Sim 6.0",
                mend="enable the extension isaacsim.replicator.teleop, or use the page's own VR button",
            ) from error
        manager = TeleopManager()
        manager.add_controller_inputs_observer(self.take)
        if not manager.connect():
            manager.destroy()
            raise MissingPartError(
                "no OpenXR session",
                mend="start `python -m isaacteleop.cloudxr` and connect the headset, then try again",
            )
        self._manager = manager

    def take(self, left: Any, right: Any) -> None:
        """One update's controllers, each None when it is not tracked; a lost one opens the clutch."""
        controller = (left, right)[self._side]
        aim = getattr(controller, "aim_pose", None)
        if aim is None or not aim.is_valid or aim.pose is None:
            self.lost_count += 1
            self._closed = False
            return
        squeeze = float(controller.inputs.squeeze_value)
        self._closed = squeeze >= (OPEN_AT if self._closed else CLOSE_AT)
        position, turn = aim.pose.position, aim.pose.orientation
        pose = np.array([position.x, position.y, position.z, turn.w, turn.x, turn.y, turn.z], dtype=np.float64)
        self._seq += 1
        now_ns = self._clock.now_ns()
        self._put(
            HandInput(seq=self._seq, t_ns=now_ns, pose=pose, clutch=self._closed, device="openxr", viewer=_VIEWER)
        )

    def close(self) -> None:
        """Disconnect and leave nothing behind."""
        manager, self._manager = self._manager, None
        if manager is not None:
            manager.remove_controller_inputs_observer(self.take)
            manager.disconnect()
            manager.destroy()
