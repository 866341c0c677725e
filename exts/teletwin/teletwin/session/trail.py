"""What a session's audit log is told: presses, changes of control, and every change of a host's safety state."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from teletwin.safety import STATE_NAMES, SafetyState

Audit = Callable[[str, Mapping[str, object]], None]
"""Told a kind and values; must neither wait nor raise."""


def no_audit(kind: str, values: Mapping[str, object]) -> None:
    """Keep nothing."""


class StateTrail:
    """Tells the audit log when a host's safety state changes."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._state = SafetyState.OFF

    def note(self, state: SafetyState, *, act: int, why: str) -> None:
        """The state of this tick, the act that is asked for, and why the newest spent one is spent."""
        if state is not self._state:
            values = {"before": STATE_NAMES[self._state], "after": STATE_NAMES[state], "act": act, "outage": why}
            self._state = state
            self._audit("state", values)
