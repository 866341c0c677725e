"""`teletwin bench rest`: Hold, Stop, faults, and roles that die or stand still while the arm moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class RestOptions:
    """Options of `teletwin bench rest`."""

    virtual: int = 20
    """Runs on the virtual clock of each cause at each border."""
    live: int = 0
    """Live sessions of each cause: words, and roles that are killed or suspended for each of four times."""
    jobs: int = 0
    """Processes that do the runs on the virtual clock; 0 takes every core."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller (live)."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        for name in ("virtual", "live", "jobs"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} is negative", given=getattr(self, name), allowed="0 or more")
        if not self.virtual + self.live:
            raise ConfigError("nothing to do", mend="give --virtual or --live")


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.rest.borders import BORDERS
    from teletwin.bench.rest.cases import CAUSES
    from teletwin.bench.rest.live import live_sessions, run_live
    from teletwin.bench.rest.rows import rest_rows
    from teletwin.bench.rest.study import run_virtual

    options = read_options(RestOptions, arguments, command="bench rest", description=__doc__ or "")
    rows: list[BenchRow] = []
    more: dict[str, Any] = {}
    if options.virtual:
        with counted("virtual clock", options.virtual * len(CAUSES) * len(BORDERS)) as tell:
            more["virtual"] = run_virtual(each=options.virtual, jobs=options.jobs, tell=tell)
        rows += rest_rows("virtual", more["virtual"])
    if options.live:
        with counted("live", options.live * sum(map(len, live_sessions()))) as tell:
            more["live"] = run_live(times=options.live, controller_host=options.controller_host, tell=tell)
        rows += rest_rows("live", more["live"])
    return show_rows("bench rest", rows, options, report=options.report, markdown=options.markdown, more=more)
