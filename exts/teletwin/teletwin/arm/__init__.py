"""The arm: a virtual UR3e controller, and the RTDE client that drives it or a real one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from teletwin.geometry import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredJoints:
    """What the controller reports."""

    t_ns: int
    """When it was read, arm host's clock."""
    q: Array
    qd: Array
    fault: str = ""
    """Protective or emergency stop, lost connection: in words; empty when ready."""


class Arm(Protocol):
    """A robot that takes joint set-points at the servo rate. A context manager: enter connects."""

    refused_count: int
    """Set-points that were not sent: not finite, or the arm is stopped."""

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
