"""The safety state of the virtual controller: what stopped it, and what lets it go on."""

from __future__ import annotations

from enum import IntEnum

UNLOCK_WAIT_S = 5.0
"""A UR refuses to unlock a protective stop earlier than this after it happened [s]."""


class SafetyMode(IntEnum):
    """Values of `safety_mode`."""

    NORMAL = 1
    PROTECTIVE_STOP = 3
    ROBOT_EMERGENCY_STOP = 7


_STATUS_BITS = {
    SafetyMode.NORMAL: 0b1,
    SafetyMode.PROTECTIVE_STOP: 0b100 | 1 << 10,
    SafetyMode.ROBOT_EMERGENCY_STOP: 1 << 6 | 1 << 7 | 1 << 10,
}
_NAMES = {
    SafetyMode.NORMAL: "NORMAL",
    SafetyMode.PROTECTIVE_STOP: "PROTECTIVE_STOP",
    SafetyMode.ROBOT_EMERGENCY_STOP: "ROBOT_EMERGENCY_STOP",
}


class Safety:
    """Normal, protectively stopped, or emergency stopped; time is the controller's own [s]."""

    def __init__(self, *, unlock_wait_s: float = UNLOCK_WAIT_S) -> None:
        self.mode = SafetyMode.NORMAL
        self._unlock_wait_s = unlock_wait_s
        self._since_s = 0.0

    @property
    def normal(self) -> bool:
        """True when the arm may move."""
        return self.mode == SafetyMode.NORMAL

    @property
    def name(self) -> str:
        """The mode as the dashboard says it."""
        return _NAMES[self.mode]

    @property
    def status_bits(self) -> int:
        """Value of `safety_status_bits`."""
        return _STATUS_BITS[self.mode]

    def protective_stop(self, now_s: float) -> None:
        """Stop; an emergency stop is not replaced by it."""
        if self.normal:
            self.mode, self._since_s = SafetyMode.PROTECTIVE_STOP, now_s

    def emergency_stop(self, now_s: float) -> None:
        """Press the emergency button."""
        self.mode, self._since_s = SafetyMode.ROBOT_EMERGENCY_STOP, now_s

    def unlock_protective_stop(self, now_s: float) -> bool:
        """Release a protective stop; False when it is too early."""
        if self.mode == SafetyMode.PROTECTIVE_STOP:
            if now_s - self._since_s < self._unlock_wait_s:
                return False
            self.mode = SafetyMode.NORMAL
        return True

    def release_emergency_stop(self) -> None:
        """Pull the emergency button out again."""
        if self.mode == SafetyMode.ROBOT_EMERGENCY_STOP:
            self.mode = SafetyMode.NORMAL
