"""A replay in words and pictures: the commands' difference, and one row for each way of replaying the hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teletwin.palette import LIGHT
from teletwin.report.figure_file import INK, save_figure
from teletwin.report.text_table import TextTable

_HEADINGS = ("settings", "arm mm", "picture mm", "turned deg", "age ms", "ahead ms")
_PALETTE = ("#1b2733", LIGHT["with"], "#f78154", "#8d5a97", "#4d6c9a", "#f2c14e", "#c8553d", "#19a7a0")


def variants_table(results: Mapping[str, Mapping[str, Any]]) -> TextTable:
    """Errors [mm, deg] and ages [ms] of every way, by its name."""
    rows = [
        [
            name,
            _beside(each, "control"),
            _beside(each, "display"),
            _number(57.29578 * each["control_rmse"]["orientation_rad"]),
            _number(each["aol_ms"]),
            _number(each["horizon_control_ms"]),
        ]
        for name, each in results.items()
    ]
    title = "the recorded hand, replayed; in brackets feed-forward only, no prediction"
    return TextTable(title=title, headings=_HEADINGS, rows=rows)


def _beside(each: Mapping[str, Any], path: str) -> str:
    """An error, and what the loop without forecasts has [mm]."""
    fed, plain = each[f"{path}_rmse_feed_forward_only"], each[f"{path}_rmse_shadow"]
    return f"{_mm(each[f'{path}_rmse'])} ({_mm(fed)}, {_mm(plain)})"


def draw_variants(path: str | Path, results: Mapping[str, Mapping[str, Any]]) -> Path:
    """Errors of arm and picture over time [mm], one line a way."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    both = figure.subplots(2, 1, sharex=True)
    for axes, key, words in zip(both, ("control_error_mm", "display_error_mm"), ("arm", "picture"), strict=True):
        for number, (name, each) in enumerate(results.items()):
            series = each["series"]
            values = [float("nan") if value is None else value for value in series[key]]
            axes.plot(series["t_s"], values, color=_PALETTE[number % len(_PALETTE)], lw=1.3, label=name)
        axes.set_ylabel(f"{words}: error [mm]", color=INK)
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.25)
    both[1].set_xlabel("time [s]")
    handles = both[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside upper left", ncols=2, frameon=False, fontsize="small")
    return save_figure(figure, path, dpi=130)


def _mm(rmse: Mapping[str, float]) -> str:
    return _number(1e3 * rmse["position_m"])


def _number(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3g}" if value < 100 else f"{value:.0f}"
