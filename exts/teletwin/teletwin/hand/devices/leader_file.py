"""The file that says how a leader arm's servos stand for the UR3e's joints; JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin.bounded import read_json
from teletwin.errors import ConfigError
from teletwin.robot.ur3e import JOINT_NAMES

TICKS = 4096
"""Ticks of a whole turn, for the servos of both makers."""
BUSES = ("feetech", "dynamixel")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderJoint:
    """One joint of the UR3e: followed from a servo, or fixed where the leader has none."""

    servo_id: int | None
    zero_ticks: int = TICKS // 2
    """Ticks at which the joint is at zero_rad."""
    sign: int = 1
    zero_rad: float = 0.0

    def angle(self, ticks: int) -> float:
        """Joint angle [rad] at these ticks."""
        return self.zero_rad + self.sign * (ticks - self.zero_ticks) * (2.0 * math.pi / TICKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderClutch:
    """A servo, the gripper's as a rule, that closes the clutch."""

    servo_id: int
    closed_below_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderFile:
    """A leader arm."""

    bus: str
    port: str
    baud_rate: int
    joints: tuple[LeaderJoint, ...]
    """In the UR3e's order."""
    clutch: LeaderClutch | None = None

    def servo_ids(self) -> tuple[int, ...]:
        """Every servo that is read."""
        ids = [joint.servo_id for joint in self.joints if joint.servo_id is not None]
        return (*ids, *([self.clutch.servo_id] if self.clutch is not None else []))


def read_leader_file(path: str | Path) -> LeaderFile:
    """Read and check the file.

    Raises:
        ConfigError: It cannot be read or does not describe a leader arm; says where and what is allowed.
    """
    try:
        values: Any = read_json(Path(path))
    except (OSError, ValueError) as error:
        raise ConfigError("the leader's calibration cannot be read", given=f"{path} ({error})") from None
    if not isinstance(values, dict) or not isinstance(values.get("joints"), dict):
        raise ConfigError("not a leader's calibration", given=path, allowed="bus, port, joints; see docs/hands.md")
    if values.get("bus") not in BUSES:
        raise ConfigError(f"{path}: bus is unknown", given=values.get("bus"), allowed=", ".join(BUSES))
    joints = values["joints"]
    if sorted(joints) != sorted(JOINT_NAMES):
        raise ConfigError(f"{path}: joints are not the UR3e's", given=", ".join(joints), allowed=", ".join(JOINT_NAMES))
    clutch = values.get("clutch")
    leader = LeaderFile(
        bus=values["bus"],
        port=str(values.get("port", "/dev/ttyACM0")),
        baud_rate=_whole(path, "baud_rate", values.get("baud_rate", 1_000_000), 9_600, 4_500_000),
        joints=tuple(_joint(path, name, joints[name]) for name in JOINT_NAMES),
        clutch=None if clutch is None else _clutch(path, clutch),
    )
    ids = leader.servo_ids()
    if not ids or len(set(ids)) != len(ids):
        raise ConfigError(f"{path}: servo ids are missing or stand twice", given=ids, allowed="one id a joint")
    return leader


def _joint(path: str | Path, name: str, values: Any) -> LeaderJoint:
    where = f"joints.{name}"
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: {where} cannot be read", given=values, allowed="an object")
    if "fixed_rad" in values:
        return LeaderJoint(servo_id=None, zero_rad=_number(path, f"{where}.fixed_rad", values["fixed_rad"]))
    sign = values.get("sign", 1)
    if sign not in (1, -1):
        raise ConfigError(f"{path}: {where}.sign is no sign", given=sign, allowed="1, -1")
    return LeaderJoint(
        servo_id=_whole(path, f"{where}.id", values.get("id"), 0, 252),
        zero_ticks=_whole(path, f"{where}.zero_ticks", values.get("zero_ticks", TICKS // 2), -TICKS, 2 * TICKS),
        sign=int(sign),
        zero_rad=_number(path, f"{where}.zero_rad", values.get("zero_rad", 0.0)),
    )


def _clutch(path: str | Path, values: Any) -> LeaderClutch:
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: clutch cannot be read", given=values, allowed="an object")
    below = _whole(path, "clutch.closed_below_ticks", values.get("closed_below_ticks"), 0, TICKS)
    return LeaderClutch(servo_id=_whole(path, "clutch.id", values.get("id"), 0, 252), closed_below_ticks=below)


def _whole(path: str | Path, name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{path}: {name} is out of range", given=value, allowed=f"{least} ... {most}")
    return value


def _number(path: str | Path, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 2.0 * math.pi:
        raise ConfigError(f"{path}: {name} is out of range", given=value, allowed="-2 pi ... 2 pi rad")
    return float(value)
