"""Hands on the operator's own host: each device says how it is pushed, or where it is; the rest is common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from teletwin.errors import ConfigError, TeletwinError
from teletwin.geometry import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCfg:
    """How a device on the operator's host moves the hand."""

    device_speed_m_s: float = 0.25
    """Speed of the hand at full deflection (SpaceMouse, gamepad) [m/s]."""
    device_turn_rad_s: float = 1.2
    """Turn rate of the hand at full deflection (SpaceMouse, gamepad) [rad/s]."""
    device_dead_zone: float = 0.12
    """Share of the deflection that counts as rest (SpaceMouse, gamepad), 0 ... 0.5."""

    def __post_init__(self) -> None:
        """Refuse what no hand does."""
        limits = {"device_speed_m_s": (0.01, 1.0), "device_turn_rad_s": (0.05, 5.0), "device_dead_zone": (0.0, 0.5)}
        for name, (least, most) in limits.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise ConfigError(f"{name} is out of range", given=value, allowed=f"{least:g} ... {most:g}")


class Deflection(NamedTuple):
    """How far a device is pushed in the hand's axes (x right, y up, z towards the person), each -1 ... 1."""

    move: tuple[float, float, float]
    turn: tuple[float, float, float]
    """Right-handed about the same axes."""


class Placement(NamedTuple):
    """Where a device is."""

    pose: Array
    """(7,) in the hand's axes; only its changes count."""
    closed: bool
    """Whether the tool shall follow."""
    t_ns: int
    """When it was there, own clock."""


class HandDevice(Protocol):
    """One device. It is opened and read by one thread of its own, so that it may wait a little."""

    name: str

    def open(self) -> None:
        """Find it.

        Raises:
            DeviceLostError: It is not there; says what to look at.
            MissingPartError: Its library is not installed.
        """
        ...

    def read(self, now_ns: int) -> Deflection | Placement | None:
        """What it says now; None when nothing new.

        Raises:
            DeviceLostError: It is gone.
        """
        ...

    def close(self) -> None:
        """Let it go; it may be opened again."""
        ...


class DeviceLostError(TeletwinError):
    """A device that is not there, or not any more."""


DEVICES: Mapping[str, tuple[str, str]] = {
    "spacemouse": ("pyspacemouse", "hands"),
    "gamepad": ("pygame", "hands"),
    "leader": ("", "hands"),
    "ros2": ("rosbags", "ros2"),
}
"""Hands on the operator's host by name: the package that each takes, and the extra that brings it."""


LABELS: Mapping[str, str] = {
    "spacemouse": "SpaceMouse",
    "gamepad": "Gamepad",
    "leader": "Leader arm",
    "ros2": "ROS 2 topic",
}
"""What a person calls them."""


def device_of(hand: str) -> tuple[str, str] | None:
    """'leader:file.json' as ('leader', 'file.json'); None when the hand is no device.

    Raises:
        ConfigError: The device wants something after the colon that is not there, or nothing and something is.
    """
    name, _, rest = hand.partition(":")
    if name not in DEVICES:
        return None
    wanted = {"leader": "leader:CALIBRATION.json", "ros2": "ros2:/topic"}.get(name, name)
    if bool(rest) != (":" in wanted):
        raise ConfigError("a hand is not named so", given=hand, allowed=wanted)
    return name, rest
