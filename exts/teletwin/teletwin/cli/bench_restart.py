"""`teletwin bench restart`: outages of every hop and role, lost enabling inputs; what moves without a person's act."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class RestartOptions:
    """Options of `teletwin bench restart`."""

    outages: bool = True
    """Every outage for every length from 0.1 to 120 s, and every ordered pair."""
    quick: bool = False
    """Few of them."""
    losses: int = 50
    """Losses of the enabling input for each cause."""
    minutes: float = 60.0
    """Virtual time on networks that are bad but work, each [min]."""
    jobs: int = 0
    """Processes; 0 takes every core."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        for name in ("losses", "minutes", "jobs"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} is negative", given=getattr(self, name), allowed="0 or more")
        if not (self.outages or self.losses or self.minutes):
            raise ConfigError("nothing to do", mend="give --outages, --losses or --minutes")


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.restart.rows import enabling_rows, outage_rows, patience_rows
    from teletwin.bench.restart.study import jobs_of, run_jobs

    options = read_options(RestartOptions, arguments, command="bench restart", description=__doc__ or "")
    todo = jobs_of(quick=options.quick, outages=options.outages, losses=options.losses, minutes=options.minutes)
    with counted("virtual clock", len(todo)) as tell:
        runs = run_jobs(todo, jobs=options.jobs, tell=tell)
    rows: list[BenchRow] = []
    for kind, to_rows in (("outages", outage_rows), ("enabling", enabling_rows), ("patience", patience_rows)):
        rows += to_rows(runs[kind]) if kind in runs else ()
    return show_rows("bench restart", rows, options, report=options.report, markdown=options.markdown, more=dict(runs))
