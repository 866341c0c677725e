"""The latency sweep as a table and as a figure: error and motion to photon by one-way delay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.palette import LIGHT
from teletwin.report.figure_file import dress, save_figure
from teletwin.report.text_table import TextTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = Mapping[str, Any]
_LOOKS: dict[str, tuple[str, str]] = {
    "default": ("forecasting", LIGHT["with"]),
    "paper": ("paper mode", LIGHT["other"]),
    "off": ("no prediction", LIGHT["without"]),
}
"""Mode to its name and colour."""
_HEADINGS = (
    *("one-way delay [ms]", "mode", "control error [mm]", "[mrad]", "display error [mm]", "[mrad]"),
    *("MTP p50 [ms]", "p95", "effective MTP p50 [ms]", "horizon control/render p50 [ms]"),
    "relay late p99 [ms]",
)


def sweep_table(points: Sequence[Point]) -> TextTable:
    """A row for each point, delays together; `*` marks a horizon at its end."""
    ordered = sorted(points, key=lambda point: (point["delay_ms"], list(_LOOKS).index(point["mode"])))
    title = "latency sweep; * the total horizon is at its end (H_max)"
    return TextTable(title=title, headings=_HEADINGS, rows=[_cells(point) for point in ordered], left=(1,))


def draw_latency_sweep(
    path: str | Path, points: Sequence[Point], *, saturations_ms: Mapping[str, float], note: str
) -> Path:
    """Position error, orientation error and motion to photon by one-way delay.

    A hollow mark has a horizon at its end; a dashed line is the delay at which a mode's horizon comes to it.

    Raises:
        ConfigError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3)
    for panel, what, unit, number in (
        (panels[0], "position error", "mm", 0),
        (panels[1], "orientation error", "mrad", 1),
    ):
        _draw_lines(panel, points, lambda point, k=number: _errors(point["control"])[k], "-", label=True)
        _draw_lines(panel, points, lambda point, k=number: _errors(point["display"])[k], ":", label=False)
        panel.set(ylabel=f"RMSE [{unit}]", title=f"{what}: control (line), display (dotted)")
    _draw_lines(panels[2], points, lambda point: _statistic(point["mtp_ms"], "p50"), "-", label=False)
    _draw_lines(panels[2], points, lambda point: _statistic(point["effective_mtp_ms"], "p50"), ":", label=False)
    panels[2].set(ylabel="p50 [ms]", title="motion to photon (line), less the horizon (dotted)")
    for panel in panels:
        dress(panel)
        for mode, delay_ms in saturations_ms.items():
            panel.axvline(delay_ms, color=_LOOKS[mode][1], lw=1.0, ls=(0, (5, 4)), label=f"H_max at {delay_ms:.0f} ms")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6, frameon=False)
    figure.supxlabel(f"one-way delay of every hop [ms]; hollow: a total horizon at H_max; {note}", fontsize="small")
    return save_figure(figure, Path(path))


def _draw_lines(
    axes: Axes, points: Sequence[Point], value: Callable[[Point], float | None], style: str, *, label: bool
) -> None:
    for mode, (name, colour) in _LOOKS.items():
        mine = sorted((p for p in points if p["mode"] == mode), key=lambda p: p["delay_ms"])
        drawn = [(p["delay_ms"], value(p), p["is_saturated"]) for p in mine if value(p) is not None]
        if not drawn:
            continue
        x, y, saturated = zip(*drawn, strict=True)
        axes.plot(x, y, style, color=colour, lw=1.4, label=name if label else None)
        for each_x, each_y, hollow in zip(x, y, saturated, strict=True):
            axes.plot(each_x, each_y, "o", ms=5, mec=colour, mfc="white" if hollow else colour)


def _cells(point: Point) -> list[str]:
    errors = [*_errors(point["control"]), *_errors(point["display"])]
    times = [_statistic(point["mtp_ms"], "p50"), _statistic(point["mtp_ms"], "p95")]
    effective = _statistic(point["effective_mtp_ms"], "p50")
    horizons = "/".join(_text(point[f"horizon_{name}_p50_ms"], 0) for name in ("control", "render"))
    mark = "*" if point["is_saturated"] else ""
    return [
        *(f"{point['delay_ms']:g}", _LOOKS[point["mode"]][0]),
        *(_text(value, 1) for value in errors),
        *(_text(value, 0) for value in (*times, effective)),
        f"{horizons}{mark}",
        _text(_statistic((point["emulation"] or {}).get("lateness_ms"), "p99"), 2),
    ]


def _errors(rmse: Mapping[str, float] | None) -> tuple[float | None, float | None]:
    """Position [mm] and orientation [mrad]."""
    return (None, None) if rmse is None else (1e3 * rmse["position_m"], 1e3 * rmse["orientation_rad"])


def _statistic(spread: Mapping[str, float] | None, name: str) -> float | None:
    return None if spread is None else spread[name]


def _text(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
