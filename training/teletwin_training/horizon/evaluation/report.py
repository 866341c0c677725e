"""Writes a comparison: JSON with everything, tables as markdown, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from teletwin.report.document import build_report, write_report
from teletwin_training.horizon.evaluation.bars import Bar
from teletwin_training.horizon.evaluation.compare import Outcome, outcome_facts, outcome_rows
from teletwin_training.horizon.evaluation.figures import save_evaluation_figures
from teletwin_training.horizon.evaluation.tables import evaluation_markdown


def write_evaluation(
    outcome: Outcome,
    bars: Sequence[Bar],
    studies: Mapping[str, Any],
    options: Any,
    folder: Path,
    *,
    report: str,
    created_utc: str,
) -> list[str]:
    """Write everything into the folder; return what to say about it."""
    results = {
        **outcome_facts(outcome),
        "errors": outcome_rows(outcome),
        "bars": [{**asdict(bar), "passed": bar.passed} for bar in bars],
        "studies": studies,
    }
    seed = outcome.cfg.seed
    document = build_report("evaluate", results=results, configuration=options, seed=seed, created_utc=created_utc)
    targets = [folder / "evaluation.json", *([Path(report)] if report else [])]
    said = [f"report: {write_report(document, target)}" for target in targets]
    tables = folder / "evaluation.md"
    tables.write_text(evaluation_markdown(outcome, bars, studies), encoding="utf-8")
    figures = save_evaluation_figures(outcome, bars, studies, folder)
    return [*said, f"tables: {tables}", *(f"figure: {path}" for path in figures)]
