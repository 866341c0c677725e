"""Time as integer nanoseconds from an injected clock, and the pacing of loops."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

_LEAST_TICK_S, _MOST_TICK_S = 1e-4, 0.02


class Clock(Protocol):
    """Source of monotonic time [ns]."""

    def now_ns(self) -> int:
        """Return the present time [ns]; never decreases."""
        ...

    def sleep_until(self, t_ns: int) -> None:
        """Return at or just after t_ns [ns]."""
        ...


class SystemClock:
    """The machine's monotonic clock, optionally shifted and too fast, to imitate a host whose clock lies."""

    def __init__(self, *, offset_ns: int = 0, drift_ppm: float = 0.0) -> None:
        self._offset_ns, self._drift = offset_ns, 1e-6 * drift_ppm
        self._origin_ns = time.monotonic_ns()

    def now_ns(self) -> int:
        """Return the monotonic time [ns] plus the configured offset, which grows with the drift."""
        true_ns = time.monotonic_ns()
        return true_ns + self._offset_ns + round(self._drift * (true_ns - self._origin_ns))

    def sleep_until(self, t_ns: int) -> None:
        """Sleep to t_ns [ns] without spinning; return at once when it has passed."""
        remaining_ns = t_ns - self.now_ns()
        if remaining_ns > 0:
            time.sleep(remaining_ns / NS_PER_S / (1.0 + self._drift))


def boot_id() -> str:
    """What names this machine's present boot, and with it the origin of its monotonic clock; empty where unknown."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def utc_text() -> str:
    """The wall clock's time in UTC, ISO 8601; for people who look at a file, never for the loop."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())


def utc_ms_text() -> str:
    """The same to the millisecond; for logs that people compare with others."""
    seconds, rest_ns = divmod(time.time_ns(), NS_PER_S)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest_ns // NS_PER_MS:03d}+00:00"


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
    """Another host's clock: wrong by offset_ns [ns] at first, and by drift_ppm [ppm] too fast from then on."""

    def __init__(self, clock: Clock, *, offset_ns: int, drift_ppm: float = 0.0) -> None:
        self._clock, self._offset_ns, self._drift = clock, offset_ns, 1e-6 * drift_ppm
        self._origin_ns = clock.now_ns()
        self._newest_ns = self._origin_ns + offset_ns

    def now_ns(self) -> int:
        """Return the given clock's time plus the offset and what has drifted since [ns]; never decreases."""
        true_ns = self._clock.now_ns()
        now_ns = true_ns + self._offset_ns + round(self._drift * (true_ns - self._origin_ns))
        self._newest_ns = max(self._newest_ns, now_ns)
        return self._newest_ns

    def sleep_until(self, t_ns: int) -> None:
        """Return at or just after t_ns [ns] of this clock."""
        left_ns = t_ns - self.now_ns()
        self._clock.sleep_until(self._clock.now_ns() + math.ceil(left_ns / (1.0 + self._drift)))

    def step(self, step_ns: int) -> None:
        """Set the clock anew by step_ns [ns]; one that is set back stands still so long, as its host perceives it."""
        self._offset_ns += step_ns


class TickLength:
    """How long each tick of a loop was, 0.1 ms ... most_s [s]; the usual length where the clock does not tell.

    It does not at first, after a longer pause, and where it stood still or was set anew: what moves then goes on as
    slowly as it did.
    """

    def __init__(self, *, usual_s: float, most_s: float = _MOST_TICK_S) -> None:
        self._usual_s, self._most_s = usual_s, most_s
        self._last_ns = 0
        self._stood = False

    def since_last(self, now_ns: int) -> float:
        """Length of the tick that starts at now_ns [s]; to be asked once a tick."""
        elapsed_s, is_first = (now_ns - self._last_ns) / NS_PER_S, not self._last_ns
        is_told = not (is_first or self._stood) and 0.0 < elapsed_s <= self._most_s
        self._stood, self._last_ns = not is_first and elapsed_s <= 0.0, now_ns
        return max(elapsed_s, _LEAST_TICK_S) if is_told else self._usual_s


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
