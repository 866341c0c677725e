"""The study's tables for terminals and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teletwin_training.allocation.evaluation.rows import Row

COLUMNS = (
    "method",
    "reward",
    "over best static",
    "AoRI mean",
    "over static's",
    "AoRI p95",
    "AoSI",
    "AoI",
    "late",
    "timely",
    "fresh",
    "sent Mbit (req/upd)",
    "dropped",
    "shares",
)
_ON_SCREEN = (0, 1, 2, 3, 6, 10)
"""Columns that fit a terminal of 80 characters; the file has all."""


def cells(row: Row) -> tuple[str, ...]:
    """A row's texts, in the order of COLUMNS."""
    over = "" if row.method == "best static" else f"{row.over_static:+.0f} ± {row.over_static_95:.0f}"
    if over and row.over_static_share == row.over_static_share:
        over += f" ({100.0 * row.over_static_share:+.1f} %)"
    return (
        row.method,
        f"{row.reward:.0f} ± {row.reward_95:.0f}",
        over,
        f"{row.aori_steps:.2f}",
        f"{row.aori_over_static:+.2f} ± {row.aori_over_static_95:.2f}" if over else "",
        f"{row.aori_p95_steps:.0f}",
        f"{row.aosi_steps:.2f}",
        f"{row.aoi_steps:.2f}",
        f"{100.0 * row.late_share:.1f} %",
        f"{100.0 * row.timely_share:.1f} %",
        f"{100.0 * row.fresh_share:.1f} %",
        f"{row.request_mbit:.0f}/{row.update_mbit:.0f}",
        f"{100.0 * row.dropped_share:.1f} %",
        row.shares,
    )


def title(row: Row) -> str:
    """What a table is about."""
    return f"{row.scenario}, {'with' if row.admission else 'without'} admission, reward '{row.reward_kind}'"


def study_table(rows: Sequence[Row]) -> Any:
    """A rich table of one scenario."""
    from rich.table import Table

    table = Table(title=title(rows[0]), title_justify="left")
    for number in _ON_SCREEN:
        table.add_column(COLUMNS[number], justify="right" if number else "left", no_wrap=True)
    for row in rows:
        texts = cells(row)
        table.add_row(*(texts[number] for number in _ON_SCREEN))
    return table


def study_markdown(rows: Sequence[Row]) -> str:
    """The same as Markdown, a table a scenario."""
    lines: list[str] = []
    for row in rows:
        if not lines or row.method == rows[0].method:
            lines += [
                "",
                f"**{title(row)}**",
                "",
                "|".join(("", *COLUMNS, "")),
                "|".join(("", *["---"] * len(COLUMNS), "")),
            ]
        lines.append("| " + " | ".join(cells(row)) + " |")
    return "\n".join(lines).strip() + "\n"
