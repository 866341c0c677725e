"""`teletwin evaluate adaptation`: how fast step 2 learns a new person, from one start and another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin_training.horizon.live.start import Start

_DESCRIPTION = """Compare starts of step 2 by how well a new person draws after 0, 20, 60 and 120 s.

Persons that no training met take lessons from the live learner. Plain fine-tuning of the policy stands beside each
start and no adaptation; a table, a JSON file and a picture are written. What is done already is read from --out."""


@dataclass(frozen=True, kw_only=True)
class AdaptationOptions:
    """Options of `teletwin evaluate adaptation`."""

    start: str = "runs/meta"
    """Starts: folders of runs or policies (.npz), with commas between. A run of --step meta brings its first stage
    along, as *together*."""
    policy: str = ""
    """The policy of plain fine-tuning: a run's folder or a file; empty: the one that teletwin ships."""
    seeds: int = 10
    persons: int = 12
    """For each seed."""
    condition: str = "mixed"
    """Networks: see docs/training.md."""
    sessions: int = 24
    """How many of them."""
    marks: str = "0,20,60,120"
    """Seconds of drawing after which they are judged, rising, with commas between."""
    judged_slots: int = 1500
    """Length of the drawing that judges [10 ms]; its first 3 s do not count."""
    out: str = "runs/adaptation"
    """Folder of table, picture and the JSON report."""
    report: str = ""
    """Write every figure to this JSON file as well."""


def main(arguments: list[str]) -> int:
    """Run the study with the options of a command line."""
    return run(read_options(AdaptationOptions, arguments, command="evaluate adaptation", description=_DESCRIPTION))


def run(options: AdaptationOptions) -> int:
    """Compare, print, write; 0 when it ran to its end, whatever it found."""
    from rich.progress import Progress

    from teletwin.report.document import build_report, write_report
    from teletwin.report.text_table import show_table, terminal
    from teletwin_training.cli.evaluate import policy_files
    from teletwin_training.horizon.evaluation.adaptation import (
        BAR_AT_S,
        adaptation_table,
        bar_line,
        compare_adaptation,
        save_adaptation_figure,
    )
    from teletwin_training.horizon.live.start import find_start
    from teletwin_training.horizon.meta.study import AdaptationCfg
    from teletwin_training.run_folder import made_folder

    cfg = AdaptationCfg(
        seeds=options.seeds,
        persons=options.persons,
        condition=options.condition,
        sessions=options.sessions,
        marks_s=_marks(options.marks),
        judged_slots=options.judged_slots,
    )
    policy = find_start(str(policy_files(options.policy)[0]), paper_mode=False, seed=0).policy
    starts, folder, console = _starts(options.start), made_folder(options.out), terminal()
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("networks", total=None)

        def tell(text: str, done: int, total: int) -> None:
            progress.update(task, description=text, completed=done, total=total)

        study = compare_adaptation(policy, starts, cfg, folder / "parts", tell)
    table = adaptation_table(study)
    show_table(table, console)
    lines = [bar_line(study, name) for name in starts if BAR_AT_S in cfg.marks_s]
    told = "\n".join([table.markdown(), *lines, ""])
    (folder / "adaptation.md").write_text(told, encoding="utf-8")
    document = build_report("evaluate", results=study, configuration=options, seed=0, created_utc=utc_text())
    targets = [folder / "adaptation.json", *([Path(options.report)] if options.report else [])]
    lines += [f"report: {write_report(document, target)}" for target in targets]
    lines.append(f"figure: {save_adaptation_figure(study, folder / 'adaptation.png')}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
    return 0


def _marks(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError("--marks are no seconds", given=text, allowed="numbers with commas between") from None


def _starts(text: str) -> dict[str, Start]:
    """Starts by name; the first stage of a meta-learned one after it.

    Raises:
        ConfigError: One is not there, or two are called alike.
    """
    from teletwin_training.horizon.live.start import find_start
    from teletwin_training.horizon.meta.step import TOGETHER_NAME

    found: dict[str, Any] = {}
    for part in (each.strip() for each in text.split(",") if each.strip()):
        path = Path(part)
        name = path.stem if path.suffix == ".npz" else path.resolve().name
        if name in found or name in ("fixed", "plain"):
            raise ConfigError("two starts have one name", given=part, mend="call the folders differently")
        found[name] = find_start(part, paper_mode=False, seed=0)
        if (path / TOGETHER_NAME).is_file():
            found[f"{name}, together"] = find_start(str(path / TOGETHER_NAME), paper_mode=False, seed=0)
    if not found:
        raise ConfigError("no start is named", given=text or "nothing", mend="give --start FOLDER")
    return found
