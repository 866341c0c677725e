"""`teletwin bench stop`: Stop under floods of legal messages on every socket, and on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow

BAR_MS = 50.0


@dataclass(frozen=True, kw_only=True)
class StopOptions:
    """Options of `teletwin bench stop`."""

    times: int = 1000
    """How often Stop is pressed."""
    busy: int = 8
    """Processes beside the session that do nothing but compute."""
    controller_host: str = "127.0.0.1"
    """Loopback address of the virtual UR3e controller."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be counted."""
        if self.times < 1 or self.busy < 0:
            raise ConfigError(
                "nothing to count", given=(self.times, self.busy), allowed="--times from 1, --busy from 0"
            )


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.stop.run import run_stops

    options = read_options(StopOptions, arguments, command="bench stop", description=__doc__ or "")
    with counted("stops", options.times) as tell:
        delays = run_stops(options.times, busy=options.busy, controller_host=options.controller_host, tell=tell)
    rows = list(stop_rows(delays, busy=options.busy))
    more = {"delays_ms": delays}
    return show_rows("bench stop", rows, options, report=options.report, markdown=options.markdown, more=more)


def stop_rows(delays: Sequence[float | None], *, busy: int) -> Iterator[BenchRow]:
    """How many reached the arm, and how late."""
    got = [delay for delay in delays if delay is not None]
    note = f"6000 messages a second on the page's socket, 5000 on the roles'; {busy} busy processes"
    yield BenchRow(name="Stops that never reached the arm", unit="", value=len(delays) - len(got), bar=0, note=note)
    if got:
        p50, p99, most = np.percentile(got, [50, 99, 100])
        note = f"p50 {p50:.1f}, most {most:.1f}; from receipt at the page's server to the arm's braking"
        yield BenchRow(name="Stop to braking, p99", unit="ms", value=float(p99), bar=BAR_MS, note=note)
