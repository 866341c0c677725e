"""The squeeze as a table and as a figure: what an operator notices, what waits, and what is made of the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from teletwin.palette import LIGHT
from teletwin.report.figure_file import INK, dress, save_figure
from teletwin.report.text_table import TextTable

Run = Mapping[str, Any]
"""One run as the report has it: `allocator`, `phases`, `quality_back_s` ..., and `series` for the figure."""
_LIMIT = LIGHT["without"]
_COLOURS = (LIGHT["with"], LIGHT["other"], "#b8860b", "#56b4e9", LIGHT["fed"], "#b5483f")
_HEADINGS = (
    *("allocator", "phase", "effective MTP p50 [ms]", "p95", "below 150 ms after [s]"),
    *("queue most [ms]", "queue growth [ms/s]"),
)
_MOST_MS = 1000.0


def squeeze_table(runs: Sequence[Run]) -> TextTable:
    """A row for each phase of each run."""
    rows = [
        [
            *(run["allocator"] if not number else "", phase["name"]),
            *(_text(phase["effective_p50_ms"], 0), _text(phase["effective_p95_ms"], 0)),
            *(_text(phase["held_after_s"], 2), _text(phase["queue_most_ms"], 0)),
            _text(phase["queue_growth_ms_s"], 1),
        ]
        for run in runs
        for number, phase in enumerate(run["phases"])
    ]
    title = "squeeze; from the second second of a phase on, 'after' from its beginning"
    return TextTable(title=title, headings=_HEADINGS, rows=rows, left=(0, 1))


def squeeze_lines(runs: Sequence[Run]) -> list[str]:
    """A line for each run: pictures while both are cut, when they were back, the control ticks, what failed."""
    return [_line(run) for run in runs]


def draw_squeeze(path: str | Path, runs: Sequence[Run], *, limit_ms: float, note: str) -> Path:
    """Effective motion to photon, what waits at the bottleneck, and bitrate over time; a line for each run.

    Raises:
        ConfigError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 7.0), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(4, 1, sharex=True)
    for run, colour in zip(runs, _COLOURS, strict=False):
        series, name = run["series"], run["allocator"]
        panels[0].plot(series["effective_t_s"], _cut(series["effective_p95_ms"]), color=colour, lw=1.3, label=name)
        panels[1].plot(series["t_s"], series["queue_ms"], color=colour, lw=1.0)
        if series["bitrate_mbps"]:
            panels[2].step(series["t_s"], series["bitrate_mbps"], where="post", color=colour, lw=1.3)
            panels[3].step(series["t_s"], series["megapixels_s"], where="post", color=colour, lw=1.3)
    panels[0].axhline(limit_ms, color=_LIMIT, lw=1.0, ls=(0, (5, 4)), label=f"{limit_ms:g} ms")
    panels[0].set(ylabel="p95 of 0.2 s [ms]", title="effective motion to photon (cut at 1 s)")
    panels[1].set(ylabel="[ms]", title="what waits at the bottleneck")
    panels[2].set(ylabel="[Mb/s]", title="bitrate asked of the encoder")
    panels[3].set(ylabel="[Mpixel/s]", title="size times rate of pictures", xlabel=f"time [s]; {note}")
    for panel in panels:
        for phase in runs[0]["phases"][1:]:
            panel.axvline(phase["at_s"], color=INK, lw=0.8, alpha=0.5)
        dress(panel)
    for phase in runs[0]["phases"]:
        panels[0].annotate(phase["name"], (phase["at_s"] + 0.1, 0.93), xycoords=("data", "axes fraction"), fontsize=8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=6, frameon=False)
    return save_figure(figure, Path(path))


def _cut(values: Sequence[float | None]) -> list[float]:
    return [_MOST_MS if value is None else min(value, _MOST_MS) for value in values]


def _line(run: Run) -> str:
    cut, back_s = run["quality_cut"], run["quality_back_s"]
    parts = [f"{run['allocator']}:"]
    if cut:
        size = f"{cut['width']:.0f}x{cut['height']:.0f}"
        parts.append(
            f"both cut {cut['bitrate_mbps']:.2f} Mb/s, {size} at {cut['rate_hz']:.0f} Hz, "
            f"updates {cut['update_rate_hz']:.0f} Hz, physics {cut['physics_rate_hz']:.0f} Hz;"
        )
        parts.append(f"quality back after {_text(back_s, 1)} s;")
    parts.append(f"control {run['tick_rate_hz']:.1f} Hz, {run['overrun_count']} of {run['tick_count']} ticks late;")
    parts.append(f"{run['counters'].get('frames_drawn', 0)} pictures drawn")
    return " ".join(parts)


def _text(value: float | None, digits: int) -> str:
    return "never" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"
