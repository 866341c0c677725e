"""`teletwin bench fuzz`: inputs that find their own way into every reader, for as long as there is time.

What reached something new is kept and is where the next run begins; what crashed a reader is kept too and tried again.
Needs atheris (`pip install 'teletwin[fuzz]'`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class FuzzOptions:
    """Options of `teletwin bench fuzz`."""

    minutes: float = 60.0
    """Time for all readers together, in equal parts [min]."""
    corpus: str = "runs/fuzz"
    """Folder of the inputs that reached something new: READER/corpus."""
    crashes: str = ""
    """Folder of the inputs that crashed a reader: READER/crashes; that of the corpus when not given."""
    only: tuple[str, ...] = ()
    """Readers, by the names in the table; all when not given."""
    seed: int = 0
    """Seed of the mutations."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        if not 0.0 < self.minutes <= 10_000.0:
            raise ConfigError("--minutes is out of range", given=self.minutes, allowed="more than 0, at most 10000")


def main(arguments: list[str]) -> int:
    """Feed, print the table, write what was asked for; 1 when an input crashed a reader or moved the arm."""
    options = read_options(FuzzOptions, arguments, command="bench fuzz", description=__doc__ or "")
    from teletwin.bench.faults.fuzz.guided import guide_for
    from teletwin.bench.faults.rows import fuzz_rows

    corpus, crashes = Path(options.corpus), Path(options.crashes or options.corpus)
    seconds = 60.0 * options.minutes
    with counted("percent of the time", 100) as tell:
        found = guide_for(seconds, corpus=corpus, crashes=crashes, only=options.only, seed=options.seed, tell=tell)
    rows, more = list(fuzz_rows(found)), {"fuzz": found}
    for name, each in found.items():
        for trace in each["traces"]:
            print(f"{name}:\n{trace}\n")
    return show_rows(
        "bench fuzz", rows, options, report=options.report, markdown=options.markdown, more=more, seed=options.seed
    )
