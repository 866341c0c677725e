"""`teletwin evaluate horizon`: trained policies beside no prediction, fixed horizons, rules and the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

if TYPE_CHECKING:
    from teletwin_training.horizon.evaluation.compare import Outcome
    from teletwin_training.horizon.evaluation.methods import Method

_DESCRIPTION = """Compare policies on held-out hands: every method on the same stretches and networks.

Ratios have paired 95 % intervals, by network and by motion; a table, a JSON file and pictures are written."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Options of `teletwin evaluate horizon`."""

    policy: str = ""
    """Policy files or folders of runs, with commas between; empty: the policy that teletwin ships."""
    recordings: str = ""
    """Folder of held-out recordings."""
    part: str = "all"
    """Of these files by name: 'all', every other one from the first ('train') or from the second ('test')."""
    made_up: str = "line,reach,write,trace,turning,pair,screws"
    """Hands that need no file, with commas between; 'none' for none. Their seeds are others than training's; there is
    only one 'handwriting', which training has usually seen."""
    made_up_seeds: int = 2
    """Operators made up of each kind."""
    made_up_s: float = 40.0
    """How long each of them moves [s]."""
    delays: str = "fixed,jitter,rough,switching,unknown,bursty"
    """Networks, with commas between: see docs/training.md."""
    sessions: int = 4
    """Of each network, for every hand."""
    slots: int = 2500
    """At most, of each stretch [10 ms]."""
    arm: str = "rmpflow"
    """What the arm is: 'rmpflow' (joint space, with limits) or 'lag' (six times faster, some per cent too good)."""
    seed: int = 900_000
    """Of the networks; training draws others."""
    study_seeds: int = 0
    """Train step 1 anew with so many seeds and compare them all; goes on where it was interrupted."""
    closed_loop_seeds: int = 0
    """Train step 2 with simulated persons from the first late bound policy with so many seeds, and compare."""
    speed: bool = False
    """Also time the environment alone."""
    live: bool = False
    """Also run the demo without a browser, 40 s a hand, and hold its errors beside what the environment says."""
    out: str = "runs/evaluation"
    """Folder of tables, pictures and the JSON report."""
    report: str = ""
    """Write every figure to this JSON file as well."""

    def __post_init__(self) -> None:
        for name in ("study_seeds", "closed_loop_seeds"):
            if not 0 <= getattr(self, name) <= 100:
                raise ConfigError(f"{name} is out of range", given=getattr(self, name), allowed="0 ... 100")


def main(arguments: list[str]) -> int:
    """Evaluate what the first argument names."""
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print("usage: teletwin evaluate horizon|allocation|adaptation [options]; --help tells them")
        return 0 if arguments else 2
    if arguments[0] == "allocation":
        from teletwin_training.cli.evaluate_allocation import main as allocation

        return allocation(arguments[1:])
    if arguments[0] == "adaptation":
        from teletwin_training.cli.evaluate_adaptation import main as adaptation

        return adaptation(arguments[1:])
    if arguments[0] != "horizon":
        allowed = "horizon, allocation, adaptation"
        raise ConfigError("nothing that can be evaluated has this name", given=arguments[0], allowed=allowed)
    return run(read_options(EvaluateOptions, arguments[1:], command="evaluate horizon", description=_DESCRIPTION))


def run(options: EvaluateOptions) -> int:
    """Compare, print, write; 0 when every hand that was asked for was judged, 1 when some had to be left out."""
    from teletwin.report.text_table import show_table, terminal
    from teletwin_training.horizon.evaluation.bars import bar_rows
    from teletwin_training.horizon.evaluation.report import write_evaluation
    from teletwin_training.horizon.evaluation.tables import evaluation_tables
    from teletwin_training.run_folder import made_folder

    console = terminal()
    folder = made_folder(options.out)
    methods = _methods(options)
    studies = _studies(options, folder, console)
    outcome = _compare(options, methods, console)
    bars = bar_rows(outcome)
    for table in evaluation_tables(outcome, bars, studies):
        show_table(table, console)
    utc = utc_text()
    for line in write_evaluation(outcome, bars, studies, options, folder, report=options.report, created_utc=utc):
        console.print(line, highlight=False, soft_wrap=True)
    for left in outcome.left_out:
        console.print(f"left out: {left.name}: {left.why}", highlight=False, soft_wrap=True, style="red")
    if outcome.left_out:
        console.print(f"{len(outcome.left_out)} hands left out, {len(outcome.hands)} judged", highlight=False)
    return 1 if outcome.left_out else 0


def policy_files(text: str) -> list[Path]:
    """Files of policies by name; a folder stands for its policy.npz.

    Raises:
        ConfigError: One is not there.
    """
    from teletwin.horizon.learned import policy_path

    if not text:
        return [Path(policy_path(""))]
    paths = [Path(part.strip()) for part in text.split(",") if part.strip()]
    files = [path / "policy.npz" if path.is_dir() else path for path in paths]
    for file in files:
        if not file.is_file():
            raise ConfigError("the policy is not there", given=file, allowed="a file or a run's folder")
    return files


def _methods(options: EvaluateOptions) -> list[Method]:
    """The policies and what they are held against; refused before anything runs where two have one name."""
    from teletwin.horizon.policy_file import load_policy
    from teletwin_training.horizon.evaluation.methods import all_methods, refuse_alike

    files = policy_files(options.policy)
    called = [_name_of(file, files) for file in files]
    refuse_alike(called)
    return all_methods({name: load_policy(file) for name, file in zip(called, files, strict=True)})


def _compare(options: EvaluateOptions, methods: Sequence[Method], console: Any) -> Outcome:
    from rich.progress import Progress

    from teletwin_training.horizon.evaluation.compare import CompareCfg, compare
    from teletwin_training.horizon.hand_names import JUDGING_SEED, HandsCfg, training_hands

    hands = HandsCfg(
        recordings=options.recordings,
        part=options.part,
        made_up=options.made_up,
        made_up_seeds=options.made_up_seeds,
        made_up_s=options.made_up_s,
    )
    conditions = tuple(part.strip() for part in options.delays.split(",") if part.strip())
    cfg = CompareCfg(
        conditions=conditions, sessions=options.sessions, slots=options.slots, seed=options.seed, arm=options.arm
    )
    names = training_hands(hands, first_seed=JUDGING_SEED)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("compare", total=len(methods))
        return compare(
            names, methods, cfg, progress=lambda label: progress.update(task, advance=1, description=label[:40])
        )


def _name_of(file: Path, files: Sequence[Path]) -> str:
    """A short name: the file's, or its folder's where several files are called alike."""
    alike = [other for other in files if other.stem == file.stem]
    return file.resolve().parent.name if len(alike) > 1 or file.stem == "policy" else file.stem


def _studies(options: EvaluateOptions, folder: Path, console: Any) -> dict[str, Any]:
    """Long studies over many seeds, each resumable."""
    found: dict[str, Any] = {}
    if options.study_seeds:
        from teletwin_training.horizon.evaluation.studies import step_one

        found["step1"] = step_one(options, folder / "step1", console)
    if options.closed_loop_seeds:
        from teletwin_training.horizon.evaluation.persons import closed_loop

        start = policy_files(options.policy)[0]
        found["step2"] = closed_loop(start, options.closed_loop_seeds, folder / "step2", console)
    if options.speed:
        from teletwin_training.horizon.speed import measure_speed

        found["speed_slots_s"] = measure_speed()
    if options.live:
        from teletwin_training.horizon.evaluation.studies import live_agreements

        found["live"] = live_agreements(policy_files(options.policy)[0], options.recordings, options.part, console)
    return found
