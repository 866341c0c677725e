"""`teletwin bench soak`: a long session at 500 Hz with a page open; memory, latency and punctuality over time."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass

from teletwin.cli.bench_output import show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SoakOptions:
    """Options of `teletwin bench soak`."""

    minutes: float = 30.0
    """How long [min]."""
    every: float = 10.0
    """Time between two looks at memory and latency [s]."""
    report: str = ""
    """Write every figure and sample to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse runs that show no trend."""
        if not 0.2 <= self.minutes <= 1440.0:
            raise ConfigError("--minutes is out of range", given=self.minutes, allowed="0.2 ... 1440")
        if not 0.5 <= self.every <= 6.0 * self.minutes:
            raise ConfigError(
                "--every is out of range", given=self.every, allowed=f"0.5 ... {6.0 * self.minutes:g} s, ten looks"
            )


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.soak import measure_soak
    from teletwin.bench.soak_rows import rows_of_soak

    options = read_options(SoakOptions, arguments, command="bench soak", description=__doc__ or "")
    figures = measure_soak(
        minutes=options.minutes, every_s=options.every, say=lambda text: print(text, file=sys.stderr, flush=True)
    )
    rows = list(rows_of_soak(figures))
    more = {"samples": [asdict(each) for each in figures.samples]}
    return show_rows("bench soak", rows, options, report=options.report, markdown=options.markdown, more=more)
