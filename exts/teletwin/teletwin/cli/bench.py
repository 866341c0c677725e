"""`teletwin bench`: speed of every stage and what the loop is worth, each beside its baseline.

`teletwin bench hands`, `viewers`, `soak`, `squeeze`, `smooth`, `drag`, `faults`, `fuzz`, `rest`, `restart`, `seal`,
`stop`, `starts`, `limits` are longer runs with options of their own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from teletwin.cli.bench_output import write_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError, TeletwinError
from teletwin.report.bench_rows import BenchRow

GROUPS = ("import", "forecast", "policy", "rmpflow", "limits", "seal", "view", "effect", "live")
STUDIES = {
    "drag": "teletwin.cli.bench_drag",
    "faults": "teletwin.cli.bench_faults",
    "freeze": "teletwin.cli.bench_freeze",
    "fuzz": "teletwin.cli.bench_fuzz",
    "hands": "teletwin.cli.bench_hands",
    "limits": "teletwin.cli.bench_limits",
    "rest": "teletwin.cli.bench_rest",
    "restart": "teletwin.cli.bench_restart",
    "seal": "teletwin.cli.bench_seal",
    "viewers": "teletwin.cli.bench_viewers",
    "soak": "teletwin.cli.bench_soak",
    "smooth": "teletwin.cli.bench_smooth",
    "squeeze": "teletwin.cli.squeeze",
    "stop": "teletwin.cli.bench_stop",
    "starts": "teletwin.cli.bench_starts",
}
"""Longer runs with options of their own: `teletwin bench STUDY`."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Options of `teletwin bench`."""

    only: tuple[str, ...] = GROUPS
    """Groups to run: import, forecast, policy, rmpflow, limits, seal, view, effect, live."""
    recordings: str = ""
    """Folder with TUM or CSV recordings; the effect is measured on each of them, and always on handwriting."""
    effect_seconds: float = 30.0
    """Virtual time of each run of the effect study [s]."""
    live_seconds: float = 60.0
    """Duration of the live session in a real Chromium [s]."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse unknown groups and folders."""
        unknown = [name for name in self.only if name not in GROUPS]
        if unknown:
            raise ConfigError("unknown bench group", given=", ".join(unknown), allowed=", ".join(GROUPS))
        if self.recordings and not Path(self.recordings).is_dir():
            raise ConfigError(
                "--recordings is no folder", given=self.recordings, allowed="a folder of .tum or .csv files"
            )
        if self.live_seconds < 5.0 or self.effect_seconds < 8.0:
            raise ConfigError("the runs are too short to judge", allowed="live 5 s, effect 8 s or more")


def main(arguments: list[str]) -> int:
    """Measure, print the table, write what was asked for."""
    if arguments and arguments[0] in STUDIES:
        return importlib.import_module(STUDIES[arguments[0]]).main(arguments[1:])
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from teletwin.report.table import bench_table
    from teletwin.report.text_table import show_table, terminal

    options = read_options(BenchOptions, arguments, command="bench", description=__doc__ or "")
    console = terminal()
    rows: list[BenchRow] = []
    failed: list[str] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("bench")
        for name in (group for group in GROUPS if group in options.only):
            progress.update(task, description=f"bench: {name}")
            try:
                rows += measure_group(
                    name, options, say=lambda text: progress.update(task, description=f"bench: {text}")
                )
            except TeletwinError as error:
                failed.append(f"{name}: {error}")
    show_table(bench_table(rows), console)
    write_rows("bench", rows, options, report=options.report, markdown=options.markdown)
    for text in failed:
        print(f"teletwin bench: {text}", file=sys.stderr)
    return 1 if failed else 0


def measure_group(name: str, options: BenchOptions, *, say: Callable[[str], None]) -> list[BenchRow]:
    """The rows of one group."""
    from teletwin.bench import rows

    if name == "effect":
        return list(rows.effect_rows(options.recordings, duration_s=options.effect_seconds, say=say))
    if name == "live":
        return list(rows.live_rows(seconds=options.live_seconds))
    measures: dict[str, Callable[[], Iterator[BenchRow]]] = {
        "import": rows.import_rows,
        "forecast": rows.forecast_rows,
        "policy": rows.policy_rows,
        "rmpflow": rows.rmpflow_rows,
        "limits": rows.limits_rows,
        "seal": rows.seal_rows,
        "view": rows.view_rows,
    }
    return list(measures[name]())
