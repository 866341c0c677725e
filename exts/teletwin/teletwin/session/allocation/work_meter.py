"""What pictures and physics cost this machine, and how much of both is asked for; averaged over a few ticks."""

from __future__ import annotations

from dataclasses import dataclass

_SMOOTHING = 0.4
"""Of a tick's mean that enters the average: about four ticks."""


@dataclass(slots=True)
class _Sum:
    total: float = 0.0
    count: int = 0


class WorkMeter:
    """Measured cost of a picture and of a physics step, and rates of what arrives.

    A picture of another size or without shadow costs its part of a whole one: `relative` as the ladder has it.
    """

    def __init__(self) -> None:
        self._frames, self._steps = _Sum(), _Sum()
        self._inputs = self._states = 0
        self.whole_ms = 0.0
        """Drawing and encoding a picture as it was asked for [ms]; 0 before the first."""
        self.step_ms = 0.0
        """One physics step of the shown world [ms]."""
        self.input_rate_hz = self.state_rate_hz = 0.0

    def frame(self, work_ms: float, *, relative: float) -> None:
        """Note what drawing and encoding a picture took [ms], which costs `relative` of a whole one."""
        self._frames.total += work_ms / relative
        self._frames.count += 1

    def physics(self, work_ms: float, *, steps: int) -> None:
        """Note what so many steps of the shown world took together [ms]."""
        if steps > 0:
            self._steps.total += work_ms
            self._steps.count += steps

    def input(self) -> None:
        """A packet of the operator's has arrived."""
        self._inputs += 1

    def state(self) -> None:
        """A state of the arm has arrived."""
        self._states += 1

    def tick(self, elapsed_s: float) -> None:
        """Take what came since the last tick into the averages."""
        self.whole_ms = _averaged(self.whole_ms, self._frames)
        self.step_ms = _averaged(self.step_ms, self._steps)
        self._frames, self._steps = _Sum(), _Sum()
        if elapsed_s > 0.0:
            self.input_rate_hz += _SMOOTHING * (self._inputs / elapsed_s - self.input_rate_hz)
            self.state_rate_hz += _SMOOTHING * (self._states / elapsed_s - self.state_rate_hz)
        self._inputs = self._states = 0


def _averaged(average: float, seen: _Sum) -> float:
    """The average with a tick's mean in it; the mean itself when there was none."""
    if not seen.count:
        return average
    mean = seen.total / seen.count
    return average + _SMOOTHING * (mean - average) if average else mean
