"""The fault study as rows of a bench: what was counted, and what it has to meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teletwin.bench.faults.aftermath import LOG_BAR_S, NOTICE_BAR_MS
from teletwin.report.bench_rows import BenchRow

HOLD_BAR_MS = 100.0
OVERSHOOT_BAR_MM = 1.0
_KINDS = {
    "position": "set-points beyond the range of a joint",
    "speed": "set-points faster than the session or the arm allows",
    "acceleration": "set-points above the acceleration limit",
    "workspace": "set-points further out of the session's workspace",
    "jumps": "jumps above the per-tick limit",
}


def run_rows(summary: Mapping[str, Any]) -> Iterator[BenchRow]:
    """Of many seeded runs."""
    count, broken = summary["run_count"], summary["violations"]
    told = f"{count} runs, {summary['virtual_s']:.0f} s, {summary['set_point_count']} set-points"
    for name, words in _KINDS.items():
        yield BenchRow(name=words, unit="", value=broken[name], bar=0, note=told)
    hold, beyond = summary["to_hold_ms"], summary["overshoot_mm"]
    note = f"{summary['hold_count']} holds; median {hold['p50']:.0f} ms"
    yield BenchRow(name="from silence to hold, worst", unit="ms", value=hold["max"], bar=HOLD_BAR_MS, note=note)
    longest = summary["longest_engaged_ms"]
    note = "any hop, any clock"
    yield BenchRow(name="longest silence in which a hop followed", unit="ms", value=longest, bar=HOLD_BAR_MS, note=note)
    note = f"{summary['resume_count']} ways back, median {summary['resume_way_mm']['p50']:.0f} mm; "
    note += f"p99 {beyond['p99']:.2g} mm; seed {beyond['worst_seed']}"
    yield BenchRow(
        name="overshoot of the way back, worst", unit="mm", value=beyond["max"], bar=OVERSHOOT_BAR_MM, note=note
    )


def kill_rows(kills: Sequence[Mapping[str, Any]]) -> Iterator[BenchRow]:
    """Of processes that were killed, a summary for each role."""
    for row in kills:
        target, told = row["target"], f"{row['counted']} of {row['kill_count']} kills while the arm followed"
        yield BenchRow(
            name=f"{target} killed: all as documented",
            unit="times",
            value=row["as_documented"],
            bar=max(row["counted"], 1),  # kills that prove nothing meet no bar
            larger_is_better=True,
            note=told,
        )
        for words, ms in row["worst_ms"].items():
            note = told if ms is not None else f"{told}; did not happen every time"
            yield BenchRow(name=f"{target} killed: {words}", unit="ms", value=ms, bar=NOTICE_BAR_MS, note=note)
        if row["longest_gap_ms"]:
            gap = row["longest_gap_ms"]
            yield BenchRow(name=f"{target} killed: longest pause of the arm's states", unit="ms", value=gap, note=told)
        if target == "controller":
            continue
        yield BenchRow(
            name=f"{target} killed: logs read",
            unit="times",
            value=row["log_readable"],
            bar=row["kill_count"],
            larger_is_better=True,
        )
        missing = row["log_missing_worst_s"]
        yield BenchRow(name=f"{target} killed: its log ends before it by", unit="s", value=missing, bar=LOG_BAR_S)


def fuzz_rows(targets: Mapping[str, Mapping[str, Any]]) -> Iterator[BenchRow]:
    """Of input that nobody meant, by what reads it."""
    for name, found in targets.items():
        note = f"{found['accepted']} accepted, {found['refused']} refused; {found['per_s']:.0f} /s"
        yield BenchRow(name=f"{name}: crashes", unit="", value=found["crashes"], bar=0, note=note)
    total = sum(found["inputs"] for found in targets.values())
    grown = max((found["grown_mb"] for found in targets.values()), default=0.0)
    moved = sum(found["moved"] for found in targets.values())
    yield BenchRow(name="all: inputs that moved the arm", unit="", value=moved, bar=0, note=f"{total} inputs")
    yield BenchRow(name="all: memory grown, worst reader", unit="MB", value=grown, bar=GROWN_BAR_MB)


GROWN_BAR_MB = 50.0
