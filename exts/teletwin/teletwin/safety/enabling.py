"""The enabling input: motion only while a person holds it, known by heartbeats that come from the device itself.

Ordinary hardware and software: no substitute for a three-position enabling device.
"""

from __future__ import annotations

from teletwin.safety.watchdog import Watchdog

_NS_PER_MS = 1_000_000
HEARTBEAT_MAX_MS = 100.0
"""Without a newer heartbeat for so long the input counts as let go [ms]."""


class EnablingInput:
    """Whether the enabling input is held, by the numbers of its heartbeats and the receiver's clock.

    Args:
        is_needed: False: motion does without, as with the virtual arm.
        tick_ns: How often `pass_time` is called [ns]; see `Watchdog`.
    """

    def __init__(self, *, is_needed: bool, tick_ns: int = 0) -> None:
        self.is_needed = is_needed
        self._seq = 0
        self._beats = Watchdog(int(HEARTBEAT_MAX_MS * _NS_PER_MS), tick_ns=tick_ns)

    def hear(self, seq: int, now_ns: int) -> None:
        """The newest heartbeat's number, as a message tells it at now_ns [ns]; 0: the input is not held."""
        if seq != self._seq:
            self._seq = seq
            self._beats.hear(now_ns)

    def pass_time(self, now_ns: int) -> int:
        """For how long a held input has sent no heartbeat [ns], 0 for one that was let go; once a tick."""
        silence_ns = self._beats.pass_time(now_ns)
        return silence_ns if self.is_needed and self._seq else 0

    def is_held(self, now_ns: int) -> bool:
        """Whether motion is enabled at now_ns [ns]."""
        return not self.is_needed or (self._seq != 0 and self._beats.is_calm(now_ns))
