"""What was promised, as ratios of one method to another with paired 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teletwin_training.horizon.evaluation.compare import Outcome, Rows
from teletwin_training.horizon.evaluation.intervals import Ratio, paired_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One promise: a method's error over another's, on some networks and motions; arm and picture, position."""

    name: str
    method: str
    beside: str
    """The other method, or 'better of ...'."""
    condition: str
    motion: str
    control: Ratio
    display: Ratio
    most: float | None
    """What was promised for the arm; None where the figure stands for itself."""

    @property
    def passed(self) -> bool | None:
        """Whether the promise is kept by the arm's position error."""
        return None if self.most is None else self.control.value <= self.most


SWITCHED = ("switching", "unknown")
MIX = ("jitter", "rough", "switching")
"""The mix of jitter and switching."""
WHOLE_LOOP = {"smooth": (0.15, 0.40), "fast": (0.30, 0.65), "stop-and-go": (0.55, 0.80)}
"""Kind of motion to what the whole loop may err with switching, over no prediction and over best fixed."""


def bar_rows(outcome: Outcome) -> list[Bar]:
    """Every promise that the methods at hand allow to judge."""
    names = list(outcome.squares)
    late = _learned(outcome, "late", stock=False)
    rows: list[Bar] = []
    if late and "fixed" in names:
        rows += _never_worse(outcome, late)
        rows += _beside_fixed(outcome, late, "fixed", 0.70, "lag fed forward")
    stock = _learned(outcome, "late", stock=True)
    if stock and "fixed_stock" in names:
        rows += _beside_fixed(outcome, stock, "fixed_stock", 0.85, "stock RMPflow")
    sender = _learned(outcome, "sender", stock=False)
    if sender and "rule_1000ms" in names:
        rows.append(_mix(outcome, sender, "rule_1000ms", 0.95, "bound at the sender, both"))
    if late and "late" in names:
        rows.append(_mix(outcome, late, "late", 1.00, "late bound, both"))
    whole = _whole(outcome) or late
    if whole and "none_stock" in names:
        rows += _whole_loop(outcome, whole)
    return rows


def _learned(outcome: Outcome, action: str, *, stock: bool) -> str | None:
    """The first policy of this kind that step 1 made with the fast forecaster."""
    words = {"late": "late bound", "sender": "bound at the sender", "paper": "paper mode"}[action]
    for name, label in outcome.labels.items():
        if label.startswith("PPO") and words in label and ("stock" in label) is stock and "combined" not in label:
            return name
    return None


def _whole(outcome: Outcome) -> str | None:
    """A late bound policy with the combined forecaster."""
    found = (n for n, label in outcome.labels.items() if label.startswith("PPO") and "combined" in label)
    return next(found, None)


def _ratio(outcome: Outcome, method: str, beside: str, runs: Rows, column: int) -> Ratio:
    return paired_ratio(outcome.squares[method][runs, column], outcome.squares[beside][runs, column])


def _bar(outcome: Outcome, name: str, method: str, beside: str, condition: str, motion: str, most: float | None) -> Bar:
    runs = outcome.pick(condition=condition, motion=motion)
    return Bar(
        name=name,
        method=method,
        beside=beside,
        condition=condition,
        motion=motion,
        control=_ratio(outcome, method, beside, runs, 0),
        display=_ratio(outcome, method, beside, runs, 2),
        most=most,
    )


def _never_worse(outcome: Outcome, late: str) -> list[Bar]:
    """Learned beside the better of best fixed and the calibrated rule, everywhere."""
    rows = []
    rivals = [name for name in ("fixed", "rule_1000ms", "rule_50ms", "late") if name in outcome.squares]
    for condition in outcome.cfg.conditions:
        for motion in outcome.kinds:
            runs = outcome.pick(condition=condition, motion=motion)
            best = min(rivals, key=lambda name: float(outcome.squares[name][runs, 0].mean()))
            name = "learned beside the better of best fixed and the calibrated rules"
            rows.append(_bar(outcome, name, late, best, condition, motion, 1.02))
    return rows


def _beside_fixed(outcome: Outcome, method: str, fixed: str, most: float, words: str) -> list[Bar]:
    name = f"learned beside best fixed, smooth motion, {words}"
    conditions = [c for c in SWITCHED if c in outcome.cfg.conditions]
    if "smooth" not in outcome.kinds:
        return []
    return [_bar(outcome, name, method, fixed, condition, "smooth", most) for condition in conditions]


def _mix(outcome: Outcome, method: str, rule: str, most: float, words: str) -> Bar:
    """Mean over motions and networks of the ratios, bootstrapped over stretches within each."""
    conditions = [c for c in MIX if c in outcome.cfg.conditions]
    cells = [outcome.pick(condition=c, motion=m) for c in conditions for m in outcome.kinds]
    return Bar(
        name=f"learned beside the calibrated rule, {words}",
        method=method,
        beside=rule,
        condition="+".join(conditions),
        motion="mean over motions",
        control=_mean_ratio(outcome, method, rule, cells, 0),
        display=_mean_ratio(outcome, method, rule, cells, 2),
        most=most,
    )


def _mean_ratio(outcome: Outcome, method: str, beside: str, cells: Sequence[Rows], column: int) -> Ratio:
    rng = np.random.default_rng(23)
    own, other = outcome.squares[method][:, column], outcome.squares[beside][:, column]
    value = float(np.mean([np.sqrt(own[c].mean() / other[c].mean()) for c in cells]))
    drawn = np.zeros(2000)
    for cell in cells:
        picks = cell[rng.integers(0, len(cell), (len(drawn), len(cell)))]
        drawn += np.sqrt(own[picks].mean(axis=1) / other[picks].mean(axis=1)) / len(cells)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Ratio(value=value, low=float(low), high=float(high), count=sum(map(len, cells)))


def _whole_loop(outcome: Outcome, method: str) -> list[Bar]:
    """Everything together beside the paper's plain loop, with switching delays."""
    rows = []
    if "switching" not in outcome.cfg.conditions:
        return rows
    for motion, (of_none, of_fixed) in WHOLE_LOOP.items():
        if motion in outcome.kinds:
            for beside, most in (("none_stock", of_none), ("fixed_stock", of_fixed)):
                name = "whole loop beside the paper's plain loop"
                rows.append(_bar(outcome, name, method, beside, "switching", motion, most))
    return rows
