"""Tables of a report's results and of the bench; nothing here prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from teletwin.report.bench_rows import HEADINGS, BenchRow, cells, figure
from teletwin.report.text_table import TextTable

_STATISTICS = ("p50", "p95", "p99", "max", "mean", "count")
_VERDICT = 3
"""Column of the bench that says whether the bar is met."""


def report_tables(document: Mapping[str, Any]) -> list[TextTable]:
    """Two tables of a report's results: single figures, and those with percentiles.

    Series are left out, and counters that stayed at zero.
    """
    singles, spread = _rows(document["results"])
    tables = []
    if singles:
        rows = [[name, _text(value)] for name, value in singles]
        tables.append(TextTable(title="results", headings=["", ""], rows=rows))
    if spread:
        used = [name for name in _STATISTICS if any(name in values for _, values in spread)]
        rows = [[name, *(_text(values.get(each)) for each in used)] for name, values in spread]
        tables.append(TextTable(title="spread", headings=["", *used], rows=rows))
    return tables


def bench_table(rows: Sequence[BenchRow]) -> TextTable:
    """The bench: every figure beside its bar and its baselines."""
    styles = {
        (number, _VERDICT): "green" if row.passed else "bold red"
        for number, row in enumerate(rows)
        if row.passed is not None
    }
    left = range(len(HEADINGS))
    return TextTable(title="bench", headings=HEADINGS, rows=[cells(row) for row in rows], left=left, styles=styles)


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
