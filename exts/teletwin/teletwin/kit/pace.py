"""The time of physics steps: as even as the simulation's steps, as right as the host's clock."""

from __future__ import annotations

from teletwin.clock import NS_PER_S, Clock

SHARE = 0.02
"""Of the difference to the host's clock that is made up per burst of steps."""
SCALE_SHARE = 0.05
"""Of a burst's ratio of passed to simulated time that enters the estimate of that ratio."""
SCALE_RANGE = (0.25, 8.0)
SNAP_NS = 100_000_000
"""A difference beyond this is a pause, not drift [ns]: jump."""


class StepPace:
    """Gives every physics step its instant.

    Kit does the steps of one update in a burst. Stamped with the wall clock they would fall together; so each
    gets the instant at which it would happen, starting at the update's own, and the arm receives set-points that
    lie a step apart and slightly ahead. A simulation that is slower than time has its steps stretched alike, so
    that the arm still moves in real time. Instants never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_burst = False
        self._burst_ns = self._simulated_ns = 0
        self._scale = 1.0
        self.now_ns = 0
        """The instant of the newest step [ns]; 0 before the first."""

    def begin_update(self) -> None:
        """A new turn of Kit's main loop: the next step starts a burst."""
        self._is_burst = False

    def step(self, dt_s: float) -> int:
        """The instant of the next physics step of dt_s [s]."""
        dt_ns = round(dt_s * NS_PER_S)
        if self._is_burst:
            due_ns = self.now_ns + round(dt_ns * self._scale)
        else:
            self._is_burst = True
            due_ns = self._begin_burst(dt_ns)
        self._simulated_ns += dt_ns
        self.now_ns = max(due_ns, self.now_ns + 1)
        return self.now_ns

    def _begin_burst(self, dt_ns: int) -> int:
        """The first step of a burst: near the host's clock, not on it."""
        wall_ns = self._clock.now_ns()
        passed_ns, simulated_ns = wall_ns - self._burst_ns, self._simulated_ns
        self._burst_ns, self._simulated_ns = wall_ns, 0
        if 0 < passed_ns < SNAP_NS and simulated_ns:
            ratio = min(max(passed_ns / simulated_ns, SCALE_RANGE[0]), SCALE_RANGE[1])
            self._scale += SCALE_SHARE * (ratio - self._scale)
        due_ns = self.now_ns + round(dt_ns * self._scale)
        apart_ns = wall_ns - due_ns
        is_new = not self.now_ns or abs(apart_ns) > SNAP_NS
        return due_ns + (apart_ns if is_new else round(SHARE * apart_ns))
