"""The live session's figures as lines of the bench."""

from __future__ import annotations

from collections.abc import Iterator

from teletwin.bench.live import LiveFigures, LoopFigures, measure_live
from teletwin.bench.webrtc import CODECS, measure_stock_webrtc
from teletwin.report.bench_rows import BenchRow, figure

_OVERRUN_BAR = 0.01
_TICK_BARS_US = {"twin": 300.0, "arm": 150.0}
_STOCK_S = 15.0


def rows_of_live(*, seconds: float) -> Iterator[BenchRow]:
    """Run a session of so many seconds and the stock stream after it; their lines, punctuality first."""
    live = measure_live(seconds=seconds)
    scheduling = "SCHED_FIFO" if live.fifo_granted else "ordinary scheduling"
    for name, loop in (("twin", live.twin), ("arm", live.arm)):
        yield from _loop_rows(name, loop, live.sleep, note=f"{live.seconds:.0f} s, {scheduling}")
    stock = {codec: measure_stock_webrtc(seconds=min(seconds, _STOCK_S), codec=codec) for codec in CODECS}
    yield from _mtp_rows(live, stock)
    yield BenchRow(name="pictures drawn in the page", unit="Hz", value=live.drawn_rate_hz, larger_is_better=True)
    for stage, spread in live.stages_ms.items():
        if spread is not None:
            label = f"stage: {stage.replace('_', ' ')}"
            yield BenchRow(name=label, unit="ms", value=spread["p50"], beside={"p95": spread["p95"]}, note="p50")


def _loop_rows(name: str, loop: LoopFigures, sleep: LoopFigures, *, note: str) -> Iterator[BenchRow]:
    """How long a loop works and how late it starts."""
    yield BenchRow(
        name=f"{name} tick",
        unit="us",
        value=loop.tick_p50_us,
        bar=_TICK_BARS_US[name],
        note=f"p50; p99 {figure(loop.tick_p99_us)}",
    )
    yield BenchRow(
        name=f"{name} ticks started > 2 ms late",
        unit="of all",
        value=loop.overrun_share,
        bar=_OVERRUN_BAR,
        beside={"bare sleep loop": sleep.overrun_share},
        note=note,
    )
    yield BenchRow(
        name=f"{name} period, p99",
        unit="ms",
        value=loop.period_p99_ms,
        beside={
            "bare sleep loop": sleep.period_p99_ms,
            "longest": loop.period_max_ms,
            "its longest": sleep.period_max_ms,
        },
    )


def _mtp_rows(live: LiveFigures, stock: dict[str, dict[str, float | None]]) -> Iterator[BenchRow]:
    """Motion to photon beside the stock stream."""
    about = f"motion to photon, {live.width}x{live.height} at {live.rate_hz:g} fps"
    for share, value, bar in (
        ("p50", live.mtp_p50_ms, 45.0),
        ("p95", live.mtp_p95_ms, 80.0),
        ("p99", live.mtp_p99_ms, None),
    ):
        yield BenchRow(
            name=f"{about}, {share}",
            unit="ms",
            value=value,
            bar=bar,
            beside={f"stock aiortc {codec}": figures[f"mtp_{share}_ms"] for codec, figures in stock.items()},
            note=live.reason or f"{live.mtp_count} inputs, every one counted",
        )
