"""The soak's figures as rows of the bench: slopes after warming up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from teletwin.bench.soak import WARM_SHARE, Sample, SoakFigures, slope
from teletwin.report.bench_rows import BenchRow

RSS_SLOPE_MAX_MB = 1.0
"""In ten minutes."""
LATENCY_SLOPE_MAX_MS = 1.0
"""In ten minutes: a tenth of a slot."""
_TEN_MINUTES_S = 600.0


def rows_of_soak(figures: SoakFigures) -> Iterator[BenchRow]:
    """Memory by process, latency, punctuality."""
    steady = figures.steady()
    note = f"{figures.seconds / 60.0:g} min, the first {100 * WARM_SHARE:.0f} % left out"
    for name in steady[0].rss_mb:
        yield _memory_row(name, steady, note)
    for what, key in (("motion to photon", "mtp"), ("Age of Loop", "aol")):
        yield _latency_row(what, key, steady, note)
    for loop, percent in figures.overrun_percent.items():
        yield BenchRow(
            name=f"{loop} ticks started > 2 ms late",
            unit="%",
            value=percent,
            bar=1.0,
            beside={"ticks [Hz]": figures.tick_rate_hz[loop]},
        )


def _memory_row(name: str, steady: list[Sample], note: str) -> BenchRow:
    known = [each for each in steady if name in each.rss_mb]
    times_s, values = np.array([each.t_s for each in known]), np.array([each.rss_mb[name] for each in known])
    is_page = name == "page heap"
    return BenchRow(
        name=name if is_page else f"resident memory of the {name}",
        unit="MiB in 10 min",
        value=_TEN_MINUTES_S * slope(times_s, values),
        bar=None if is_page else RSS_SLOPE_MAX_MB,
        beside={"first [MiB]": float(values[0]), "last": float(values[-1]), "most": float(values.max())},
        note="as its collector lets it; no bar" if is_page else note,
    )


def _latency_row(what: str, key: str, steady: list[Sample], note: str) -> BenchRow:
    pairs = [(each.t_s, getattr(each, f"{key}_p50_ms"), getattr(each, f"{key}_p95_ms")) for each in steady]
    pairs = [each for each in pairs if each[1] is not None]
    if len(pairs) < 2:
        return BenchRow(name=f"trend of {what}, p50", unit="ms in 10 min", value=None, bar=LATENCY_SLOPE_MAX_MS)
    times_s, middles_ms, highs_ms = (np.array(column) for column in zip(*pairs, strict=True))
    return BenchRow(
        name=f"trend of {what}, p50",
        unit="ms in 10 min",
        value=_TEN_MINUTES_S * slope(times_s, middles_ms),
        bar=LATENCY_SLOPE_MAX_MS,
        beside={"p50 [ms]": float(np.median(middles_ms)), "p95": float(np.median(highs_ms))},
        note=note,
    )
