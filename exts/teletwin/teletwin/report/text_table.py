"""A table of texts: for a terminal of any width, and as Markdown."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_FILE_COLUMNS = 160
"""Width of a table that goes to a file or a pipe."""
_LINE = 16
"""The shortest lines into which a longer text is wrapped [columns]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """Headings and rows of texts; the first column names its row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    left: Sequence[int] = (0,)
    """Columns that are set flush left; the others are flush right."""
    styles: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """How a cell stands out in a terminal, by row and column, as rich names it."""

    def markdown(self) -> str:
        """Give the table as Markdown, without its title."""
        rule = ["---" if column in self.left else "---:" for column in range(len(self.headings))]
        return "\n".join(f"| {' | '.join(texts)} |" for texts in (self.headings, rule, *self.rows)) + "\n"


def terminal() -> Console:
    """A console as wide as the terminal; 160 columns where the output is none and COLUMNS says nothing."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else _FILE_COLUMNS, highlight=False)


def show_table(table: TextTable, console: Console | None = None) -> None:
    """Print a table; where its columns do not fit, each row as a list under its first cell. Nothing is cut off."""
    console = console or terminal()
    if _least_width(table) <= console.width:
        console.print(_drawn(table))
        return
    if table.title:
        console.print(table.title, style="italic", markup=False)
    for number, row in enumerate(table.rows):
        console.print(row[0], style="bold", markup=False)
        console.print(_listed(table, number))


def _least_width(table: TextTable) -> int:
    """Columns that a table needs: words whole, longer texts in lines of 16."""
    from rich.cells import cell_len

    columns = range(len(table.headings))
    longest = [max(cell_len(row[column]) for row in (table.headings, *table.rows)) for column in columns]
    least = [longest[column] if _is_whole(table, column) else min(longest[column], _LINE) for column in columns]
    return sum(least) + 2 * (len(least) - 1)


def _is_whole(table: TextTable, column: int) -> bool:
    """Whether a column holds single words, which rich would cut off rather than wrap."""
    return not any(" " in row[column] for row in table.rows)


def _drawn(table: TextTable) -> Table:
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=table.title or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column, heading in enumerate(table.headings):
        justify = "left" if column in table.left else "right"
        drawn.add_column(Text(heading), justify=justify, no_wrap=_is_whole(table, column), overflow="fold")
    for number, row in enumerate(table.rows):
        drawn.add_row(*(Text(text, table.styles.get((number, column), "")) for column, text in enumerate(row)))
    return drawn


def _listed(table: TextTable, number: int) -> Table:
    """One row's cells beneath each other, each behind its heading; empty ones are left out."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(min_width=2)
    grid.add_column(max_width=36)
    grid.add_column()
    for column, (heading, text) in enumerate(zip(table.headings, table.rows[number], strict=True)):
        if column and text:
            grid.add_row("", Text(heading), Text(text, table.styles.get((number, column), "")))
    return grid
