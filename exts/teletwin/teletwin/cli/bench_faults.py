"""`teletwin bench faults`: seeded runs on bad networks, processes that are killed, input that nobody meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class FaultsOptions:
    """Options of `teletwin bench faults`."""

    runs: int = 1000
    """Seeded runs on the virtual clock: loss, blackouts, duplication, reordering, clocks that are set anew."""
    seconds: float = 5.0
    """Virtual time of each, about [s]."""
    jobs: int = 0
    """Processes that run them; 0 takes every core."""
    resume: str = ""
    """File of finished runs (JSON lines), from which a study that was broken off goes on."""
    kill: int = 0
    """So many live sessions in which each process is killed once."""
    fuzz: int = 0
    """So many mutated inputs, divided among everything that reads a socket or a file."""
    guided: bool = False
    """Let atheris choose the inputs by what they reach, a reader after the other in a process of its own."""
    seed: int = 0
    """Seed of the mutations."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller (kill)."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        for name in ("runs", "jobs", "kill", "fuzz"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} is negative", given=getattr(self, name), allowed="0 or more")
        if not 3.0 <= self.seconds <= 60.0:
            raise ConfigError("--seconds is out of range", given=self.seconds, allowed="3 ... 60 s")
        if not self.runs + self.kill + self.fuzz:
            raise ConfigError("nothing to do", mend="give --runs, --kill or --fuzz")


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    options = read_options(FaultsOptions, arguments, command="bench faults", description=__doc__ or "")
    rows: list[BenchRow] = []
    more: dict[str, Any] = {}
    for part in (_runs, _kills, _fuzz):
        found, told = part(options)
        rows += found
        more |= told
    return show_rows(
        "bench faults", rows, options, report=options.report, markdown=options.markdown, more=more, seed=options.seed
    )


_Part = tuple[list[BenchRow], dict[str, Any]]


def _runs(options: FaultsOptions) -> _Part:
    if not options.runs:
        return [], {}
    from teletwin.bench.faults.rows import run_rows
    from teletwin.bench.faults.study import run_study, summarize

    with counted("seeded runs", options.runs) as tell:
        runs = run_study(
            runs=options.runs, seconds=options.seconds, jobs=options.jobs, resume=options.resume, tell=tell
        )
    summary = summarize(runs)
    return list(run_rows(summary)), {"summary": summary, "runs": runs}


def _kills(options: FaultsOptions) -> _Part:
    if not options.kill:
        return [], {}
    from teletwin.bench.faults.aftermath import summarize_kills
    from teletwin.bench.faults.kill import TARGETS, kill_all
    from teletwin.bench.faults.rows import kill_rows

    with counted("kills", options.kill * len(TARGETS)) as tell:
        kills = kill_all(times=options.kill, controller_host=options.controller_host, tell=tell)
    rows = summarize_kills(kills)
    return list(kill_rows(rows)), {"kill_summary": rows, "kills": kills}


def _fuzz(options: FaultsOptions) -> _Part:
    if not options.fuzz:
        return [], {}
    from teletwin.bench.faults.fuzz import fuzz_all
    from teletwin.bench.faults.fuzz.guided import guide_all
    from teletwin.bench.faults.rows import fuzz_rows

    feed = guide_all if options.guided else fuzz_all
    with counted("inputs", options.fuzz) as tell:
        targets = feed(options.fuzz, seed=options.seed, tell=tell)
    return list(fuzz_rows(targets)), {"fuzz": targets}
