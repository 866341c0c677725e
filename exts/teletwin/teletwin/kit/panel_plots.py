"""The live numbers as text and as curves."""

from __future__ import annotations

import collections
from typing import Any

import omni.ui as ui

_POINTS = 150
_LABELS = {
    "control_error_mm": "Control error [mm]",
    "display_error_mm": "Display error [mm]",
    "mtp_ms": "Motion to photon [ms]",
    "aol_ms": "Age of Loop [ms]",
    "horizon_control_ms": "Control horizon [ms]",
    "horizon_render_ms": "Display horizon [ms]",
    "uplink_age_ms": "Uplink age [ms]",
    "command_age_ms": "Command age [ms]",
    "frame_rate_hz": "Frames a second",
    "encode_ms": "Encoding [ms]",
    "physics_rate_hz": "Physics steps a second",
    "time_ratio": "Simulated : wall time",
}
_DECIMALS = {"time_ratio": 2}
_CURVES = {"control_error_mm": 0xFF63D297, "mtp_ms": 0xFFE0A040, "aol_ms": 0xFFD0D0D0, "frame_rate_hz": 0xFFC08040}
"""What is drawn, with its colour (ABGR)."""


class Plots:
    """Made inside a column of the window; `show` once per row of numbers."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._plots: dict[str, Any] = {}
        self._past = {name: collections.deque([0.0] * _POINTS, maxlen=_POINTS) for name in _CURVES}
        for name, label in _LABELS.items():
            with ui.HStack(height=18):
                ui.Label(label, width=160)
                self._values[name] = ui.Label("-")
            if name in _CURVES:
                zeros = [0.0] * _POINTS
                self._plots[name] = ui.Plot(ui.Type.LINE, 0.0, 1.0, *zeros, height=40, style={"color": _CURVES[name]})

    def show(self, status: dict[str, object]) -> None:
        """Text and curves of one row of numbers; unknown ones are a dash and leave their curve alone."""
        for name, label in self._values.items():
            value = status.get(name)
            label.text = f"{value:.{_DECIMALS.get(name, 1)}f}" if isinstance(value, int | float) else "-"
            if name in self._plots and isinstance(value, int | float):
                self._draw(name, float(value))

    def _draw(self, name: str, value: float) -> None:
        past, plot = self._past[name], self._plots[name]
        past.append(value)
        plot.scale_max = max(max(past), 1e-6) * 1.1
        plot.set_data(*past)
