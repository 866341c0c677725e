"""The study of every way to rest as rows of a bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teletwin.bench.rest.judge import APPROACH_BAR_M_S, JERK_BAR_RAD_S3, NOTICE_BAR_MS, PEAK_BAR_RAD_S2
from teletwin.report.bench_rows import BenchRow


def rest_rows(where: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[BenchRow]:
    """Of one summary for each cause, on the virtual clock or live."""
    for row in rows:
        name, note = f"{where}, {row['cause']}", f"{row['runs']} runs, from {row['speed_m_s']:.2f} m/s (median)"
        yield BenchRow(name=f"{name}: peak", unit="rad/s²", value=row["rad_s2"], bar=PEAK_BAR_RAD_S2, note=note)
        yield BenchRow(name=f"{name}: jerk", unit="rad/s³", value=row["rad_s3"], bar=JERK_BAR_RAD_S3)
        if where == "virtual":
            yield BenchRow(name=f"{name}: neither held nor counted in time", unit="", value=row["unnoticed"], bar=0)
            for border, margin in row["margins"].items():
                unit = "mrad" if border == "joint range" else "mm"
                note = "smallest distance kept"
                yield BenchRow(
                    name=f"{name}: to {border}", unit=unit, value=margin, bar=0.0, larger_is_better=True, note=note
                )
            yield BenchRow(name=f"{name}: held", unit="ms", value=row["held_ms"], note=f"bar {NOTICE_BAR_MS:g} ms")
        else:
            yield BenchRow(name=f"{name}: at rest", unit="ms", value=row["held_ms"])
        yield BenchRow(name=f"{name}: tool after it", unit="m/s", value=row["after_m_s"], bar=APPROACH_BAR_M_S)
