"""`teletwin forecast`: forecasters side by side on recorded and made-up hands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin.bench.forecast_study.hands import StudyHand
    from teletwin.bench.forecast_study.run import Study, StudyCfg
    from teletwin.report.bench_rows import BenchRow

_DESCRIPTION = """Forecast every recording with every forecaster and say what each errs, beside holding the pose.

`teletwin forecast fit` fits the pooled model on recordings, `teletwin forecast teach` learns a person's habits."""


@dataclass(frozen=True, kw_only=True)
class ForecastOptions:
    """Options of `teletwin forecast`."""

    recordings: str = ""
    """Folder of recordings; every file that a reader knows is taken."""
    window_ms: int = 1000
    """Past that a forecaster sees."""
    horizon_ms: int = 500
    """Longest horizon, in steps of 20 ms."""
    forecasters: str = ""
    """Names with commas between; empty: all that keep up with the loop, and the pooled ones fitted anew."""
    hands: str = "line,reach,write,trace,handwriting"
    """Hands that need no file, with commas between; 'none' for none."""
    seeds: int = 8
    """Operators made up of each kind; their errors are pooled."""
    duration: float = 30.0
    """How long each of these moves [s]."""
    every_ms: int = 50
    """Forecasters run at 100 Hz; their error is counted this often."""
    person: str = ""
    """Start the combined forecaster from what is kept of a person; `teletwin forecast teach` and sessions make it."""
    thin_count: int = 60
    """Windows of a hand that a slow forecaster (arima, statsmodels-autoreg, informer) is given."""
    rates: str = "30,60,90,125"
    """Sample rates [Hz] at which recordings are judged besides their own, with commas between; 'none' for none."""
    settle_ms: int = 2000
    """Forecasts count from so late on in each recording."""
    scaled: bool = False
    """Bring the motion into the arm's workspace first; else it stays as fast and wide as it was recorded."""
    cost: bool = True
    """Time the forecasters beside statsmodels as well."""
    out: str = ""
    """Write tables, figures and the JSON report into this folder."""
    report: str = ""
    """Write every figure to this JSON file."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not 1 <= self.seeds <= 100 or not 5.0 <= self.duration <= 3600.0:
            raise ConfigError(
                "made-up hands are out of range",
                given=f"{self.seeds} seeds, {self.duration:g} s",
                allowed="1 ... 100, 5 ... 3600 s",
            )


def main(arguments: list[str]) -> int:
    """Study the hands, fit the pooled model, or learn a person's habits."""
    if arguments[:1] == ["fit"]:
        from teletwin.cli.forecast_fit import fit

        return fit(arguments[1:])
    if arguments[:1] == ["teach"]:
        from teletwin.cli.forecast_teach import teach

        return teach(arguments[1:])
    return study(read_options(ForecastOptions, arguments, command="forecast", description=_DESCRIPTION))


def study(options: ForecastOptions) -> int:
    """Run the study, print it, write what was asked for.

    Returns:
        0 when all hands were judged, whatever it found; 1 when one was left out or cut at a gap.
    """
    from teletwin.bench.forecast_study.bars import accuracy_rows
    from teletwin.bench.forecast_study.cells import cell_rows
    from teletwin.bench.forecast_study.habit_rows import habit_rows
    from teletwin.bench.forecast_study.hands import study_hands
    from teletwin.bench.forecast_study.run import long_enough
    from teletwin.report.forecast_tables import study_tables
    from teletwin.report.table import bench_table
    from teletwin.report.text_table import show_table, terminal

    cfg = _cfg(options)
    _check_targets(options)
    left_out: dict[str, str] = {}
    hands = study_hands(
        recordings=options.recordings,
        names=_split(options.hands),
        seeds=options.seeds,
        duration_s=options.duration,
        scaled=options.scaled,
        left_out=left_out,
    )
    hands = long_enough(hands, cfg, left_out)
    outcome = _run(hands, cfg)
    outcome.results["left_out"] = left_out
    rows = [
        *cell_rows(outcome.results),
        *accuracy_rows(outcome.results),
        *habit_rows(outcome.results),
        *(_cost_rows() if options.cost else ()),
    ]
    console = terminal()
    for table in (*study_tables(outcome.results), bench_table(rows)):
        show_table(table, console)
    for line in _write(options, cfg, outcome, rows):
        console.print(line, highlight=False, soft_wrap=True)
    complaints = _complaints(hands, left_out)
    for line in complaints:
        console.print(line, style="yellow", highlight=False, soft_wrap=True, markup=False)
    return 1 if complaints else 0


