"""`teletwin bench drag`: a person's drag at the page, on the virtual loop and in real browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from teletwin.cli.bench_output import show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class DragOptions:
    """Options of `teletwin bench drag`."""

    browsers: bool = False
    """Drag in real Chromium and Firefox, where they are installed, instead of on the virtual loop."""
    diameter_mm: float = 66.0
    """Of the circle [mm]."""
    delay_ms: float = 60.0
    """One-way delay of every hop [ms]."""
    jitter_ms: float = 10.0
    """Its jitter [ms]."""
    loss: float = 0.0
    """Share of packets lost."""
    seconds: float = 14.0
    """Of each run, virtual or real [s]; the first four do not count."""
    seeds: int = 3
    """Runs of each kind, each with other inputs and another network."""
    first_seed: int = 0
    """Seed of the first."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run, before anything starts."""
        if self.seconds < 8.0 or not 1 <= self.seeds <= 100:
            given = f"{self.seconds:g} s, {self.seeds} seeds"
            raise ConfigError("the drag cannot be run so", given=given, allowed="8 s or more, 1 ... 100 seeds")
        if not 5.0 <= self.diameter_mm <= 140.0:
            raise ConfigError("the circle does not fit", given=f"{self.diameter_mm:g} mm", allowed="5 ... 140 mm")


def main(arguments: list[str]) -> int:
    """Measure, print the table, write what was asked for; 1 where a bar is not met."""
    import sys

    options = read_options(DragOptions, arguments, command="bench drag", description=__doc__ or "")
    rows: list[BenchRow] = list(_measure(options, lambda text: print(f"drag: {text}", file=sys.stderr, flush=True)))
    return show_rows("drag", rows, options, report=options.report, markdown=options.markdown, seed=options.first_seed)


def _measure(options: DragOptions, say: Callable[[str], None]) -> Iterator[BenchRow]:
    from teletwin.bench.dragged.loop import DragCfg
    from teletwin.bench.dragged.rows import drag_rows

    seeds = range(options.first_seed, options.first_seed + options.seeds)
    cfg = DragCfg(delay_ms=options.delay_ms, jitter_ms=options.jitter_ms, loss=options.loss, duration_s=options.seconds)
    if options.browsers:
        from teletwin.bench.dragged.live import browser_rows

        return browser_rows(cfg, diameter_m=1e-3 * options.diameter_mm, say=say)
    return drag_rows(cfg, diameter_m=1e-3 * options.diameter_mm, seeds=seeds, say=say)
