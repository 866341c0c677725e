"""Squared errors of forecasts summed horizon by horizon, and what they amount to."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array, rotation_angle


class ErrorSums:
    """Adds up forecasts of one hand; small, however long the recording is."""

    def __init__(self, horizons: int) -> None:
        self.count = 0
        self._axis = np.zeros((horizons, 3))
        self._angle = np.zeros(horizons)
        self._component = np.zeros(horizons)

    def add(self, forecast: Array, truth: Array) -> None:
        """Take forecasts and truths (n, horizons, 7); a forecast that is not finite counts as infinitely wrong."""
        with np.errstate(invalid="ignore", over="ignore"):
            axis = (forecast[..., :3] - truth[..., :3]) ** 2
            angle = rotation_angle(truth[..., 3:], forecast[..., 3:]) ** 2
            sign = np.where(np.sum(forecast[..., 3:] * truth[..., 3:], axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
            component = np.mean((sign * forecast[..., 3:] - truth[..., 3:]) ** 2, axis=-1)
        self.count += len(forecast)
        self._axis += np.nan_to_num(axis, nan=np.inf).sum(axis=0)
        self._angle += np.nan_to_num(angle, nan=np.inf).sum(axis=0)
        self._component += np.nan_to_num(component, nan=np.inf).sum(axis=0)

    def axis_mm(self) -> Array:
        """RMSE (horizons, 3) of each axis [mm]."""
        return 1e3 * np.sqrt(self._axis / max(self.count, 1))

    def per_axis_mm(self) -> Array:
        """RMSE (horizons,) over the three axes together [mm]: the Euclidean one over the square root of three."""
        return 1e3 * np.sqrt(self._axis.mean(axis=1) / max(self.count, 1))

    def euclidean_mm(self) -> Array:
        """RMSE (horizons,) of the distance [mm]."""
        return 1e3 * np.sqrt(self._axis.sum(axis=1) / max(self.count, 1))

    def geodesic_deg(self) -> Array:
        """RMSE (horizons,) of the angle between the orientations [deg]."""
        return np.rad2deg(np.sqrt(self._angle / max(self.count, 1)))

    def quaternion(self) -> Array:
        """RMSE (horizons,) of a quaternion component, as Table I of arXiv 2407.16591 has it; a quarter of the angle."""
        return np.sqrt(self._component / max(self.count, 1))


def summary(values: Array, hold: Array) -> dict[str, object]:
    """A measure by horizon, its mean over horizons, the root of its mean square, and its ratio to holding."""
    return {
        "by_horizon": values,
        "mean": float(values.mean()),
        "pooled": _rms(values),
        "hold_mean": float(hold.mean()),
        "hold_pooled": _rms(hold),
    }


def ratios(values: Array, hold: Array) -> dict[str, object]:
    """Error over that of holding the pose: by horizon, of the means, and the worst; None where holding errs nothing."""
    safe = np.where(hold > 1e-9, hold, np.nan)
    by_horizon = values / safe
    known = by_horizon[np.isfinite(hold) & ~np.isnan(by_horizon)]
    mean = float(values.mean() / hold.mean()) if hold.mean() > 1e-9 else None
    return {"by_horizon": by_horizon, "mean": mean, "worst": float(known.max()) if len(known) else None}


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
