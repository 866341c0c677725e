"""The soak's verdicts: what grows is told from what only fluctuates or warms up."""

from __future__ import annotations

import os

import numpy as np
import pytest

from teletwin.bench.memory import resident_bytes
from teletwin.bench.soak import Sample, SoakFigures, slope
from teletwin.bench.soak_rows import rows_of_soak
from teletwin.cli.bench_soak import SoakOptions
from teletwin.errors import ConfigError


def soak(*, leak_mb: float = 0.0, later_ms: float = 0.0) -> SoakFigures:
    """30 min in which the twin grows by leak_mb [MiB] and latency by later_ms [ms] in ten minutes."""
    rng = np.random.default_rng(3)
    figures = SoakFigures(seconds=1800.0, overrun_percent={"twin": 0.1, "arm": 1.2})
    figures.tick_rate_hz.update(twin=500.0, arm=500.0)
    for t_s in np.arange(10.0, 1801.0, 10.0):
        warm_mb = -20.0 * np.exp(-t_s / 60.0)
        memory = {"twin": 200.0 + warm_mb + leak_mb * t_s / 600.0 + 0.2 * rng.standard_normal(), "page heap": 9.0}
        leap_ms = 30.0 if 900 < t_s < 960 else 0.0
        middle_ms = 40.0 + leap_ms + later_ms * t_s / 600.0 + 0.3 * rng.standard_normal()
        figures.samples.append(
            Sample(
                t_s=float(t_s),
                rss_mb=memory,
                mtp_p50_ms=middle_ms,
                mtp_p95_ms=60.0,
                aol_p50_ms=None if t_s < 500 else 12.0,
                aol_p95_ms=None if t_s < 500 else 15.0,
            )
        )
    return figures


def verdicts(figures: SoakFigures) -> dict[str, bool | None]:
    return {row.name: row.passed for row in rows_of_soak(figures)}


def test_a_session_that_stays_as_it_is_passes_but_for_late_ticks():
    told = verdicts(soak())
    assert told.pop("arm ticks started > 2 ms late") is False
    assert told.pop("page heap") is None
    assert set(told.values()) == {True}


@pytest.mark.parametrize(("leak_mb", "passed"), [(0.7, True), (1.4, False)])
def test_a_leak_is_seen_through_noise_and_warming_up(leak_mb, passed):
    rows = {row.name: row for row in rows_of_soak(soak(leak_mb=leak_mb))}
    row = rows["resident memory of the twin"]
    assert row.value == pytest.approx(leak_mb, abs=0.1)
    assert row.passed is passed


def test_latency_that_grows_is_told_from_a_minute_of_trouble():
    assert verdicts(soak(later_ms=2.0))["trend of motion to photon, p50"] is False


def test_a_slope_is_that_of_most_pairs():
    times_s = np.arange(20.0)
    values = 3.0 * times_s
    values[7] = 500.0
    assert slope(times_s, values) == pytest.approx(3.0)
    assert slope(times_s[:1], values[:1]) == 0.0


def test_memory_of_a_process_is_read():
    assert 5e6 < resident_bytes(os.getpid()) < 5e9


def test_options_that_show_no_trend_are_refused():
    for options in ({"minutes": 0.0}, {"minutes": 1.0, "every": 10.0}):
        with pytest.raises(ConfigError, match="allowed"):
            SoakOptions(**options)
