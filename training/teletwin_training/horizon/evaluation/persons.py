"""Step 2 beside step 1 with simulated persons: a study over many trainings, as tables and pictures want it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teletwin.bounded import read_json
from teletwin_training.horizon.closed_loop_study import closed_loop_study

if TYPE_CHECKING:
    from rich.console import Console

WAYS = {
    "none": "no prediction",
    "feed_forward": "feed-forward only",
    "rule": "late bound rule",
    "step1": "after step 1",
    "step2": "after step 2",
}

_OVER = ("step1", "rule", "feed_forward")


def closed_loop(policy: Path, seeds: int, folder: Path, console: Console) -> dict[str, Any]:
    """Train step 2 with every seed that the folder lacks, and compare on persons that no training met."""
    from rich.progress import Progress

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("step 2", total=1)

        def tell(text: str, done: int, total: int) -> None:
            progress.update(task, description=f"step 2, {text}", completed=done, total=total)

        study = closed_loop_study(policy, folder=folder, seeds=seeds, progress=tell)
    return {"table": _table(study), "persons": _persons(folder, seeds), "study": study}


def _table(study: Mapping[str, Any]) -> dict[str, Any]:
    """Drawing error of every way by network, and the paired ratios with their intervals."""
    headings = [
        "network",
        *(f"{label} mm" for label in WAYS.values()),
        *(f"step 2 / {name.replace('_', ' ')} [95 %]" for name in _OVER),
        "persons",
    ]
    rows = []
    for network, facts in study["conditions"].items():
        errors = [f"{1e3 * facts['errors'][way]['drawing_m']:.2f}" for way in WAYS]
        ratios = [_interval(facts["ratios"][f"step2/{over}"]["drawing_m"]) for over in _OVER]
        rows.append([network, *errors, *ratios, str(facts["persons"])])
    return {"headings": headings, "rows": rows}


def _interval(ratio: Mapping[str, float]) -> str:
    return f"{ratio['mean']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"


def _persons(folder: Path, seeds: int) -> dict[str, list[float]]:
    """Drawing error of each judging person [mm] by way, after step 2 averaged over trainings."""
    errors = _read(folder / "baselines.json")["errors"]
    after = np.mean([np.array(_read(folder / f"seed_{seed}.json")["errors"])[:, 0] for seed in range(seeds)], axis=0)
    before = {name: np.array(errors[name])[:, 0] for name in ("none", "feed_forward", "step1")}
    return {f"{name}_mm": (1e3 * values).tolist() for name, values in {**before, "step2": after}.items()}


def _read(path: Path) -> dict[str, Any]:
    return read_json(path)
