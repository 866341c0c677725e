"""How old the poses behind the commands are at the arm: end to end, by this host's clock alone."""

from __future__ import annotations

from teletwin.clock import NS_PER_S

_FOLLOW_S = 2.0
"""How slowly the mean follows [s]: a way that became longer for good is lived with after some seconds."""
_STEP_S = 0.02
"""A single command weighs in the mean as if the last had come this long before, however long it was."""
_ANEW_S = 10.0
"""A way that changed by more than this is a clock that was set anew."""


class CommandAge:
    """Age of each command beyond the mean way of the poses from the operator.

    The operator's clock is not known here. From its stamp to the arrival is the way plus the offset of the clocks; the
    mean of that is taken as the usual way, and what a pose took beyond it is its age. A queue on any hop
    shows here, whatever that hop says itself.

    Args:
        over_s: Age beyond the mean way at which a command is not followed [s].
    """

    def __init__(self, *, over_s: float) -> None:
        self._over_ns = over_s * NS_PER_S
        self._mean_ns: float | None = None
        self._last_ns = 0

    def is_young(self, pose_t_ns: int, arrived_ns: int) -> bool:
        """Whether a command that arrived at arrived_ns [ns], of a pose of pose_t_ns [ns, operator's clock], counts."""
        if not pose_t_ns:
            return True
        way_ns = arrived_ns - pose_t_ns
        if self._mean_ns is None or abs(way_ns - self._mean_ns) > _ANEW_S * NS_PER_S:
            self._mean_ns, self._last_ns = float(way_ns), arrived_ns
            return True
        elapsed_s = min(max((arrived_ns - self._last_ns) / NS_PER_S, 0.0), _STEP_S)
        self._last_ns = arrived_ns
        self._mean_ns += min(elapsed_s / _FOLLOW_S, 1.0) * (way_ns - self._mean_ns)
        return way_ns - self._mean_ns <= self._over_ns
