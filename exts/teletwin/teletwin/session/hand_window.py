"""The hand's past as forecasters see it: an even window of irregular samples whose positions may come in steps."""

from __future__ import annotations

from collections import deque

from teletwin.buffer import PoseHistory
from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array
from teletwin.hand.between import Place, between
from teletwin.hand.grain import smooth_window
from teletwin.messages import PoseSample

_EVEN_NS, _BRIDGED_NS = 10 * NS_PER_MS, 100 * NS_PER_MS
"""Gaps longer than the first are filled, those longer than the second are rests [ns]."""
_PAST = 6


class HandWindow:
    """Takes samples into a history, fills the gaps between them, and gives windows of it."""

    def __init__(self, history: PoseHistory) -> None:
        self._history = history
        self._past: deque[Place] = deque(maxlen=_PAST)
        self._grain_m = 0.0

    def append(self, sample: PoseSample) -> bool:
        """Add a sample, and what lies between it and the last; False when it is not newer than that.

        A short rest that no device reported was none, if a motion follows: it is forgotten.
        """
        if not sample.is_rest:
            self._bridge((sample.t_ns, sample.pose))
        self._grain_m = sample.grain_m
        return self._history.append(sample.t_ns, sample.pose)

    def _bridge(self, place: Place) -> None:
        """Fill the gap since the last place that a device reported."""
        gap_ns = place[0] - self._past[-1][0] if self._past else _BRIDGED_NS + 1
        if gap_ns <= 0:
            return
        is_rest = gap_ns > _BRIDGED_NS
        self._history.forget_after(place[0] - (1 if is_rest else gap_ns))
        if gap_ns > _EVEN_NS and not is_rest:
            for t_ns, pose in between(self._past, place):
                self._history.append(t_ns, pose)
        self._past.append(place)

    def window(self, count: int, *, step_ns: int) -> Array:
        """Poses (count, 7) on a grid of step_ns that ends at the newest sample; smooth within the samples' grain."""
        return smooth_window(self._history.window(count, step_ns=step_ns), self._grain_m)
