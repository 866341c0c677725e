"""`teletwin bench viewers`: what nine observers, one on a slow link, cost the operator in Chromium."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from teletwin.cli.bench_output import show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ViewersOptions:
    """Options of `teletwin bench viewers`."""

    seconds: float = 120.0
    """Measured time, half of it with the operator alone [s]."""
    observers: int = 9
    """Viewers beside the operator's."""
    slow_kbps: float = 300.0
    """What the link of the last of them carries [kb/s]."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be measured."""
        if self.seconds < 6.0:
            raise ConfigError("--seconds is too short to judge", given=self.seconds, allowed="6 s or more")
        if not 2 <= self.observers <= 31:
            raise ConfigError("--observers is out of range", given=self.observers, allowed="2 ... 31")
        if not 50.0 <= self.slow_kbps <= 1e5:
            raise ConfigError("--slow-kbps is out of range", given=self.slow_kbps, allowed="50 ... 100000")


def main(arguments: list[str]) -> int:
    """Measure, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.viewers.rows import rows_of_viewers
    from teletwin.bench.viewers.study import measure_viewers

    options = read_options(ViewersOptions, arguments, command="bench viewers", description=__doc__ or "")
    figures = measure_viewers(
        seconds=options.seconds,
        observer_count=options.observers,
        slow_kbps=options.slow_kbps,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    rows = list(rows_of_viewers(figures))
    more = {"observers": figures.observers}
    return show_rows("bench viewers", rows, options, report=options.report, markdown=options.markdown, more=more)
