"""Tables for the terminal, drawn by rich; nothing here prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from teletwin.report.bench_rows import HEADINGS, BenchRow, cells, figure

if TYPE_CHECKING:
    from rich.table import Table

_STATISTICS = ("p50", "p95", "p99", "max", "mean", "count")


def report_tables(document: Mapping[str, Any]) -> list[Table]:
    """Two tables of a report's results: single figures, and those with percentiles.

    Series are left out, and counters that stayed at zero.
    """
    singles, spread = _rows(document["results"])
    tables = []
    if singles:
        tables.append(_table("results", ["", ""], [[name, _text(value)] for name, value in singles]))
    if spread:
        used = [name for name in _STATISTICS if any(name in values for _, values in spread)]
        rows = [[name, *(_text(values.get(each)) for each in used)] for name, values in spread]
        tables.append(_table("spread", ["", *used], rows))
    return tables


def bench_table(rows: Sequence[BenchRow]) -> Table:
    """The bench: every figure beside its bar and its baselines."""
    table = _table("bench", list(HEADINGS), [])
    for row in rows:
        style = {True: "green", False: "bold red", None: ""}[row.passed]
        texts = cells(row)
        table.add_row(*texts[:3], f"[{style}]{texts[3]}[/]" if style else "", *texts[4:])
    return table


def _table(title: str, headings: list[str], rows: list[list[str]]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="left" if number == 0 or title == "bench" else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _rows(
    values: Mapping[str, Any], prefix: str = ""
) -> tuple[list[tuple[str, Any]], list[tuple[str, Mapping[str, Any]]]]:
    singles: list[tuple[str, Any]] = []
    spread: list[tuple[str, Mapping[str, Any]]] = []
    for key, item in values.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and any(each in item for each in _STATISTICS[:4]):
            spread.append((name, item))
        elif isinstance(item, Mapping) and key.endswith("counters"):
            singles.append((name, ", ".join(f"{what} {count}" for what, count in item.items() if count) or "none"))
        elif isinstance(item, Mapping):
            deeper = _rows(item, f"{name}.")
            singles += deeper[0]
            spread += deeper[1]
        elif not isinstance(item, list):
            singles.append((name, item))
    return singles, spread


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return str(value) if isinstance(value, int) else figure(value)
