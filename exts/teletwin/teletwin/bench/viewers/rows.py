"""The viewers' figures as rows of the bench."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from teletwin.bench.viewers.study import Share, ViewersFigures
from teletwin.report.bench_rows import BenchRow

MTP_GROWTH_MAX = 0.2


def rows_of_viewers(figures: ViewersFigures) -> Iterator[BenchRow]:
    """What the operator notices of them, control, and what they see."""
    alone, watched = figures.alone, figures.watched
    count = 1 + len(figures.observers[0])
    yield from _photon_rows(alone, watched, count)
    yield from _control_rows(alone, watched, count)
    yield from _observer_rows(figures)


def _photon_rows(alone: Share, watched: Share, count: int) -> Iterator[BenchRow]:
    before, after = alone.quantile("mtp_ms", 0.95), watched.quantile("mtp_ms", 0.95)
    growth = 100.0 * (after / before - 1.0) if before and after else None
    yield BenchRow(
        name=f"growth of the operator's motion to photon p95, {count} viewers",
        unit="%",
        value=growth,
        bar=100.0 * MTP_GROWTH_MAX,
        beside={"alone [ms]": before, "watched [ms]": after},
        note=f"{len(alone.notes.mtp_ms)} and {len(watched.notes.mtp_ms)} inputs, by turns",
    )
    yield BenchRow(
        name=f"operator's motion to photon p50, {count} viewers",
        unit="ms",
        value=watched.quantile("mtp_ms", 0.5),
        beside={"alone": alone.quantile("mtp_ms", 0.5)},
    )
    yield BenchRow(
        name="operator's pictures",
        unit="fps",
        value=watched.counts["drawn"] / watched.seconds,
        larger_is_better=True,
        beside={"alone": alone.counts["drawn"] / alone.seconds},
    )


def _control_rows(alone: Share, watched: Share, count: int) -> Iterator[BenchRow]:
    for loop in ("twin", "arm"):
        yield BenchRow(
            name=f"{loop} ticks started > 2 ms late, {count} viewers",
            unit="%",
            value=watched.overrun_percent(loop),
            bar=1.0,
            beside={"alone": alone.overrun_percent(loop)},
        )
    for name, key, unit in (("Age of Loop", "aol_ms", "ms"), ("control error", "control_error_mm", "mm")):
        yield BenchRow(
            name=f"{name} p95, {count} viewers",
            unit=unit,
            value=watched.quantile(key, 0.95),
            beside={"alone": alone.quantile(key, 0.95), "p50": watched.quantile(key, 0.5)},
        )


def _observer_rows(figures: ViewersFigures) -> Iterator[BenchRow]:
    usual = [each for turn in figures.observers for each in turn[:-1]]
    slow = [turn[-1] for turn in figures.observers]
    for name, group in ((f"{len(figures.observers[0]) - 1} observers", usual), ("the slow observer", slow)):
        mean = {key: float(np.mean([each[key] for each in group])) for key in group[0]}
        link = f"link of {figures.slow_kbps:.0f} kb/s" if group is slow else "loopback"
        yield BenchRow(
            name=f"pictures of {name}",
            unit="fps",
            value=mean["rate_hz"],
            larger_is_better=True,
            beside={
                "age p50 [ms]": mean["age_p50_ms"],
                "age p95 [ms]": mean["age_p95_ms"],
                "kb/s": mean["kbps"],
                "small [%]": 100.0 * mean["small_share"],
            },
            note=link,
        )
