"""What the person who drives asks for: the newest press with its number, and what takes it back."""

from __future__ import annotations

from teletwin.messages import Mode
from teletwin.session.trail import Audit, no_audit

_ACTS = (1 << 32) - 1


class DriverIntent:
    """The person's newest act; see `teletwin.safety.interlock`.

    Args:
        first_act: Number before that of the first press; drawn anew at each start of the operator, so that no host
            takes an act of this start for one that it knows.
        audit: Told every press and everything that takes one back.
    """

    def __init__(self, *, first_act: int = 0, audit: Audit = no_audit) -> None:
        self.mode = Mode.HOLD
        self.act = first_act
        self.outage = ""
        """Why Engage must be pressed again; empty while nothing has taken it back."""
        self.awaits_ready = False
        """Engage was asked for before the arm was ready, as a session's start may: it counts once, when it is."""
        self.enable_seq = 0
        """Newest heartbeat of the enabling input; 0 while it is not held."""
        self.is_silenced = False
        """Engage was taken back by somebody's silence alone, and nobody has pressed anything since."""
        self._resumes = False
        self.audit = audit

    def press(self, mode: Mode, *, who: str = "") -> None:
        """A deliberate act of the person."""
        self.mode, self.outage, self.awaits_ready = mode, "", False
        self.is_silenced = self._resumes = False
        self.act = self.act % _ACTS + 1
        self.audit("press", {"what": mode.name.lower(), "act": self.act, "who": who})

    def engage_when_ready(self, *, who: str = "") -> None:
        """Engage once as soon as the arm is ready."""
        if self.mode is Mode.OFF:
            self.press(Mode.HOLD, who=who)
        self.awaits_ready = True

    def withdraw(self, why: str, *, by_silence: bool = False) -> None:
        """Nothing moves any more by what was pressed before."""
        if self.mode is Mode.ENGAGED:
            self.mode, self.outage, self.is_silenced = Mode.HOLD, why, by_silence
            self.audit("withdrawn", {"act": self.act, "why": why})
        elif not by_silence:  # a stronger reason than the silence before it
            self.awaits_ready &= not self._resumes
            self.is_silenced = self._resumes = False

    def resume(self, why: str) -> None:
        """Engage once more when the arm is ready: the silence was nobody's; see `teletwin.session.busy`."""
        self.outage, self.is_silenced, self._resumes = f"{why}: {self.outage}", False, True
        self.engage_when_ready(who=why)

    def enable(self, seq: int, *, is_held: bool) -> None:
        """A heartbeat of the enabling input, or its release."""
        self.enable_seq = seq if is_held else 0
