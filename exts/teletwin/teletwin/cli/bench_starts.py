"""`teletwin bench starts`: the demo, started again and again beside busy processes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from teletwin.cli.bench_output import show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class StartsOptions:
    """Options of `teletwin bench starts`."""

    times: int = 40
    """How often the demo is started."""
    busy: int = 8
    """Processes beside it that do nothing but compute."""
    seconds: float = 60.0
    """For how long each is watched once its arm follows [s]."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.times < 1 or self.busy < 0 or not 5.0 <= self.seconds <= 3600.0:
            given = (self.times, self.busy, self.seconds)
            allowed = "--times from 1, --busy from 0, --seconds 5 to 3600"
            raise ConfigError("nothing to count", given=given, allowed=allowed)


def main(arguments: list[str]) -> int:
    """Run, print a line for each start and the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.starts.rows import start_line, start_rows
    from teletwin.bench.starts.run import fifo_granted, run_starts

    options = read_options(StartsOptions, arguments, command="bench starts", description=__doc__ or "")
    fifo = fifo_granted()
    print(f"SCHED_FIFO is {'permitted' if fifo else 'not permitted'} here", flush=True)
    starts = run_starts(
        options.times,
        busy=options.busy,
        seconds=options.seconds,
        controller_host=options.controller_host,
        tell=lambda number, start: print(start_line(number, start), flush=True),
    )
    rows = list(start_rows(starts, busy=options.busy, seconds=options.seconds, fifo=fifo))
    more = {"fifo_granted": fifo, "starts": [dataclasses.asdict(start) for start in starts]}
    return show_rows("bench starts", rows, options, report=options.report, markdown=options.markdown, more=more)
