"""Tables and pictures of the forecast study's cells: hand, sample rate, horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teletwin.report.bench_rows import figure
from teletwin.report.figure_file import INK, save_figure
from teletwin.report.text_table import TextTable

_BESIDE = ("hold", "autoreg", "arma")
_NAME_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Errors at one horizon: RMS [mm] or [deg]."""

    hand: str
    rate_hz: int
    """0: as it was recorded."""
    horizon_ms: int
    combined: float
    best: float
    best_name: str
    """The single forecaster that ships and did best here, which nobody knows beforehand."""
    hold: float
    errors: Mapping[str, float]
    """Of every forecaster that ships."""

    @property
    def over_best(self) -> float:
        """Combined over the best single one."""
        return self.combined / self.best

    @property
    def over_hold(self) -> float:
        """Combined over holding."""
        return self.combined / self.hold


def cells_markdown(cells: Sequence[Cell], *, measure: str, unit: str) -> str:
    """Every cell as a row."""
    beside = [name for name in _BESIDE if all(name in cell.errors for cell in cells)]
    headings = ["hand", "rate", "horizon", "combined", "best single", "", *beside, "over best", "over hold"]
    rows = []
    for cell in cells:
        numbers = [figure(cell.combined), figure(cell.best), cell.best_name, *(figure(cell.errors[n]) for n in beside)]
        ratios = [f"{cell.over_best:.3f}", f"{cell.over_hold:.3f}"]
        where = [cell.hand, rate_text(cell.rate_hz), f"{cell.horizon_ms} ms"]
        rows.append([*where, *numbers, *ratios])
    title = f"**{measure.capitalize()} by hand, sample rate and horizon [{unit}]**"
    return f"{title}\n\n{TextTable(headings=headings, rows=rows).markdown()}"


def draw_cells(path: str | Path, cells: Sequence[Cell], *, measure: str) -> Path:
    """Map of combined over the best single forecaster: hands down, horizons across, a panel for each rate."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    hands = list(dict.fromkeys(cell.hand for cell in cells))
    rates = list(dict.fromkeys(cell.rate_hz for cell in cells))
    horizons = list(dict.fromkeys(cell.horizon_ms for cell in cells))
    whole = Figure(figsize=(2.6 + 2.5 * len(rates), 1.3 + 0.26 * len(hands)), dpi=90, layout="constrained")
    FigureCanvasAgg(whole)
    for column, rate_hz in enumerate(rates):
        axes = whole.add_subplot(1, len(rates), column + 1)
        values = np.full((len(hands), len(horizons)), np.nan)
        for cell in cells:
            if cell.rate_hz == rate_hz:
                values[hands.index(cell.hand), horizons.index(cell.horizon_ms)] = cell.over_best
        axes.imshow(values, cmap="RdYlGn_r", vmin=0.85, vmax=1.15, aspect="auto")
        axes.set_xticks(range(len(horizons)), [str(each) for each in horizons], fontsize="x-small")
        axes.set_yticks(range(len(hands)), [each[:_NAME_MAX] for each in hands] if column == 0 else [""] * len(hands))
        axes.tick_params(labelsize="x-small")
        axes.set_title(rate_text(rate_hz), loc="left", fontsize="small", color=INK)
        for row, at in np.argwhere(np.isfinite(values)):
            axes.text(at, row, f"{values[row, at]:.2f}", ha="center", va="center", fontsize=5.5, color=INK)
    whole.suptitle(f"combined over the best single forecaster, {measure}", fontsize="small", color=INK)
    whole.supxlabel("horizon [ms]", fontsize="small", color=INK)
    return save_figure(whole, path, slim=True)


def rate_text(rate_hz: int) -> str:
    """A sample rate for people."""
    return f"at {rate_hz} Hz" if rate_hz else "as recorded"
