"""The arm: one that is simulated in its role's process, a UR controller over RTDE, or a controller of ros2_control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from teletwin.errors import ConfigError
from teletwin.geometry import Array

ARMS: Mapping[str, str] = {"simulated": "", "rtde": "", "ros2": "rosbags"}
"""What can stand behind the arm role by name, and the package that it takes beside the usual ones."""
NO_PROGRAM = "the robot's control program is not running: clear to start it"
"""The fault of an arm whose program ended: by a person, by a stop, or by the controller's watchdog."""
WATCHDOG_S = 0.25
"""Silence of the arm's role after which the controller ends the control program [s]."""
VIRTUAL_WATCHDOG_S = 5.0
"""The same of the virtual controller in a session on one computer [s]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredJoints:
    """What the controller reports."""

    t_ns: int
    """When the report came, arm host's clock."""
    q: Array
    qd: Array
    fault: str = ""
    """Protective or emergency stop, lost connection: in words; empty when ready."""


class Arm(Protocol):
    """A robot that takes joint set-points at the servo rate. A context manager: enter connects."""

    refused_count: int
    """Set-points that were not sent: not finite, or the arm is stopped."""

    @property
    def busy(self) -> bool:
        """True while set-points are dropped: the arm is being stopped, or a fault is being cleared."""
        ...

    def state(self) -> MeasuredJoints:
        """The newest measured joints; never blocks on the network."""
        ...

    def servo(self, q: Array) -> None:
        """Send one set-point [rad] (6,); called every servo tick once engaged."""
        ...

    def stop(self) -> None:
        """Bring the arm to rest; set-points may follow again later."""
        ...

    def __enter__(self) -> Arm: ...

    def __exit__(self, *exc: object) -> None: ...


class ClearableArm(Arm, Protocol):
    """An arm whose controller may stop it."""

    def clear_fault(self) -> None:
        """A person says that the arm may move again."""
        ...

    def __enter__(self) -> ClearableArm: ...


def arm_of(text: str) -> tuple[str, str]:
    """'ros2:controller' as ('ros2', 'controller'), 'rtde' as ('rtde', '').

    Raises:
        ConfigError: No such arm, or no such controller.
    """
    name, _, controller = text.partition(":")
    if name not in ARMS or (controller and name != "ros2"):
        raise ConfigError("unknown robot", given=text, allowed="simulated, rtde, ros2, ros2:CONTROLLER")
    if controller:
        from teletwin.arm.ros2_controllers import controller_of

        controller_of(controller)
    return name, controller
