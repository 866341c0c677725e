"""`teletwin bench hands`: arm and picture beside feed-forward only, every hand over four networks.

They are 5, 30, 60 ± 10 and 150 ± 30 ms on every hop, the last with 2 % loss.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.forecast import DEFAULT_FORECASTER


@dataclass(frozen=True, kw_only=True)
class HandsOptions:
    """Options of `teletwin bench hands`."""

    recordings: str = ""
    """Folder with TUM or CSV recordings; handwriting is always measured."""
    made_up: tuple[str, ...] = ("reach", "line", "write", "turning", "pair", "screws")
    """Made-up operators to measure as well."""
    seconds: float = 20.0
    """Virtual time of each run [s]."""
    policy: str = "rule"
    """Horizon policy, or the path of a policy file."""
    forecaster: str = DEFAULT_FORECASTER
    """Forecaster by name."""
    seed: int = 0
    """Seed of every random draw."""
    jobs: int = 1
    """Runs at a time."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything starts."""
        if self.recordings and not Path(self.recordings).is_dir():
            raise ConfigError(
                "--recordings is no folder", given=self.recordings, allowed="a folder of .tum or .csv files"
            )
        if self.seconds < 10.0 or not 1 <= self.jobs <= 16:
            given = f"{self.seconds:g} s, {self.jobs} jobs"
            raise ConfigError("the study cannot be run so", given=given, allowed="10 s or more, 1 ... 16 jobs")


def main(arguments: list[str]) -> int:
    """Measure, print the table, write what was asked for; 1 where a bar is not met."""
    from teletwin.bench.effect import hands
    from teletwin.bench.never_worse import NETWORKS, measure_worth, worth_rows

    options = read_options(HandsOptions, arguments, command="bench hands", description=__doc__ or "")
    names = [*hands(options.recordings), *options.made_up]
    with counted("hands over networks", len(names) * len(NETWORKS)) as progress:
        runs = measure_worth(
            names,
            NETWORKS,
            seconds=options.seconds,
            seed=options.seed,
            policy=options.policy,
            forecaster=options.forecaster,
            jobs=options.jobs,
            progress=progress,
        )
    more = {"runs": [asdict(run) for run in runs]}
    rows = list(worth_rows(runs))
    return show_rows(
        "hands", rows, options, report=options.report, markdown=options.markdown, more=more, seed=options.seed
    )
