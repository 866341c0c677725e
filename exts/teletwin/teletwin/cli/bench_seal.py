"""`teletwin bench seal`: what the seal costs, and how many datagrams of strangers and recorders are taken."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.cli.bench_output import counted, show_rows
from teletwin.cli.options import read_options
from teletwin.errors import ConfigError
from teletwin.report.bench_rows import BenchRow


@dataclass(frozen=True, kw_only=True)
class SealOptions:
    """Options of `teletwin bench seal`."""

    count: int = 1_000_000
    """Datagrams that nobody should believe, of thirteen kinds."""
    seed: int = 0
    """What they hold."""
    report: str = ""
    """Write every figure to this JSON file."""
    markdown: str = ""
    """Write the table as Markdown to this file."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError("--count is too small", given=self.count, allowed="1 or more")


def main(arguments: list[str]) -> int:
    """Measure, attack, print the table; 1 when a bar is not met."""
    from teletwin.bench.seal import seal_rows
    from teletwin.bench.seal_attack import attack

    options = read_options(SealOptions, arguments, command="bench seal", description=__doc__ or "")
    rows = list(seal_rows())
    with counted("datagrams", options.count) as done:
        for kind, shown, taken in attack(options.count, seed=options.seed, say=done):
            rows.append(BenchRow(name=f"taken, {kind}", unit=f"of {shown}", value=float(taken), bar=0.0))
    return show_rows("bench seal", rows, options, report=options.report, markdown=options.markdown, seed=options.seed)
