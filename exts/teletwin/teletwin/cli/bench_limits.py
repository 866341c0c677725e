"""`teletwin bench limits`: seeded hands and adversarial searches against the limits, judged by exact meshes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class LimitsOptions:
    """Options of `teletwin bench limits`."""

    hands: int = 3000
    """Seeded hands of every kind in turn."""
    seconds: float = 10.0
    """Length of each [s]."""
    searches: int = 200
    """Adversarial searches for penetration, body speed, jerk and chatter, in turn."""
    evaluations: int = 500
    """Trials of each search."""
    seed: int = 0
    """Seed of everything."""
    report: str = ""
    """Write every figure, and what repeats each contact and violation, to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        for name in ("hands", "searches", "evaluations"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} is negative", given=getattr(self, name), allowed="0 or more")
        if not 1.0 <= self.seconds <= 60.0:
            raise ConfigError("--seconds is out of range", given=self.seconds, allowed="1 ... 60 s")
        if not self.hands + self.searches:
            raise ConfigError("nothing to do", mend="give --hands or --searches")


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    options = read_options(LimitsOptions, arguments, command="bench limits", description=__doc__ or "")
    from teletwin.bench.limits_study.rows import kind_rows, study_rows
    from teletwin.bench.limits_study.search import POPULATION
    from teletwin.bench.limits_study.study import run_hands, run_searches

    rows: list[BenchRow] = []
    more: dict[str, Any] = {}
    if options.hands:
        with counted("hands", options.hands) as tell:
            tallies = run_hands(hands=options.hands, seconds=options.seconds, seed=options.seed, tell=tell)
        rows += [*study_rows("hands", tallies), *kind_rows("hands", tallies)]
        more["hands"] = {name: tally.summary() for name, tally in tallies.items()}
    if options.searches:
        with counted("generations", max(1, options.evaluations // POPULATION)) as tell:
            tallies, _ = run_searches(
                searches=options.searches, evaluations=options.evaluations, seed=options.seed, tell=tell
            )
        rows += [*study_rows("searches", tallies), *kind_rows("searches", tallies)]
        more["searches"] = {name: tally.summary() for name, tally in tallies.items()}
    return show_rows(
        "bench limits", rows, options, report=options.report, markdown=options.markdown, more=more, seed=options.seed
    )
