"""Figures of a report as PNG files: error over time, where the time goes, horizons. matplotlib, no screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.palette import LIGHT
from teletwin.report.figure_file import GRID, INK, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Series = Sequence[float | None]
_ERROR_STYLES: dict[str, dict[str, Any]] = {
    "no prediction": {"color": LIGHT["without"], "ls": ":", "lw": 1.6},
    "feed-forward only": {"color": LIGHT["fed"], "ls": "--", "lw": 1.3},
    "with forecasting": {"color": LIGHT["with"], "ls": "-", "lw": 1.5},
}
_ERROR_KEYS = {"no prediction": "_shadow", "feed-forward only": "_feed_forward_only", "with forecasting": ""}
_PALETTE = ("#0b7a75", "#19a7a0", "#7fc8a9", "#f2c14e", "#f78154", "#c8553d", "#8d5a97", "#4d6c9a", "#9aa5b1")


def draw_error(path: str | Path, *, t_s: Series, errors_mm: Mapping[str, Series], title: str) -> Path:
    """Error over time [mm] by 'no prediction', 'feed-forward only' and 'with forecasting'; None leaves a gap."""
    figure, axes = _new(height=3.2)
    for label, style in _ERROR_STYLES.items():
        if label in errors_mm:
            axes.plot(_gaps(t_s), _gaps(errors_mm[label]), label=label, **style)
    axes.set(xlabel="time [s]", ylabel="error [mm]")
    axes.set_title(title, loc="left", color=INK)
    _legend(axes)
    return save_figure(figure, path)


def draw_latency(path: str | Path, *, stages_ms: Mapping[str, Mapping[str, float | None]]) -> Path:
    """Where the time goes [ms]: one bar per path ('control', 'display'), its stages stacked in order."""
    figure, axes = _new(height=0.9 + 0.8 * max(len(stages_ms), 1))
    colours: dict[str, str] = {}
    for row, stages in enumerate(stages_ms.values()):
        left = 0.0
        for stage, width in stages.items():
            known = stage in colours
            colour = colours.setdefault(stage, _PALETTE[len(colours) % len(_PALETTE)])
            axes.barh(row, width or 0.0, left=left, color=colour, height=0.55, label=None if known else stage)
            left += width or 0.0
        axes.text(left, row, f" {left:.0f} ms", va="center", color=INK)
    axes.set_yticks(range(len(stages_ms)), list(stages_ms))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set(xlabel="latency, median [ms]")
    axes.legend(frameon=False, fontsize="small", ncols=1, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return save_figure(figure, path)


def draw_horizons(path: str | Path, *, t_s: Series, horizons_ms: Mapping[str, Series]) -> Path:
    """Horizons over time [ms], one line each."""
    figure, axes = _new(height=2.6)
    for number, (name, values) in enumerate(horizons_ms.items()):
        axes.plot(_gaps(t_s), _gaps(values), color=_PALETTE[(number * 4) % len(_PALETTE)], lw=1.3, label=name)
    axes.set(xlabel="time [s]", ylabel="horizon [ms]")
    _legend(axes)
    return save_figure(figure, path)


def save_figures(document: Mapping[str, Any], folder: str | Path) -> list[Path]:
    """Draw what a report has; return the files.

    It looks in `results` for `series` ({'t_s', 'control_error_mm', 'control_error_shadow_mm',
    'control_error_feed_forward_only_mm', the same of 'display', 'horizon_*_ms'}) and for `paths_ms`
    ({path: {stage: ms}}).
    """
    folder, results = Path(folder), document["results"]
    series, paths = results.get("series") or {}, results.get("paths_ms") or {}
    drawn = []
    for what in ("control", "display"):
        errors_mm = {
            label: values for label, key in _ERROR_KEYS.items() if (values := series.get(f"{what}_error{key}_mm"))
        }
        if "with forecasting" in errors_mm:
            title = f"{what} error, hand against {'arm' if what == 'control' else 'picture'} at the same instant"
            target = folder / f"{what}_error.png"
            drawn.append(draw_error(target, t_s=series["t_s"], errors_mm=errors_mm, title=title))
    horizons = {key: values for key, values in series.items() if key.startswith("horizon_") and values}
    if horizons:
        named = {key.removeprefix("horizon_").removesuffix("_ms"): values for key, values in horizons.items()}
        drawn.append(draw_horizons(folder / "horizons.png", t_s=series["t_s"], horizons_ms=named))
    if paths:
        drawn.append(draw_latency(folder / "latency.png", stages_ms=paths))
    return drawn


def _legend(axes: Axes) -> None:
    """Name the lines in the figure's upper right corner, with room above them."""
    axes.set_ylim(bottom=0.0, top=1.2 * axes.get_ylim()[1])
    axes.legend(loc="upper right", ncols=4, frameon=True, framealpha=0.85, edgecolor="none")


def _gaps(values: Series) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _new(*, height: float) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    return figure, axes
