"""Paper A's latency sweep: error and motion to photon by one-way delay, with forecasting, in paper mode, without."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from teletwin.errors import TeletwinError
from teletwin.messages import HORIZON_MAX_S

DELAYS_MS = (0.0, 25.0, 50.0, 75.0, 100.0, 150.0, 200.0)
MODES: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "paper": ("--paper-mode",),
    "off": ("--paper-mode", "--policy", "fixed"),
}
"""Options of `teletwin run` for each line of the sweep; `off` is paper mode with all horizons at zero."""
_LEAST_SLOPE = 0.01
_SATURATED = 0.98
"""Share of H_max from which on a horizon counts as at its end: percentiles are exact to a percent."""

Measure = Callable[[float, str], dict[str, Any]]
"""Results of a session's report, for a one-way delay [ms] and a mode."""


def sweep(
    measure: Measure, *, delays_ms: Sequence[float], modes: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """One point for every mode and delay, mode by mode; and what went wrong at those that are missing."""
    points, failures = [], []
    for mode, delay_ms in itertools.product(modes, delays_ms):
        try:
            points.append(point_of(measure(delay_ms, mode), delay_ms=delay_ms, mode=mode))
        except TeletwinError as error:
            failures.append(f"{mode} at {delay_ms:g} ms: {error}")
    return points, failures


def saturation_ms(points: Sequence[Mapping[str, Any]], mode: str) -> float | None:
    """One-way delay [ms] at which a mode's total horizon comes to its end; None where it does not grow.

    The larger of the two horizons grows in proportion to the delay until then: read off a line through
    what was measured before.
    """
    mine = [point for point in points if point["mode"] == mode and not point["is_saturated"]]
    horizons_ms = [max(p["horizon_control_p50_ms"] or 0.0, p["horizon_render_p50_ms"] or 0.0) for p in mine]
    if len(mine) < 2:
        return None
    slope, at_zero_ms = np.polyfit([point["delay_ms"] for point in mine], horizons_ms, 1)
    return float((1e3 * HORIZON_MAX_S - at_zero_ms) / slope) if slope > _LEAST_SLOPE else None


def point_of(results: Mapping[str, Any], *, delay_ms: float, mode: str) -> dict[str, Any]:
    """The sweep's figures of one session; None where nothing was measured."""
    emulation = results.get("emulation") or {}
    control_ms, render_ms = (_p50(results, f"horizon_{name}_ms") for name in ("control", "render"))
    return {
        "mode": mode,
        "delay_ms": delay_ms,
        "control": results["control_rmse"],
        "display": results["display_rmse"],
        "mtp_ms": results["mtp_ms"],
        "effective_mtp_ms": results["effective_mtp_ms"],
        "horizon_control_p50_ms": control_ms,
        "horizon_render_p50_ms": render_ms,
        "is_saturated": any((each or 0.0) >= _SATURATED * 1e3 * HORIZON_MAX_S for each in (control_ms, render_ms)),
        "emulation": emulation or None,
    }


def _p50(results: Mapping[str, Any], name: str) -> float | None:
    spread = results[name]
    return None if spread is None else spread["p50"]
