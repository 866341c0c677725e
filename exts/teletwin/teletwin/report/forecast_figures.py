"""Figures of the forecast study as PNG files: error by horizon, forecasts fanned out, a map of ratios."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from teletwin.geometry import Array
from teletwin.palette import LIGHT
from teletwin.report.figure_file import GRID, INK, save_figure
from teletwin.report.forecast_tables import names_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (
    LIGHT["without"],
    "#f2a65a",
    "#8d5a97",
    "#4d6c9a",
    "#009e73",
    "#b5a642",
    "#9aa5b1",
    "#6b4e3d",
    "#d77fa1",
    "#5b8c5a",
)
_COMBINED, _HOLD = "combined", "hold"
_OFF_SCALE = 1.6
"""Panels reach this far above holding; a forecaster that runs away leaves the panel."""


_TRACES_MAX = 6


class Fanned(Protocol):
    """A stretch of a hand with forecasts fanned out."""

    hand: str
    t_s: Array
    position_mm: Array
    fans: dict[str, list[tuple[np.ndarray, np.ndarray]]]


def draw_by_horizon(path: str | Path, results: Mapping[str, Any], *, measure: str, label: str) -> Path:
    """RMSE by horizon, one panel a hand, holding the pose dashed beside the rest."""
    hands, names = results["hands"], names_of(results)
    columns = min(4, len(hands))
    rows = -(-len(hands) // columns)
    figure = _figure(3.0 * columns, 2.3 * rows + 0.5)
    for number, (hand, facts) in enumerate(hands.items(), start=1):
        axes = _axes(figure, rows, columns, number, _short(hand), f"{facts['speed_mm_s']['rms']:.0f} mm/s rms")
        hold = np.array(facts["forecasters"][_HOLD][measure]["by_horizon"], dtype=float)
        for name in names:
            if name in facts["forecasters"]:
                values = np.array(facts["forecasters"][name][measure]["by_horizon"], dtype=float)
                axes.plot(results["horizons_ms"], values, label=name, **_line_style(name, names))
        axes.set_ylim(0.0, max(_OFF_SCALE * float(hold.max()), 1e-9))
        axes.set_xlim(0.0, results["horizons_ms"][-1])
    figure.supxlabel("horizon [ms]", fontsize="small", color=INK)
    figure.supylabel(label, fontsize="small", color=INK)
    _legend(figure)
    return save_figure(figure, path, slim=True)


def draw_traces(path: str | Path, traces: Sequence[Fanned], *, names: Sequence[str]) -> Path:
    """Three seconds of each hand, along the axis that moved most, with forecasts starting every 200 ms."""
    rows, columns = len(traces), max(len(names), 1)
    figure = _figure(4.2 * columns, 2.0 * rows + 0.3)
    for row, trace in enumerate(traces):
        for column, name in enumerate(names):
            axes = _axes(figure, rows, columns, row * columns + column + 1, _short(trace.hand), name)
            axes.plot(trace.t_s, trace.position_mm, color=INK, lw=1.6)
            for t_s, position_mm in trace.fans.get(name, []):
                axes.plot(t_s, position_mm, lw=0.9, alpha=0.85, color=_line_style(name, list(names))["color"])
                axes.plot(t_s[:1], position_mm[:1], ".", ms=3, color=INK)
            span = float(np.ptp(trace.position_mm)) or 1.0
            middle = 0.5 * float(trace.position_mm.max() + trace.position_mm.min())
            axes.set_ylim(middle - 0.8 * span, middle + 0.8 * span)
            axes.set_xlim(float(trace.t_s[0]), float(trace.t_s[-1]) + 0.5)
    figure.supxlabel("time [s]", fontsize="small", color=INK)
    figure.supylabel("position [mm]", fontsize="small", color=INK)
    return save_figure(figure, path, slim=True)


def draw_ratios(path: str | Path, results: Mapping[str, Any], *, what: str) -> Path:
    """Map of error over that of holding: hands down, forecasters across, means over horizons."""
    hands, names = results["hands"], [name for name in names_of(results) if name != _HOLD]
    values = np.array([[_ratio(facts, name, what) for name in names] for facts in hands.values()])
    figure = _figure(2.6 + 0.85 * len(names), 1.2 + 0.3 * len(hands))
    axes = figure.add_subplot()
    axes.imshow(np.clip(np.nan_to_num(values, nan=1.0), 0.0, 2.0), cmap="RdYlGn_r", vmin=0.0, vmax=2.0, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", fontsize="small")
    axes.set_yticks(range(len(hands)), [_short(hand) for hand in hands], fontsize="small")
    for row, column in np.ndindex(*values.shape):
        value = values[row, column]
        text = "–" if math.isnan(value) else (f"{value:.2f}" if value < 100 else ">100")
        axes.text(column, row, text, ha="center", va="center", fontsize="x-small", color=INK)
    axes.set_title(f"{what} error over that of holding the pose", loc="left", fontsize="small", color=INK)
    return save_figure(figure, path, slim=True)


def save_study_figures(
    results: Mapping[str, Any], traces: Sequence[Fanned], folder: str | Path, *, fanned: Sequence[str]
) -> list[Path]:
    """Draw all of it into a folder; `fanned` are the forecasters whose curves are shown on the traces."""
    folder = Path(folder)
    drawn = [
        draw_by_horizon(
            folder / "forecast_position.png", results, measure="position_axis_mm", label="RMSE per axis [mm]"
        ),
        draw_by_horizon(folder / "forecast_orientation.png", results, measure="orientation_deg", label="RMSE [deg]"),
        draw_ratios(folder / "forecast_ratio_position.png", results, what="position"),
        draw_ratios(folder / "forecast_ratio_orientation.png", results, what="orientation"),
    ]
    if traces and fanned:
        drawn.append(draw_traces(folder / "forecast_traces.png", _some(traces, results), names=fanned))
    return drawn


def _some(traces: Sequence[Fanned], results: Mapping[str, Any]) -> list[Fanned]:
    """At most six hands, from the slowest to the fastest."""
    ordered = sorted(traces, key=lambda trace: results["hands"][trace.hand]["speed_mm_s"]["rms"])
    chosen = np.unique(np.linspace(0, len(ordered) - 1, _TRACES_MAX).round().astype(int))
    return [ordered[index] for index in chosen]


def _ratio(facts: Mapping[str, Any], name: str, what: str) -> float:
    value = facts["forecasters"].get(name, {}).get("to_hold_ratio", {}).get(what, {}).get("mean")
    return math.nan if value is None else float(value)


def _line_style(name: str, names: Sequence[str]) -> dict[str, Any]:
    if name == _HOLD:
        return {"color": INK, "ls": "--", "lw": 1.2}
    if name == _COMBINED:
        return {"color": LIGHT["with"], "lw": 2.4, "zorder": 5}
    others = [each for each in names if each not in (_HOLD, _COMBINED)]
    return {"color": _COLOURS[others.index(name) % len(_COLOURS)], "lw": 1.0}


def _short(hand: str) -> str:
    return hand if len(hand) <= 30 else f"{hand[:29]}…"


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _axes(figure: Figure, rows: int, columns: int, number: int, title: str, note: str) -> Axes:
    axes = figure.add_subplot(rows, columns, number)
    axes.set_title(f"{title}\n{note}", fontsize="x-small", loc="left", color=INK)
    axes.tick_params(labelsize="x-small")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    return axes


def _legend(figure: Figure) -> None:
    lines, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper center", ncols=min(len(names), 8), frameon=False, fontsize="small")
