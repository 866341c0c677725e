"""How set-points are numbered on their way to a controller, so that its program can tell a new one from an old one.

`servoJ` of ur_rtde carries a speed and an acceleration that servoj does not use: the speed carries the number.
"""

from __future__ import annotations

_COUNT = 3000
_UNIT = 1e-3
"""ur_rtde takes speeds up to 3.14 rad/s."""
BRIDGE_REGISTER = 12
"""Output integer register in which a program tells, by 1, that it drops set-points and brings the arm to rest."""
WATCHDOG_ENDED = 2
"""What stands there after the virtual controller's watchdog has ended a program; a UR leaves the register alone."""
_EARLY = 0.1
"""A set-point that comes earlier by this share of a period counts for the next."""


class SetPointTimes:
    """Tells the periods between set-points, and when each was due, from when they are made.

    Ticks come late by a part of a period, not early: the earliest tell where the periods begin.
    """

    def __init__(self, *, period_ns: int) -> None:
        self._period_ns = period_ns
        self.due_ns: int | None = None
        """When the newest was due [ns]; None before the first."""

    def next(self, now_ns: int) -> int:
        """Take a set-point that is made now; the periods since the one before, 1 at least."""
        if self.due_ns is None:
            self.due_ns = now_ns
            return 1
        periods = max(1, int((now_ns - self.due_ns) / self._period_ns + _EARLY))
        self.due_ns = min(self.due_ns + periods * self._period_ns, now_ns)
        return periods


def speed_of(number: int) -> float:
    """The speed [rad/s] that stands for set-point `number`."""
    return number % _COUNT * _UNIT


def periods_between(before: float | None, after: float) -> int:
    """How many periods lie between two set-points, by their speeds [rad/s]; 0: they are the same."""
    if before is None:
        return 0
    return round((after - before) / _UNIT) % _COUNT
