"""Whether forecasters that say how far off they expect to be were right."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin.geometry import Array, rotation_angle
from teletwin.messages import CURVE_STEP_S


class Promises:
    """Compares the errors that a forecaster expected with those that came; silent for one that expects none."""

    def __init__(self, forecaster: object, horizons: int) -> None:
        self._metres: Any = getattr(forecaster, "predicted_error_m", None)
        self._radians: Any = getattr(forecaster, "predicted_error_rad", None)
        self._horizons_s = CURVE_STEP_S * np.arange(1, horizons + 1)
        self._sums = np.zeros((2, 2, horizons))  # position and orientation; expected and met squares
        self._within = np.zeros((2, horizons))
        self._count = 0

    def judge(self, curve: Array, truth: Array) -> None:
        """Count the last forecast, rows (horizons, 7) of its curve against what came."""
        if self._metres is None or self._radians is None:
            return
        expected = np.stack([self._metres(self._horizons_s), self._radians(self._horizons_s)])
        met = np.stack(
            [np.linalg.norm(curve[:, :3] - truth[:, :3], axis=1), rotation_angle(truth[:, 3:], curve[:, 3:])]
        )
        self._sums[:, 0] += expected**2
        self._sums[:, 1] += met**2
        self._within += met <= 2.0 * expected
        self._count += 1

    def figures(self) -> dict[str, Any]:
        """RMS error over expected RMS error by horizon, and the share of errors within twice the expected one."""
        if not self._count:
            return {}
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.sqrt(self._sums[:, 1] / self._sums[:, 0])
        within = self._within / self._count
        return {
            what: {"met_to_expected_ratio": ratio[row], "within_twice_expected_share": within[row]}
            for row, what in enumerate(("position", "orientation"))
        }
