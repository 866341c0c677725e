"""What is known of the arm, by its own newest words and their age, whoever passes them on."""

from __future__ import annotations

from teletwin.clock import NS_PER_MS
from teletwin.messages import Mode, TwinStatus
from teletwin.safety import FRESH_MS, NEVER_NS, SafetyState, Watchdog


class ArmEvidence:
    """The arm's newest words; times are the receiver's own."""

    def __init__(self) -> None:
        self.status: TwinStatus | None = None
        self._arm_t_ns = 0
        self._arm_heard = Watchdog(int(FRESH_MS * NS_PER_MS))

    def hear(self, status: TwinStatus, arrived_ns: int) -> None:
        """The twin's status, which arrived at arrived_ns [ns]: what it repeats of the arm is no newer word."""
        if self.status is None or status.arm.t_ns != self._arm_t_ns:
            self._arm_t_ns = status.arm.t_ns
            self._arm_heard.hear(arrived_ns)
        self.status = status

    def pass_time(self, now_ns: int) -> int:
        """For how long the arm has said nothing new [ns]; before what has arrived is read."""
        return self._arm_heard.pass_time(now_ns)

    def is_fresh(self, now_ns: int) -> bool:
        """Whether the arm has said something new lately."""
        return self._arm_heard.is_calm(now_ns)

    def age_ms(self, now_ns: int) -> float | None:
        """Age of the newest words [ms]; None before the first."""
        silence_ns = self._arm_heard.silence_ns(now_ns)
        return None if silence_ns >= NEVER_NS else silence_ns / NS_PER_MS

    def shown(self, now_ns: int, own: SafetyState) -> SafetyState | None:
        """What the arm does by its own words, None when they are old; `own` tells ready from hold."""
        if self.status is None or not self.is_fresh(now_ns):
            return None
        arm = self.status.arm
        if arm.fault:
            return SafetyState.FAULT
        if arm.mode is Mode.HOLD:
            return SafetyState.READY if own is SafetyState.READY else SafetyState.HOLD
        return SafetyState.ENGAGED if arm.mode is Mode.ENGAGED else SafetyState.OFF

    def why_silent(self, now_ns: int) -> str:
        """That the arm is not heard, in words; empty while it is."""
        if self.is_fresh(now_ns):
            return ""
        age_ms = self.age_ms(now_ns)
        return "the arm was not heard yet" if age_ms is None else f"the arm was not heard for {age_ms / 1e3:.1f} s"
