"""Time as integer nanoseconds from an injected clock, and the pacing of loops."""

from __future__ import annotations

import time
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Source of monotonic time [ns]."""

    def now_ns(self) -> int:
        """Return the present time [ns]; never decreases."""
        ...

    def sleep_until(self, t_ns: int) -> None:
        """Return at or just after t_ns [ns]."""
        ...


class SystemClock:
    """The machine's monotonic clock, optionally shifted to imitate a host whose clock lies."""

    def __init__(self, *, offset_ns: int = 0) -> None:
        self._offset_ns = offset_ns

    def now_ns(self) -> int:
        """Return the monotonic time [ns] plus the configured offset."""
        return time.monotonic_ns() + self._offset_ns

    def sleep_until(self, t_ns: int) -> None:
        """Sleep to t_ns [ns] without spinning; return at once when it has passed."""
        remaining_ns = t_ns - self.now_ns()
        if remaining_ns > 0:
            time.sleep(remaining_ns / NS_PER_S)


def wall_age_ns(stamp_ns: int) -> int:
    """How long ago [ns] a wall-clock stamp of this machine's kernel was; 0 for one of the future."""
    return max(time.time_ns() - stamp_ns, 0)


class VirtualClock:
    """A clock that moves only when told; the whole loop runs on it in tests and studies."""

    def __init__(self, *, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the virtual time [ns]."""
        return self._now_ns

    def sleep_until(self, t_ns: int) -> None:
        """Jump to t_ns [ns]; a time in the past changes nothing."""
        self._now_ns = max(self._now_ns, t_ns)


class ShiftedClock:
    """Another host's clock: as fast as the given one, but wrong by offset_ns [ns]."""

    def __init__(self, clock: Clock, *, offset_ns: int) -> None:
        self._clock, self._offset_ns = clock, offset_ns

    def now_ns(self) -> int:
        """Return the given clock's time plus the offset [ns]."""
        return self._clock.now_ns() + self._offset_ns

    def sleep_until(self, t_ns: int) -> None:
        """Return at or just after t_ns [ns] of this clock."""
        self._clock.sleep_until(t_ns - self._offset_ns)


class Ticker:
    """Fixed-rate ticks that skip, never pile up: a late tick moves the schedule to the next slot."""

    def __init__(self, clock: Clock, *, period_ns: int) -> None:
        self._clock = clock
        self.period_ns = period_ns
        self._due_ns = clock.now_ns() + period_ns

    def wait(self) -> tuple[int, int]:
        """Sleep to the next tick; return (now [ns], how late the tick started [ns])."""
        self._clock.sleep_until(self._due_ns)
        now_ns = self._clock.now_ns()
        late_ns = now_ns - self._due_ns
        missed = late_ns // self.period_ns
        self._due_ns += (missed + 1) * self.period_ns
        return now_ns, late_ns