def _complaints(hands: Sequence[StudyHand], left_out: Mapping[str, str]) -> list[str]:
    """What was not judged as it was given."""
    lines = [f"left out: {name}: {reason}" for name, reason in left_out.items()]
    lines += [f"cut at {hand.gaps} gaps: {hand.name}" for hand in hands if hand.gaps]
    if lines:
        lines.append(
            f"{len(hands)} hands judged, {len(left_out)} left out, {sum(h.gaps > 0 for h in hands)} cut at gaps"
        )
    return lines


def _cfg(options: ForecastOptions) -> StudyCfg:
    from teletwin.bench.forecast_study.entries import usual_names
    from teletwin.bench.forecast_study.run import StudyCfg
    from teletwin.forecast.person_file import known_person

    return StudyCfg(
        forecasters=_split(options.forecasters) or usual_names(),
        window_ms=options.window_ms,
        horizon_ms=options.horizon_ms,
        every_ms=options.every_ms,
        person=known_person(options.person) if options.person else None,
        thin_count=options.thin_count,
        settle_ms=options.settle_ms,
        rates_hz=_rates(options.rates),
    )


def _rates(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _split(text))
    except ValueError:
        raise ConfigError("--rates cannot be used", given=text, allowed="whole numbers with commas between") from None


def _run(hands: Sequence[StudyHand], cfg: StudyCfg) -> Study:
    from rich.progress import Progress

    from teletwin.bench.forecast_study.run import run_study, total_slots

    with Progress(transient=True) as progress:
        task = progress.add_task("forecast", total=total_slots(hands, cfg))
        return run_study(
            hands, cfg, advance=lambda name, slots: progress.update(task, advance=slots, description=name[:32])
        )


def _cost_rows() -> list[BenchRow]:
    from teletwin.bench.forecast import measure_forecast
    from teletwin.bench.forecast_study.bars import cost_rows

    return list(cost_rows(measure_forecast(calls=1000, batch_calls=10)))


def _write(options: ForecastOptions, cfg: StudyCfg, outcome: Study, rows: Sequence[BenchRow]) -> list[str]:
    """The report, the tables and the figures, where asked for; what to say about them."""
    from teletwin.report.document import build_report, write_report

    said = []
    folder = Path(options.out) if options.out else None
    targets = [Path(options.report)] if options.report else []
    if folder is not None:
        targets.append(folder / "forecast.json")
    if targets:
        results = {**outcome.results, "bars": [_plain(row) for row in rows]}
        utc = utc_text()
        configuration = {"options": options, "study": cfg}
        document = build_report("forecast", results=results, configuration=configuration, seed=None, created_utc=utc)
        said += [f"report: {write_report(document, target)}" for target in targets]
    if folder is not None:
        said += _write_folder(folder, outcome, rows)
    return said


def _write_folder(folder: Path, outcome: Study, rows: Sequence[BenchRow]) -> list[str]:
    from teletwin.bench.forecast_study.cells import MEASURES, cells_of
    from teletwin.report.forecast_cells import cells_markdown, draw_cells
    from teletwin.report.forecast_figures import save_study_figures
    from teletwin.report.forecast_tables import names_of, study_markdown
    from teletwin.report.table import bench_table

    names = names_of(outcome.results)
    fanned = [name for name in ("combined", "arma", "autoreg") if name in names] or names[-1:]
    figures = save_study_figures(outcome.results, outcome.traces, folder, fanned=fanned)
    text = f"{bench_table(rows).markdown()}\n{study_markdown(outcome.results)}"
    for measure, key in MEASURES.items():
        if found := cells_of(outcome.results, measure):
            text += f"\n{cells_markdown(found, measure=measure, unit=key.rpartition('_')[2])}"
            figures.append(draw_cells(folder / f"forecast_cells_{measure}.png", found, measure=measure))
    tables = folder / "forecast.md"
    tables.write_text(text, encoding="utf-8")
    return [f"tables: {tables}", *(f"figure: {path}" for path in figures)]


def _plain(row: BenchRow) -> dict[str, object]:
    """A row for JSON; the unit stands beside the value."""
    return {"name": row.name, "unit": row.unit, "value": row.value, "bar": row.bar, "passed": row.passed} | {
        "beside": dict(row.beside),
        "note": row.note,
    }


def _split(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(part.strip() for part in text.split(",") if part.strip())


def _check_targets(options: ForecastOptions) -> None:
    """Say at once, not after the study, that the output cannot be written."""
    if options.out:
        try:
            Path(options.out).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                "--out cannot be a folder", given=options.out, mend=error.strerror or str(error)
            ) from error
    if options.report and Path(options.report).is_dir():
        raise ConfigError("--report names a folder", given=options.report, allowed="a file")
