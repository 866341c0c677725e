"""`teletwin bench freeze`: how long pictures stand still on lossy paths, streamed and drawn, on the virtual clock."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.session.config import VIEWS


@dataclass(frozen=True, kw_only=True)
class FreezeOptions:
    """Options of `teletwin bench freeze`."""

    view: tuple[str, ...] = VIEWS
    """Streamed pictures, drawn states, or both."""
    loss: tuple[float, ...] = (0.0, 0.01, 0.05)
    """Shares of the datagrams that are lost on every hop, 0 ... 0.5."""
    round_trip_ms: tuple[float, ...] = (40.0, 240.0)
    """Round trips of every hop [ms]."""
    burst_ms: float = 0.0
    """Mean length of bursts of loss [ms]; 0 loses each datagram by itself."""
    seconds: float = 50.0
    """Virtual time of each run [s]."""
    seeds: int = 1
    """Runs over each path; the worst counts."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not set(self.view) <= set(VIEWS):
            raise ConfigError("unknown view", given=", ".join(self.view), allowed=", ".join(VIEWS))
        if not all(0.0 <= loss <= 0.5 for loss in self.loss):
            raise ConfigError("--loss is out of range", given=self.loss, allowed="0 ... 0.5")
        if not all(1.0 <= each <= 1000.0 for each in self.round_trip_ms) or not 0.0 <= self.burst_ms <= 1000.0:
            given = f"round trips of {self.round_trip_ms} ms, bursts of {self.burst_ms:g} ms"
            raise ConfigError(
                "the paths cannot be imitated", given=given, allowed="1 ... 1000 ms, bursts 0 ... 1000 ms"
            )
        if self.seconds < 5.0 or not 1 <= self.seeds <= 100:
            given = f"{self.seconds:g} s, {self.seeds} seeds"
            raise ConfigError("the runs show nothing", given=given, allowed="5 s or more, 1 ... 100 seeds")


def main(arguments: list[str]) -> int:
    """Run, print the table, write what was asked for; 1 when a bar is not met."""
    from teletwin.bench.freeze import freeze_rows, measure_freeze

    options = read_options(FreezeOptions, arguments, command="bench freeze", description=__doc__ or "")
    paths = [
        (view, loss, trip_ms, seed)
        for view in options.view
        for loss in options.loss
        for trip_ms in options.round_trip_ms
        for seed in range(options.seeds)
    ]
    runs = []
    with counted("paths", len(paths)) as progress:
        for view, loss, trip_ms, seed in paths:
            run = measure_freeze(
                view, loss=loss, round_trip_ms=trip_ms, burst_ms=options.burst_ms, seed=seed, seconds=options.seconds
            )
            runs.append(run)
            progress(len(runs))
    rows = list(freeze_rows(runs))
    more = {"runs": [asdict(run) for run in runs]}
    return show_rows("bench freeze", rows, options, report=options.report, markdown=options.markdown, more=more)
