"""The study of every way to rest as rows of a bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teletwin.bench.rest.judge import (
    APPROACH_BAR_M_S,
    CATCH_UP_BAR_M_S,
    JERK_BAR_RAD_S3,
    NOTICE_BAR_MS,
    PEAK_BAR_RAD_S2,
    summarize,
)
from teletwin.bench.rest.live_judge import REST_BAR_MS
from teletwin.report.bench_rows import BenchRow

_UNITS = {"joint range": "mrad", "joint speed": "mrad/s", "body speed": "mm/s"}


def rest_rows(where: str, runs: Sequence[Mapping[str, Any]]) -> Iterator[BenchRow]:
    """Of runs on the virtual clock or live: what every cause did, then the least that was left to every limit."""
    for row in summarize(runs):
        yield from _cause_rows(where, row)
    yield from _margin_rows(where, runs)


def _cause_rows(where: str, row: Mapping[str, Any]) -> Iterator[BenchRow]:
    name = f"{where}, {row['cause']}"
    note = f"{row['runs']} runs, tool at {row['speed_m_s']:.2f} m/s (median; {row['top_m_s']:.2f} most)"
    yield BenchRow(name=f"{name}: peak", unit="rad/s²", value=row["rad_s2"], bar=PEAK_BAR_RAD_S2, note=note)
    note = f"the reference's; measured behind a low pass of 4 ms: {row['measured_rad_s3']:.0f}"
    yield BenchRow(name=f"{name}: jerk", unit="rad/s³", value=row["rad_s3"], bar=JERK_BAR_RAD_S3, note=note)
    if row["unnoticed"] is not None:
        note = f"within {NOTICE_BAR_MS:g} ms; {_worst('held', row['held_ms'])}, {_worst('counted', row['counted_ms'])}"
        if where == "live":
            note = f"stands within {REST_BAR_MS:g} ms, or {_worst('shown', row['counted_ms'])} after resuming"
        yield BenchRow(name=f"{name}: neither held nor counted", unit="runs", value=row["unnoticed"], bar=0, note=note)
    yield BenchRow(name=f"{name}: at rest, worst", unit="ms", value=row["rest_ms"])
    if row["approach_m_s"]:
        note = "fastest body until the arm has arrived"
        yield BenchRow(name=f"{name}: approach", unit="m/s", value=row["approach_m_s"], bar=APPROACH_BAR_M_S, note=note)
    if row["catch_up_m_s"]:
        note = "tool after resuming, not held; its hand has 1.2 m/s"
        yield BenchRow(
            name=f"{name}: catching up", unit="m/s", value=row["catch_up_m_s"], bar=CATCH_UP_BAR_M_S, note=note
        )


def _worst(name: str, value: float | None) -> str:
    return f"{name} {value:.0f} ms at most" if value is not None else f"never {name}"


def _margin_rows(where: str, runs: Sequence[Mapping[str, Any]]) -> Iterator[BenchRow]:
    for name in runs[0]["margins"]:
        worst = min(runs, key=lambda run: run["margins"][name])
        note = f"{worst['cause']}, {worst['border']}, seed {worst['seed']}"
        label = "clearance of the meshes" if name == "clearance" else f"left to the limit of {name}"
        yield BenchRow(
            name=f"{where}: {label}, least",
            unit=_UNITS.get(name, "mm"),
            value=worst["margins"][name],
            bar=0.0,
            larger_is_better=True,
            note=note,
        )
