"""The time of physics steps: as even as the simulation's steps, as right as the host's clock."""

from __future__ import annotations

import math

from teletwin.clock import NS_PER_S, Clock

SHARE = 0.02
"""Of the difference to the host's clock that is made up per burst of steps."""
MEMORY_NS = 350_000_000
"""Passed and simulated time are summed over about this long, older ones fading [ns]."""
SCALE_RANGE = (0.1, 10.0)
SNAP_NS = 100_000_000
"""A difference beyond this is a pause, not drift [ns]: jump. Nor does more than this count between two bursts."""
STALL_NS = 500_000_000
"""A simulation without a step for this long stands still [ns]."""


class StepPace:
    """Gives every physics step its instant, and estimates how simulated time runs against the host's clock.

    Kit does the steps of one update in a burst. Stamped with the wall clock they would fall together; so each
    gets the instant at which it would happen, starting at the update's own, and the arm receives set-points that
    lie a step apart and slightly ahead. A simulation that is slower or faster than time has its steps stretched or
    pressed alike, so that the arm still moves in real time. Instants never go back.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._is_burst = False
        self._update_ns = self._burst_ns = self._idle_ns = 0
        self._passed = self._simulated = float(MEMORY_NS)
        self.now_ns = 0
        """The instant of the newest step [ns]; 0 before the first."""

    @property
    def scale(self) -> float:
        """Passed over simulated time, within SCALE_RANGE; 1 until something else is measured."""
        return min(max(self._passed / max(self._simulated, 1.0), SCALE_RANGE[0]), SCALE_RANGE[1])

    @property
    def ratio(self) -> float:
        """Simulated over passed time: 0.5 where the simulation runs at half the speed of time, 0 where it stalls."""
        return self._simulated / self._passed if self._idle_ns < STALL_NS else 0.0

    def rest(self) -> None:
        """The timeline does not play: what passes now says nothing about the simulation's speed."""
        self._update_ns = self._idle_ns = 0
        self._is_burst = False

    def begin_update(self) -> None:
        """A new turn of Kit's main loop while the timeline plays: the next step starts a burst."""
        now_ns = self._clock.now_ns()
        if self._update_ns:
            self._idle_ns += now_ns - self._update_ns
        if self._update_ns and self._burst_ns:
            self._learn(min(self._idle_ns, SNAP_NS))
            self._idle_ns = 0
        self._update_ns, self._burst_ns = now_ns, 0
        self._is_burst = False

    def _learn(self, passed_ns: int) -> None:
        """So much time passed from one burst to the next."""
        kept = math.exp(-passed_ns / MEMORY_NS)
        self._passed = kept * self._passed + passed_ns
        self._simulated = kept * self._simulated + self._burst_ns

    def step(self, dt_s: float) -> int:
        """The instant of the next physics step of dt_s [s]."""
        dt_ns = round(dt_s * NS_PER_S)
        due_ns = self.now_ns + round(dt_ns * self.scale)
        if not self._is_burst:
            self._is_burst = True
            due_ns = self._near_the_clock(due_ns)
        self._burst_ns += dt_ns
        self.now_ns = max(due_ns, self.now_ns + 1)
        return self.now_ns

    def _near_the_clock(self, due_ns: int) -> int:
        """The first step of a burst: near the host's clock, not on it."""
        apart_ns = self._clock.now_ns() - due_ns
        is_new = not self.now_ns or abs(apart_ns) > SNAP_NS
        return due_ns + (apart_ns if is_new else round(SHARE * apart_ns))
