"""The live session's rows: punctuality beside a bare sleep loop, motion to photon beside stock aiortc."""

from __future__ import annotations

from collections.abc import Iterator

from teletwin.bench.live import LiveFigures, LoopFigures, measure_live
from teletwin.bench.webrtc import measure_stock_webrtc
from teletwin.report.bench_rows import BenchRow

"""A demo that runs beside the bench keeps its own controller on 127.0.0.1."""


def rows_of_live(*, seconds: float) -> Iterator[BenchRow]:
    """Run the session and the stock stream, one after the other."""
    live = measure_live(seconds=seconds)
    yield from _loop_rows(live, "twin", live.twin, bar_us=300.0)
    yield from _loop_rows(live, "arm", live.arm, bar_us=150.0)
    yield from _photon_rows(live, seconds)


def _loop_rows(live: LiveFigures, name: str, loop: LoopFigures, *, bar_us: float) -> Iterator[BenchRow]:
    """Work and punctuality of one loop."""
    where = f"live, Chromium beside, {live.seconds:.0f} s"
    yield BenchRow(
        name=f"{name} tick, {where}",
        unit="us",
        value=loop.tick_p50_us,
        bar=bar_us,
        beside={"p99": loop.tick_p99_us},
        note="p50",
    )
    share, sleep = loop.overrun_share, live.sleep.overrun_share
    yield BenchRow(
        name=f"{name} ticks started > 2 ms late, {where}",
        unit="%",
        value=None if share is None else 100.0 * share,
        bar=1.0,
        beside={
            "bare sleep loop [%]": None if sleep is None else 100.0 * sleep,
            "period p99 [ms]": loop.period_p99_ms,
            "its p99 [ms]": live.sleep.period_p99_ms,
        },
        note="SCHED_FIFO" if live.fifo_granted else "no real-time scheduling",
    )


def _photon_rows(live: LiveFigures, seconds: float) -> Iterator[BenchRow]:
    """Motion to photon of every input, in the page's clock."""
    stock = measure_stock_webrtc(seconds=min(seconds, 20.0))
    about = f"{live.width}x{live.height} at {live.rate_hz:.0f} fps"
    note = live.reason or f"every input, {live.mtp_count}; {live.drawn_rate_hz or 0.0:.1f} fps drawn"
    for name, value, bar in (("p50", live.mtp_p50_ms, 45.0), ("p95", live.mtp_p95_ms, 80.0)):
        beside = {"stock aiortc": stock.get(f"mtp_{name}_ms")}
        label = f"motion to photon {name}, loopback, {about}"
        yield BenchRow(name=label, unit="ms", value=value, bar=bar, beside=beside, note=note)
