"""How fast a new person is learned, as a table and a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile
from teletwin.report.figure_file import save_figure
from teletwin.report.text_table import TextTable
from teletwin_training.horizon.bootstrap_ratio import nested_ratio
from teletwin_training.horizon.live.start import Start
from teletwin_training.horizon.meta.study import AdaptationCfg, AdaptationStudy, check_alike

BAR, BAR_AT_S = 0.95, 60.0
"""The start over plain fine-tuning after so long [s]."""
PLAIN = "plain"
_COLORS = ("#b45309", "#0f766e", "#64748b", "#7c3aed", "#be123c")


def compare_adaptation(
    policy: PolicyFile,
    starts: Mapping[str, Start],
    cfg: AdaptationCfg,
    folder: Path,
    progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Plain fine-tuning of a policy beside other starts; JSON-ready.

    Raises:
        ConfigError: A start sees or does something else, or the folder holds another study.
    """
    check_alike(policy, [start.policy for start in starts.values()])
    study = AdaptationStudy(policy, cfg, folder, progress)
    plain = Start(policy=policy, checkpoint=None, source="the policy")
    found = {name: study.learned(name, start) for name, start in {PLAIN: plain, **starts}.items()}
    return summary(cfg, study.fixed(), found)


def summary(cfg: AdaptationCfg, fixed: Mapping[str, Array], found: Mapping[str, Mapping[str, Array]]) -> dict[str, Any]:
    """Errors by mark (geometric means over persons), and ratios with intervals over seeds, then persons."""
    plain, never = found[PLAIN]["judged"], found[PLAIN]["judged"][0]
    starts: dict[str, Any] = {}
    for name, facts in found.items():
        judged = facts["judged"]
        starts[name] = {
            "judged_mm": [_mean_mm(errors) for errors in judged],
            "lesson_mm": [_mean_mm(errors) for errors in facts["lesson"]],
            "over_plain": [nested_ratio(own, beside) for own, beside in zip(judged, plain, strict=True)],
            "over_no_adaptation": [nested_ratio(own, never) for own in judged],
            "over_own_start": [nested_ratio(own, judged[0]) for own in judged],
        }
    return {
        "marks_s": list(cfg.marks_s),
        "seeds": cfg.seeds,
        "persons": cfg.seeds * cfg.persons,
        "epoch_s": 0.01 * cfg.epoch_slots,
        "no_adaptation_mm": _mean_mm(never),
        **{f"{name}_mm": _mean_mm(errors) for name, errors in fixed.items()},
        "starts": starts,
    }


def _mean_mm(errors: Array) -> float:
    return float(1e3 * np.exp(np.log(errors).mean()))


def adaptation_table(study: Mapping[str, Any]) -> TextTable:
    """Errors of every start after every mark, as ratios with their intervals."""
    headings = [
        "start",
        "after s",
        "error mm",
        "/ plain fine-tuning [95 %]",
        "/ no adaptation [95 %]",
        "/ its 0 s [95 %]",
    ]
    rows = [["no prediction", "any", f"{study['none_mm']:.2f}", "", "", ""]]
    rows += [["late bound rule", "any", f"{study['rule_mm']:.2f}", "", "", ""]]
    rows += [["no adaptation", "any", f"{study['no_adaptation_mm']:.2f}", "", "1", ""]]
    for name, facts in study["starts"].items():
        for number, mark_s in enumerate(study["marks_s"]):
            ratios = [facts[key][number] for key in ("over_plain", "over_no_adaptation", "over_own_start")]
            told = [f"{each['mean']:.3f} [{each['low']:.3f}, {each['high']:.3f}]" for each in ratios]
            rows.append([name, f"{mark_s:g}", f"{facts['judged_mm'][number]:.2f}", *told])
    title = f"{study['persons']} new persons, {study['seeds']} seeds"
    return TextTable(title=title, headings=headings, rows=rows)


def bar_line(study: Mapping[str, Any], name: str) -> str:
    """What became of the bar for one start."""
    ratio = study["starts"][name]["over_plain"][study["marks_s"].index(BAR_AT_S)]
    verdict = "yes" if ratio["mean"] <= BAR else "NO"
    told = f"{ratio['mean']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"
    return f"{name} over plain fine-tuning after {BAR_AT_S:g} s: {told}, bar ≤ {BAR:g}: {verdict}"


def save_adaptation_figure(study: Mapping[str, Any], path: Path) -> Path:
    """Judged error and its ratio to plain fine-tuning over the seconds of drawing."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 3.8))
    marks = np.array(study["marks_s"])
    for number, (name, facts) in enumerate(study["starts"].items()):
        color = _COLORS[number % len(_COLORS)]
        left.plot(marks, facts["judged_mm"], "o-", color=color, label=name)
        ratio = np.array([[each["mean"], each["low"], each["high"]] for each in facts["over_plain"]])
        away = np.abs(ratio[:, 1:] - ratio[:, :1]).T
        right.errorbar(marks + number, ratio[:, 0], yerr=away, fmt="o-", color=color, capsize=2, label=name)
    for name in ("no_adaptation", "rule"):
        left.axhline(study[f"{name}_mm"], color="black", linewidth=0.8, linestyle=":" if name == "rule" else "-")
        left.text(marks[-1], study[f"{name}_mm"], name.replace("_", " "), fontsize=7, ha="right", va="bottom")
    right.axhline(BAR, color="crimson", linewidth=0.8, linestyle="--")
    left.set_ylabel("distance of the tool from the dot [mm]", fontsize=8)
    right.set_ylabel("over plain fine-tuning", fontsize=8)
    for axis in (left, right):
        axis.set_xlabel("a new person's drawing [s]", fontsize=8)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
        axis.tick_params(labelsize=7)
    figure.tight_layout()
    save_figure(figure, path, dpi=110)
    plt.close(figure)
    return path
