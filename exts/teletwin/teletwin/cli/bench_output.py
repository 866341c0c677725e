"""What a bench prints and writes of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from teletwin.clock import utc_text
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


def show_rows(
    kind: str,
    rows: Sequence[BenchRow],
    options: object,
    *,
    report: str,
    markdown: str,
    more: Mapping[str, object] | None = None,
    seed: int = 0,
) -> int:
    """Print the table, write the files asked for; return 1 when a bar is not met, else 0."""
    from teletwin.report.table import bench_table
    from teletwin.report.text_table import show_table

    show_table(bench_table(rows))
    write_rows(kind, rows, options, report=report, markdown=markdown, more=more, seed=seed)
    return int(any(row.passed is False for row in rows))


def write_rows(
    kind: str,
    rows: Sequence[BenchRow],
    options: object,
    *,
    report: str,
    markdown: str,
    more: Mapping[str, object] | None = None,
    seed: int = 0,
) -> None:
    """The JSON report and the Markdown table, where asked for.

    Raises:
        ConfigError: The table cannot be written.
    """
    if report:
        from teletwin.report.document import build_report, write_report

        results = {"rows": [_plain(row) for row in rows], **(more or {})}
        document = build_report(kind, results=results, configuration=options, seed=seed, created_utc=utc_text())
        write_report(document, report)
    if markdown:
        from teletwin.report.table import bench_table

        try:
            Path(markdown).write_text(bench_table(rows).markdown(), encoding="utf-8")
        except OSError as error:
            raise ConfigError("the table cannot be written", given=markdown, mend=str(error)) from error


def _plain(row: BenchRow) -> dict[str, object]:
    """A row for JSON; the unit stands beside the value."""
    return {
        "name": row.name,
        "unit": row.unit,
        "value": row.value,
        "bar": row.bar,
        "passed": row.passed,
        "beside": dict(row.beside),
        "note": row.note,
    }


@contextmanager
def counted(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that is told how many are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
