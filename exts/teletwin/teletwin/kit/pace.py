"""The time of physics steps: as even as the simulation's steps, as right as the host's clock."""

from __future__ import annotations

from teletwin.clock import NS_PER_S, Clock

SHARE = 0.02
"""Of the difference to the host's clock that is made up per step."""
SNAP_NS = 100_000_000
"""A difference beyond this is a pause, not drift [ns]: jump."""


class StepPace:
    """Gives every physics step its instant.

    Kit does the steps of one update in a burst. Stamped with the wall clock they would fall together; so each
    gets the instant at which it would happen, starting at the update's own, and the arm receives set-points that
    lie a step apart and slightly ahead. Instants never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_burst = False
        self.now_ns = 0
        """The instant of the newest step [ns]; 0 before the first."""

    def begin_update(self) -> None:
        """A new turn of Kit's main loop: the next step starts a burst."""
        self._is_burst = False

    def step(self, dt_s: float) -> int:
        """The instant of the next physics step of dt_s [s]."""
        dt_ns = round(dt_s * NS_PER_S)
        due_ns = self.now_ns + dt_ns
        if not self._is_burst:
            self._is_burst = True
            apart_ns = self._clock.now_ns() - due_ns
            is_new = not self.now_ns or abs(apart_ns) > SNAP_NS
            due_ns += apart_ns if is_new else round(SHARE * apart_ns)
        self.now_ns = max(due_ns, self.now_ns + 1)
        return self.now_ns
