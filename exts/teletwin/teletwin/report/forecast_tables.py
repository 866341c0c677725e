"""Tables of the forecast study: for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from teletwin.report.bench_rows import figure

if TYPE_CHECKING:
    from rich.table import Table

_HOLD = "hold"
MEASURES = {
    "position_axis_mm": "position per axis [mm]",
    "orientation_deg": "orientation [deg]",
}


def study_tables(results: Mapping[str, Any]) -> list[Table]:
    """One table a measure: hands down, forecasters across, mean RMSE over horizons, the best of a hand green."""
    return [_terminal(results, measure, title) for measure, title in MEASURES.items()]


def study_markdown(results: Mapping[str, Any]) -> str:
    """The same tables with the ratio to holding by horizon, as Markdown."""
    parts = [_markdown(title_of(results, title), *_grid(results, key)) for key, title in MEASURES.items()]
    parts += [
        _markdown(f"Error over that of holding the pose, {what}", *_ratio_grid(results, what))
        for what in ("position", "orientation")
    ]
    parts.append(_markdown("Time of a pose in the study [us], median over the hands", *_time_grid(results)))
    return "\n".join(parts)


def title_of(results: Mapping[str, Any], title: str) -> str:
    """What the figures of a table are."""
    return f"{title}: RMSE, mean over horizons {results['horizons_ms'][0]} ... {results['horizons_ms'][-1]} ms"


def names_of(results: Mapping[str, Any]) -> list[str]:
    """Every forecaster of the study."""
    return list(dict.fromkeys(name for facts in results["hands"].values() for name in facts["forecasters"]))


def _grid(results: Mapping[str, Any], measure: str) -> tuple[list[str], list[list[str]]]:
    names, speed = names_of(results), "turn_rate_deg_s" if measure.startswith("orientation") else "speed_mm_s"
    unit = "deg/s" if measure.startswith("orientation") else "mm/s"
    rows = []
    for hand, facts in results["hands"].items():
        values = [facts["forecasters"].get(name, {}).get(measure, {}).get("mean") for name in names]
        motion = [figure(facts[speed]["rms"]), figure(facts[speed]["median"])]
        rows.append([hand, *motion, *(figure(value) for value in values)])
    return ["hand", f"{unit} rms", "median", *names], rows


def _ratio_grid(results: Mapping[str, Any], what: str) -> tuple[list[str], list[list[str]]]:
    shown = [ms for ms in (20, 100, 200, 500) if ms in results["horizons_ms"]]
    columns = [results["horizons_ms"].index(ms) for ms in shown]
    rows = []
    for hand, facts in results["hands"].items():
        for name, figures in facts["forecasters"].items():
            ratio = figures["to_hold_ratio"][what]
            if name != _HOLD and ratio["mean"] is not None:
                by_horizon = [figure(_finite(ratio["by_horizon"][column])) for column in columns]
                rows.append([hand, name, *by_horizon, figure(ratio["worst"]), figure(ratio["mean"])])
    return ["hand", "forecaster", *(f"{ms} ms" for ms in shown), "worst", "mean"], rows


def _time_grid(results: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    rows = []
    for name in names_of(results):
        of_name = [facts["forecasters"][name] for facts in results["hands"].values() if name in facts["forecasters"]]
        times = sorted(each["time_us"]["p50"] for each in of_name)
        rows.append([name, figure(times[len(times) // 2]), str(sum(each["forecast_count"] for each in of_name))])
    return ["forecaster", "us", "forecasts judged"], rows


def _terminal(results: Mapping[str, Any], measure: str, title: str) -> Table:
    from rich.table import Table

    headings, rows = _grid(results, measure)
    table = Table(title=title_of(results, title), title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 else "right", overflow="fold")
    for row, facts in zip(rows, results["hands"].values(), strict=True):
        table.add_row(*row[:3], *_best_marked(row[3:], facts, names_of(results), measure))
    return table


def _best_marked(texts: Sequence[str], facts: Mapping[str, Any], names: list[str], measure: str) -> list[str]:
    values = [facts["forecasters"][name][measure]["mean"] for name in names]
    return [
        f"[bold green]{text}[/]" if value == min(values) else text for text, value in zip(texts, values, strict=True)
    ]


def _markdown(title: str, headings: list[str], rows: list[list[str]]) -> str:
    lines = [f"**{title}**", "", "| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def _finite(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
