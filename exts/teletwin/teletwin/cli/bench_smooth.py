"""`teletwin bench smooth`: reversals, jerk and shaking of the arm beside its error, on handwriting and recordings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from teletwin.cli.bench_output import show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class SmoothOptions:
    """Options of `teletwin bench smooth`."""

    recordings: str = ""
    """Folder with TUM or CSV recordings; handwriting is always measured."""
    delay_ms: float = 60.0
    """One-way delay of every hop [ms]."""
    jitter_ms: float = 10.0
    """Its jitter [ms]."""
    loss: float = 0.0
    """Share of packets lost."""
    seconds: float = 20.0
    """Virtual time of each run [s]."""
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
        if self.seconds < 8.0 or not 1 <= self.jobs <= 3:
            raise ConfigError(
                "the study cannot be run so",
                given=f"{self.seconds:g} s, {self.jobs} jobs",
                allowed="8 s or more, 1 ... 3 jobs",
            )


def main(arguments: list[str]) -> int:
    """Measure, print the table, write what was asked for; 1 where a bar is not met."""
    from teletwin.bench.effect import hands
    from teletwin.bench.smooth import SmoothCfg, measure_smoothness, smooth_rows

    options = read_options(SmoothOptions, arguments, command="bench smooth", description=__doc__ or "")
    cfg = SmoothCfg(
        delay_ms=options.delay_ms,
        jitter_ms=options.jitter_ms,
        loss=options.loss,
        duration_s=options.seconds,
        seed=options.seed,
    )
    rows: list[BenchRow] = []
    runs: dict[str, dict[str, dict[str, float]]] = {}
    for hand in hands(options.recordings):
        measured = measure_smoothness(hand, cfg, jobs=options.jobs)
        rows += smooth_rows(hand, measured)
        runs[Path(hand).stem] = {way: asdict(run) for way, run in measured.items()}
    return show_rows(
        "smooth",
        rows,
        options,
        report=options.report,
        markdown=options.markdown,
        more={"runs": runs},
        seed=options.seed,
    )
