"""The study's tables for terminals and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from teletwin.report.text_table import TextTable
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


def study_table(rows: Sequence[Row]) -> TextTable:
    """One scenario's methods."""
    return TextTable(title=title(rows[0]), headings=COLUMNS, rows=[cells(row) for row in rows])


def study_markdown(studies: Sequence[Sequence[Row]]) -> str:
    """Tables of all scenarios as one text."""
    return "\n".join(f"**{table.title}**\n\n{table.markdown()}" for table in map(study_table, studies))
