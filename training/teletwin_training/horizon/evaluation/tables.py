"""The comparison as tables, for the terminal and as markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from teletwin.report.text_table import TextTable
from teletwin_training.horizon.evaluation.bars import Bar
from teletwin_training.horizon.evaluation.compare import ERRORS, Outcome
from teletwin_training.horizon.evaluation.intervals import Ratio
from teletwin_training.horizon.evaluation.methods import FEED_FORWARD, NO_PREDICTION_NAME

Rows = list[list[str]]
_STATISTICS = (
    "Errors and ratios are geometric means over hands of root mean squares over networks; 'hands' says how many hands "
    "they rest on, of how many generators or sets of recordings. Intervals: 95 % of a bootstrap that draws hands, then "
    "networks."
)
_STAGES = {
    "no_prediction": "no prediction",
    "feed_forward": "feed-forward only",
    "direct": "after the gradient",
    "joint": "in joint space",
    "ppo": "after PPO",
    "best": "kept",
}
"""Stages of step 1 to their headings, with what looks nowhere ahead before them."""
_BY_HAND = (NO_PREDICTION_NAME, "fixed", "late")
_STILL_MM = 1e-6
"""Added to errors, so that a hand that rests has a ratio."""
HEADINGS = ("arm mm", "arm deg", "picture mm", "picture deg", "effective MTP ms")


def evaluation_tables(outcome: Outcome, bars: Sequence[Bar], studies: Mapping[str, Any]) -> list[TextTable]:
    """Tables for the terminal."""
    sections = [*_sections(outcome, bars), *study_sections(studies)]
    return [TextTable(title=title, headings=headings, rows=rows, left=(0, 1)) for title, headings, rows in sections]


def evaluation_markdown(outcome: Outcome, bars: Sequence[Bar], studies: Mapping[str, Any]) -> str:
    """The same as one text."""
    parts = [_hands_text(outcome)]
    parts += [f"### {table.title}\n\n{table.markdown()}" for table in evaluation_tables(outcome, bars, studies)]
    return "\n".join(parts)


def _hands_text(outcome: Outcome) -> str:
    hands = ", ".join(f"{h['name']} (scale {h['scale']:.2f}, {h['speed_mm_s']:.0f} mm/s rms)" for h in outcome.hands)
    cfg = outcome.cfg
    stretch = f"{outcome.slots} slots of 10 ms of each hand are judged (at most {cfg.slots} were asked for)."
    told = "; ".join(f"{left.name} ({left.why})" for left in outcome.left_out)
    left_out = f" Left out, {len(outcome.left_out)}: {told}." if outcome.left_out else ""
    networks = f"{cfg.sessions} networks of each kind for every hand, seed {cfg.seed}. {_STATISTICS}"
    return f"Hands: {hands}. {networks} {stretch}{left_out}\n"


def _sections(outcome: Outcome, bars: Sequence[Bar]) -> list[tuple[str, list[str], Rows]]:
    hands = ("arm's position by hand, over feed-forward only", *_hand_section(outcome))
    return [("promises", *_bar_section(outcome, bars)), hands, *_error_sections(outcome)]


def _bar_section(outcome: Outcome, bars: Sequence[Bar]) -> tuple[list[str], Rows]:
    headings = ["what", "network", "motion", "hands", "beside", "arm [95 %]", "bar", "", "picture [95 %]"]
    rows = []
    for bar in bars:
        verdict = {True: "yes", False: "NO", None: ""}[bar.passed]
        most = "" if bar.most is None else f"≤ {bar.most:.2f}"
        beside = outcome.labels.get(bar.beside, bar.beside)
        told = [_ratio(bar.control), most, verdict, _ratio(bar.display)]
        rows.append([bar.name, bar.condition, bar.motion, bar.hands, beside, *told])
    return headings, rows


def _ratio(ratio: Ratio) -> str:
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _hand_section(outcome: Outcome) -> tuple[list[str], Rows]:
    """Each hand's error over what it has with feed-forward only, geometric mean over kinds of network."""
    labels = {name: label for name, label in outcome.labels.items() if name in _BY_HAND or label.startswith("PPO")}
    rows = []
    for motion in outcome.kinds:
        logs = {
            name: np.mean(
                [np.log(outcome.by_hand(name, c, motion)[:, 0] + _STILL_MM) for c in outcome.cfg.conditions], 0
            )
            for name in {*labels, FEED_FORWARD} & set(outcome.squares)
        }
        for number, hand in enumerate(outcome.hands_of(motion)):
            bare = logs[FEED_FORWARD][number]
            rows.append([hand, motion, f"{np.exp(bare):.2f}"])
            rows[-1] += [f"{np.exp(logs[name][number] - bare):.3f}" for name in labels]
    return ["hand", "motion", "feed-forward only mm", *labels.values()], rows


def _error_sections(outcome: Outcome) -> list[tuple[str, list[str], Rows]]:
    sections = []
    for condition in outcome.cfg.conditions:
        rows = []
        for motion in outcome.kinds:
            runs = outcome.pick(condition=condition, motion=motion)
            for method, label in outcome.labels.items():
                errors = outcome.errors(method, condition, motion)
                mtp = float(outcome.effective_mtp_ms[method][runs].mean())
                rows.append([motion, outcome.told(motion), label, *(f"{value:.2f}" for value in errors), f"{mtp:.0f}"])
        sections.append((f"network: {condition}", ["motion", "hands", "method", *HEADINGS], rows))
    return sections


def study_sections(studies: Mapping[str, Any]) -> list[tuple[str, list[str], Rows]]:
    """Studies over many seeds."""
    sections = []
    if "step1" in studies:
        rows = [
            [str(row["seed"]), *(f"{row[stage]:.4f}" for stage in _STAGES if stage in row), f"{row['took_s']:.0f}"]
            for row in studies["step1"]["rows"]
        ]
        headings = ["seed", *(_STAGES[stage] for stage in _STAGES if stage in studies["step1"]["rows"][0]), "took s"]
        sections.append(
            ("step 1 by seed: error over the rule's, on its training hands and other networks", headings, rows)
        )
    if "step2" in studies:
        table = studies["step2"]["table"]
        sections.append(
            ("step 2: persons' drawing error", list(table["headings"]), [list(row) for row in table["rows"]])
        )
    if "speed_slots_s" in studies:
        rows = [[name.replace("_", " "), f"{value:,.0f}"] for name, value in studies["speed_slots_s"].items()]
        sections.append(("the environment alone", ["what", "slots a second"], rows))
    if "live" in studies:
        rows = [_live_row(row) for row in studies["live"]]
        headings = [
            "hand",
            "live arm, picture mm",
            "environment, RMPflow",
            "environment, lag",
            "late ticks",
            "control Hz",
        ]
        sections.append(("the live loop beside the environment", headings, rows))
    return sections


def _live_row(row: Mapping[str, Any]) -> list[str]:
    live = (row["live_control_mm"], row["live_display_mm"])
    told = [f"{a:.2f} ({a / live[0]:.2f}), {b:.2f} ({b / live[1]:.2f})" for a, b in row["predicted_mm"].values()]
    late = f"{100 * row['late_tick_share']:.3f} %"
    return [row["hand"], f"{live[0]:.2f}, {live[1]:.2f}", *told, late, f"{row['tick_hz']:.0f}"]


assert len(HEADINGS) == len(ERRORS) + 1
