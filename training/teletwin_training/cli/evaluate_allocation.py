"""`teletwin evaluate allocation`: allocators side by side in MetaLore's cells."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from teletwin.cli.options import read_options
from teletwin.clock import utc_text
from teletwin.errors import ConfigError

_DESCRIPTION = """Compare equal, proportional, the best static split, the backlog rule and PPO in MetaLore's cells.

Static splits and weights are chosen on training seeds; the tables are of held-out seeds, the same for all."""


@dataclass(frozen=True, kw_only=True)
class EvaluateAllocationOptions:
    """Options of `teletwin evaluate allocation`."""

    scenario: str = "default,small,large,multi,mobile_sensor,paper,changing"
    """Scenarios with commas between, or 'all'."""
    compat: str = "official"
    """'official', or 'paper': jobs and compute of the code of the paper's time."""
    reward: str = "metalore"
    """'metalore', 'deadline' (requests in time and in step), or both with a comma between."""
    admission: str = "no"
    """Whether superseded work is dropped: 'no', 'yes' or 'both'."""
    scheduler: str = "equal"
    """Within a class: 'equal', or 'backlog' (what waits over spectral efficiency)."""
    seeds: int = 100
    """Held-out seeds."""
    side: int = 11
    """Static shares along a side of the grid: 11, 21 ..."""
    train_s: float = 0.0
    """Let PPO learn on top of the tuned rule for so long in every scenario [s]; 0 leaves it out."""
    two_queues: bool = False
    """Let it also learn from MetaLore's two queue lengths alone."""
    policies: str = ""
    """Files of learned allocators with commas between."""
    ray: bool = False
    """Share the static grid out among the machines of a ray cluster."""
    speed: bool = False
    """Only measure how many steps this machine makes in a second."""
    seed: int = 0
    """Of learning and tuning."""
    out: str = "runs/allocation-study"
    """Folder of tables, JSON and pictures."""

    def __post_init__(self) -> None:
        if not 2 <= self.seeds <= 100_000:
            raise ConfigError("--seeds is out of range", given=self.seeds, allowed="2 ... 100000")
        if self.admission not in ("no", "yes", "both"):
            raise ConfigError("--admission is unknown", given=self.admission, allowed="no, yes, both")
        if not 0.0 <= self.train_s <= 86_400.0:
            raise ConfigError("--train-s is out of range", given=self.train_s, allowed="0 ... 86400 s")


def main(arguments: list[str]) -> int:
    """Compare and write; 0 when it ran to its end, whatever it found."""
    options = read_options(
        EvaluateAllocationOptions, arguments, command="evaluate allocation", description=_DESCRIPTION
    )
    return run_speed(options) if options.speed else run(options)


def chosen_scenarios(text: str, *, compat: str, **changes: Any) -> list[Any]:
    """Scenarios by name, 'all' for all of them."""
    from teletwin_training.allocation.scenarios import SCENARIOS, scenario

    names = list(SCENARIOS) if text == "all" else [name for name in text.split(",") if name]
    if not names:
        raise ConfigError("no scenario is given", given=text, allowed=", ".join((*SCENARIOS, "all")))
    return [scenario(name, compat=compat, **changes) for name in names]


def run(options: EvaluateAllocationOptions) -> int:
    """The study."""
    from teletwin.report.document import write_report
    from teletwin.report.text_table import show_table, terminal
    from teletwin_training.allocation.evaluation.figures import save_study_figures
    from teletwin_training.allocation.evaluation.study import StudyCfg, check_policies, judge
    from teletwin_training.allocation.evaluation.tables import study_markdown, study_table
    from teletwin_training.run_folder import made_folder

    policies = tuple(path for path in options.policies.split(",") if path)
    check_policies(policies)
    cfg = StudyCfg(
        seeds=options.seeds,
        side=options.side,
        train_s=options.train_s,
        two_queues=options.two_queues,
        policies=policies,
        seed=options.seed,
        use_ray=options.ray,
    )
    console, folder, judged, rows = terminal(), made_folder(options.out), [], []
    admissions = {"no": (False,), "yes": (True,), "both": (False, True)}[options.admission]
    for reward in options.reward.split(","):
        for admission in admissions:
            for cell in chosen_scenarios(
                options.scenario, compat=options.compat, admission=admission, scheduler=options.scheduler
            ):
                with console.status(cell.name) as status:
                    told = judge(
                        cell,
                        cfg,
                        reward=reward,
                        folder=folder / "ppo",
                        tell=lambda text, name=cell.name: status.update(f"{name}: {text}"),
                    )
                show_table(study_table(told.rows), console)
                judged.append(told)
                rows += told.rows
    (folder / "tables.md").write_text(study_markdown([each.rows for each in judged]), encoding="utf-8")
    learning = [
        {"scenario": each.scenario.name, "admission": each.scenario.admission, "gain_by_epoch": each.learning}
        for each in judged
        if each.learning
    ]
    results = {"rows": [dataclasses.asdict(row) for row in rows], "learning": learning}
    utc = utc_text()
    report = _report(results, options, utc)
    write_report(report, folder / "study.json")
    for path in (folder / "tables.md", folder / "study.json", *save_study_figures(judged, folder)):
        console.print(str(path), highlight=False, soft_wrap=True)
    return 0


def _report(results: dict[str, Any], options: EvaluateAllocationOptions, utc: str) -> dict[str, Any]:
    from teletwin.report.document import build_report

    return build_report("allocation-study", results=results, configuration=options, seed=options.seed, created_utc=utc)


def run_speed(options: EvaluateAllocationOptions) -> int:
    """Steps in a second, beside the official simulator's."""
    from teletwin.report.text_table import TextTable, show_table
    from teletwin_training.allocation.speed import OFFICIAL_STEPS_S, measure

    headings = ("scenario", "cells", "steps/s, best", "median", "official simulator", "factor")
    rows = []
    for cell in chosen_scenarios(options.scenario, compat=options.compat):
        speed, official = measure(cell), OFFICIAL_STEPS_S.get(cell.name)
        factor = f"{speed.steps_s / official:,.0f}" if official else ""
        speeds = [f"{speed.steps_s:,.0f}", f"{speed.median_steps_s:,.0f}", f"{official:,}" if official else ""]
        rows.append([cell.name, str(speed.cells), *speeds, factor])
    show_table(TextTable(headings=headings, rows=rows))
    return 0
