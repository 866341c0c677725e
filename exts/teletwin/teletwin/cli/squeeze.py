"""`teletwin bench squeeze`: link and compute are taken away and given back; what an operator notices, by allocator."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from teletwin.allocation import check_allocator
from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError
from teletwin.session.config import AllocationCfg, NetworkCfg, SessionCfg


@dataclass(frozen=True, kw_only=True)
class SqueezeOptions:
    """Options of `teletwin bench squeeze`."""

    allocator: str = "backlog"
    """The allocator that must reach the bars: a name, or a policy file (.npz)."""
    beside: tuple[str, ...] = ("equal", "off")
    """Allocators, or 'off', to run the same with."""
    live: bool = False
    """Run real sessions, every role a process, instead of the virtual clock."""
    delay_ms: float = 20.0
    """One-way delay of every hop [ms]."""
    jitter_ms: float = 2.0
    """Its jitter [ms]."""
    seed: int = 0
    """Seed of every random draw."""
    report: str = ""
    """Write every figure to this JSON file."""
    figure: str = ""
    """Draw the runs over time into this PNG file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything starts."""
        for name in (self.allocator, *self.beside):
            check_allocator(AllocationCfg(allocator=name))
        for name in ("report", "figure", "markdown"):
            path = Path(getattr(self, name))
            if not path.parent.is_dir():
                raise ConfigError(f"--{name} has no folder", given=path, mend=f"create {path.parent}")

    def session(self) -> SessionCfg:
        """The session that is squeezed."""
        return SessionCfg(network=NetworkCfg(delay_ms=self.delay_ms, jitter_ms=self.jitter_ms), seed=self.seed)


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 where the bars were not reached."""
    from teletwin.report.squeeze import squeeze_lines, squeeze_table
    from teletwin.report.text_table import show_table, terminal

    options = read_options(SqueezeOptions, arguments, command="bench squeeze", description=__doc__ or "")
    console = terminal()
    with console.status("squeeze") as status:
        runs: list[dict[str, Any]] = []
        for name in (options.allocator, *options.beside):
            status.update(f"squeeze: {name}")
            runs.append(_run(options, name))
    show_table(squeeze_table(runs), console)
    for line in squeeze_lines(runs):
        console.print(line, highlight=False)
    _write(options, runs)
    for text in runs[0]["failures"]:
        print(f"teletwin bench squeeze: {options.allocator}: {text}", file=sys.stderr)
    return 1 if runs[0]["failures"] else 0


def _run(options: SqueezeOptions, name: str) -> dict[str, Any]:
    from teletwin.bench.squeeze import as_json, judge, series

    if options.live:
        from teletwin.bench.squeeze_live import squeeze_live

        trace = squeeze_live(options.session(), allocator=name)
    else:
        from teletwin.bench.squeeze_virtual import squeeze_virtual

        trace = squeeze_virtual(options.session(), allocator=name)
    return as_json(judge(trace)) | {"series": series(trace)}


def _write(options: SqueezeOptions, runs: list[dict[str, Any]]) -> None:
    from teletwin.bench.squeeze import LIMIT_MS
    from teletwin.report.squeeze import draw_squeeze, squeeze_lines, squeeze_table

    if options.report:
        from teletwin.report.document import build_report, write_report

        utc = utc_text()
        configuration = replace(options, report="", figure="", markdown="")
        results = {"runs": [{name: value for name, value in run.items() if name != "series"} for run in runs]}
        document = build_report(
            "squeeze", results=results, configuration=configuration, seed=options.seed, created_utc=utc
        )
        write_report(document, options.report)
    if options.figure:
        note = "live session" if options.live else "virtual clock"
        note += f", {options.delay_ms:g} ms one way, 8 to 1.5 Mb/s, compute to a third"
        draw_squeeze(options.figure, runs, limit_ms=LIMIT_MS, note=note)
    if options.markdown:
        text = squeeze_table(runs).markdown() + "\n" + "".join(f"- {line}\n" for line in squeeze_lines(runs))
        Path(options.markdown).write_text(text, encoding="utf-8")
