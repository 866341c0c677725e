"""Where the hand will be: forecasters of pose, one class and one name each."""

from __future__ import annotations

from typing import Protocol

from teletwin.geometry import Array


class Forecaster(Protocol):
    """Continues an even grid of past poses."""

    def forecast(self, window: Array, *, out: Array) -> None:
        """Write the curve of the next poses.

        Args:
            window: Past poses (n, 7), oldest first, WINDOW_STEP_S apart; quaternions in one hemisphere.
            out: Receives the curve (CURVE_KNOTS, 7); row 0 is the newest pose, rows CURVE_STEP_S apart.
        """
        ...

    def reset(self) -> None:
        """Forget what was learned from earlier windows."""
        ...
