"""The restart interlock: after an outage the arm moves by a fresh act of the person who drives, and by nothing else.

Each press of Engage, Hold or Stop is an *act* with a number of its own; every packet and every command names the
newest. Twin and arm each keep an interlock, on what they hear themselves:

1. The first act that a host hears after its start, or after an outage, is spent: it may be older than the outage.
2. A spent act moves nothing. Only another one, which was pressed since, does.

An outage is a silence longer than `restart_after_ns`, of anybody whom the host must hear; time in which the host stood
still itself counts. A shorter silence holds the arm, and it follows again with the same act.
"""

from __future__ import annotations

from teletwin.safety.watchdog import NEVER_NS

_NS_PER_S = 1_000_000_000
RESTART_AFTER_MS = 500.0
"""After a longer silence motion needs a fresh act [ms]."""


class RestartInterlock:
    """Which act may move the arm; see the module.

    Args:
        restart_after_ns: Silence after which the newest act is spent [ns].
        started: Why nothing may move yet at the start, in words.
    """

    def __init__(self, *, restart_after_ns: int, started: str) -> None:
        self.restart_after_ns = restart_after_ns
        self.spent_act = self._heard_act = 0
        self._awaits_first = True
        self.outage = started
        """Why `spent_act` is spent."""
        self.trip_count = 0
        """Outages since the start."""

    @property
    def is_armed(self) -> bool:
        """Whether the next other act may move the arm."""
        return not self._awaits_first

    def hear(self, act: int) -> None:
        """The act that a message names."""
        self._heard_act = act
        if self._awaits_first:
            self._awaits_first, self.spent_act = False, act

    def notice_silence(self, silence_ns: int, who: str) -> None:
        """Somebody whom this host must hear has said nothing for so long [ns]."""
        if silence_ns <= self.restart_after_ns:
            return
        if silence_ns < NEVER_NS:
            lasting = f"{who} was not heard for more than {self.restart_after_ns / _NS_PER_S:g} s"
            self.outage = self.outage if self._awaits_first and not self.trip_count else lasting
        self.trip_count += not self._awaits_first
        self._awaits_first, self.spent_act = True, self._heard_act

    def spend(self, why: str) -> None:
        """The newest act moves nothing any more."""
        if self.spent_act != self._heard_act:
            self.spent_act, self.outage = self._heard_act, why

    def allows(self, act: int) -> bool:
        """Whether this act may move the arm."""
        return not self._awaits_first and act != self.spent_act
