"""What was promised, as ratios of one method to another with paired 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from teletwin_training.horizon.evaluation.compare import Outcome
from teletwin_training.horizon.evaluation.intervals import Cell, Ratio, geometric_ratio
from teletwin_training.horizon.evaluation.methods import FEED_FORWARD, NO_PREDICTION_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One promise: a method's error over another's, on some networks and motions; arm and picture, position."""

    name: str
    method: str
    beside: str
    """The other method, or 'better of ...'."""
    condition: str
    motion: str
    hands: str
    """How many hands of how many generators or sets of recordings it rests on."""
    control: Ratio
    display: Ratio
    most: float | None
    """What was promised for the arm; None where the figure stands for itself."""

    @property
    def passed(self) -> bool | None:
        """Whether the promise is kept by the arm's position error."""
        return None if self.most is None else self.control.value <= self.most


Cells = Sequence[tuple[str, str]]
"""(network, motion) pairs that one figure is the mean of."""
NEVER_WORSE = "learned over the better of best fixed and the calibrated rules"
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
    whole = _whole(outcome) or late
    if whole and FEED_FORWARD in names:
        rows += _beside_feed_forward(outcome, whole)
    if late and "fixed" in names:
        rows += _never_worse(outcome, late)
        rows += _beside_fixed(outcome, late, "fixed", 0.70, "lag fed forward")
    stock = _learned(outcome, "late", stock=True)
    if stock and "fixed_stock" in names:
        rows += _beside_fixed(outcome, stock, "fixed_stock", 0.85, "stock RMPflow")
    sender = _learned(outcome, "sender", stock=False)
    if sender and "rule_1000ms" in names:
        rows += _mix(outcome, sender, "rule_1000ms", 0.95, "bound at the sender, both")
    if late and "late" in names:
        rows += _mix(outcome, late, "late", 1.00, "late bound, both")
    if whole and NO_PREDICTION_NAME in names:
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


def _ratio(outcome: Outcome, method: str, beside: str, cells: Cells, column: int) -> Ratio:
    squares = outcome.squares
    return geometric_ratio(
        [
            Cell(
                motion=motion,
                condition=condition,
                own=squares[method][runs, column],
                beside=squares[beside][runs, column],
            )
            for condition, motion, runs in ((c, m, outcome.grid(c, m)) for c, m in cells)
        ]
    )


def _bar(outcome: Outcome, name: str, method: str, beside: str, cells: Cells, most: float | None) -> Bar:
    conditions, motions = (list(dict.fromkeys(part)) for part in zip(*cells, strict=True))
    is_all = len(conditions) > 1 and conditions == list(outcome.cfg.conditions)
    return Bar(
        name=name,
        method=method,
        beside=beside,
        condition="all" if is_all else "+".join(conditions),
        motion=motions[0] if len(motions) == 1 else "mean over motions",
        hands=", ".join(outcome.told(motion) for motion in motions),
        control=_ratio(outcome, method, beside, cells, 0),
        display=_ratio(outcome, method, beside, cells, 2),
        most=most,
    )


def _beside_feed_forward(outcome: Outcome, method: str) -> list[Bar]:
    """What forecasting brings beyond feed-forward, by kind of hand over all networks."""
    name = "learned over feed-forward only"
    return [
        _bar(outcome, name, method, FEED_FORWARD, [(c, motion) for c in outcome.cfg.conditions], 1.02)
        for motion in outcome.kinds
    ]


def _never_worse(outcome: Outcome, late: str) -> list[Bar]:
    """Learned beside the better of best fixed and the calibrated rules: by kind of hand, then on each network."""
    rivals = [name for name in ("fixed", "rule_1000ms", "rule_50ms", "late") if name in outcome.squares]
    conditions = outcome.cfg.conditions
    cells = [[(c, motion) for c in conditions] for motion in outcome.kinds]
    cells += [[(c, motion)] for c in conditions for motion in outcome.kinds if len(conditions) > 1]
    rows = []
    for each in cells:
        best = min(rivals, key=lambda name: _ratio(outcome, name, FEED_FORWARD, each, 0).value)
        rows.append(_bar(outcome, NEVER_WORSE, late, best, each, 1.02))
    return rows


def _beside_fixed(outcome: Outcome, method: str, fixed: str, most: float, words: str) -> list[Bar]:
    name = f"learned beside best fixed, smooth motion, {words}"
    conditions = [c for c in SWITCHED if c in outcome.cfg.conditions]
    if "smooth" not in outcome.kinds:
        return []
    return [_bar(outcome, name, method, fixed, [(condition, "smooth")], most) for condition in conditions]


def _mix(outcome: Outcome, method: str, rule: str, most: float, words: str) -> list[Bar]:
    """Mean over motions and networks."""
    cells = [(c, m) for c in MIX if c in outcome.cfg.conditions for m in outcome.kinds]
    name = f"learned beside the calibrated rule, {words}"
    return [_bar(outcome, name, method, rule, cells, most)] if cells else []


def _whole_loop(outcome: Outcome, method: str) -> list[Bar]:
    """Everything together beside the paper's plain loop, with switching delays."""
    rows = []
    if "switching" not in outcome.cfg.conditions:
        return rows
    for motion, (of_none, of_fixed) in WHOLE_LOOP.items():
        if motion in outcome.kinds:
            for beside, most in ((NO_PREDICTION_NAME, of_none), ("fixed_stock", of_fixed)):
                name = "whole loop beside the paper's plain loop"
                rows.append(_bar(outcome, name, method, beside, [("switching", motion)], most))
    return rows
