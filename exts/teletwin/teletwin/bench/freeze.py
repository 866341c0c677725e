"""How long the picture stands still on a lossy path: streamed and drawn, the whole loop on the virtual clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from teletwin.clock import NS_PER_S
from teletwin.report.bench_rows import BenchRow
from teletwin.session.config import DRAWN, NetworkCfg, SessionCfg
from teletwin.session.virtual import VirtualSession
from teletwin.session.virtual_picture import CostedPicture, PictureTimes, StatePicture

FROZEN_S = 0.15
"""A picture that stands longer is frozen."""
SECONDS = 50.0
_SETTLE_S = 3.0
_LOOK_S = 0.005
_STREAMED_BAR_S, _DRAWN_BAR_S = 0.7, 0.0
_BITRATE_BAR, _DRAWN_BAR_KBPS = 1.4, 120.0
_HEADERS = 28
"""IP and UDP [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """One run over a path."""

    view: str
    loss: float
    round_trip_ms: float
    burst_ms: float
    seed: int
    rate_hz: float
    frozen_s: float
    """How long pictures stood for more than 0.15 s at a time, in 50 s."""
    longest_s: float
    kbps: float
    """All that the renderer's host sends, headers included."""

    @property
    def path(self) -> str:
        """What it went over."""
        bursts = f" in bursts of {self.burst_ms:g} ms" if self.burst_ms else ""
        return f"{self.view}, {100 * self.loss:g} % loss{bursts}, round trip {self.round_trip_ms:g} ms"


def measure_freeze(
    view: str, *, loss: float, round_trip_ms: float, burst_ms: float = 0.0, seed: int = 0, seconds: float = SECONDS
) -> Frozen:
    """One run; losses hit every hop of the loop."""
    network = NetworkCfg(delay_ms=round_trip_ms / 2, jitter_ms=2.0, loss=loss, burst_ms=burst_ms)
    session = SessionCfg(view=view, network=network, seed=seed)
    times = PictureTimes()
    picture = StatePicture(times) if view == DRAWN else CostedPicture(session.picture(), seed=seed)
    virtual = VirtualSession(session, picture=picture, pictures=times, repairs=True)
    virtual.run(_SETTLE_S)
    sent = virtual.links["renderer"].volume
    drawn_s, count = [0.0], virtual.metrics.display.drawn_count
    start_ns = virtual.clock.now_ns()
    while (t_s := (virtual.clock.now_ns() - start_ns) / NS_PER_S) < seconds:
        virtual.advance(_LOOK_S)
        if virtual.metrics.display.drawn_count != count:
            count = virtual.metrics.display.drawn_count
            drawn_s.append(t_s)
    gaps_s = [after - before for before, after in zip(drawn_s, [*drawn_s[1:], seconds], strict=True)]
    later = virtual.links["renderer"].volume
    byte_count = later.byte_count - sent.byte_count + _HEADERS * (later.datagrams - sent.datagrams)
    return Frozen(
        view=view,
        loss=loss,
        round_trip_ms=round_trip_ms,
        burst_ms=burst_ms,
        seed=seed,
        rate_hz=len(drawn_s) / seconds,
        frozen_s=SECONDS / seconds * sum(gap for gap in gaps_s if gap > FROZEN_S),
        longest_s=max(gaps_s),
        kbps=8e-3 * byte_count / seconds,
    )


def freeze_rows(runs: Sequence[Frozen]) -> Iterator[BenchRow]:
    """Two rows for each path, frozen time and bitrate; the worst seed counts."""
    lossless_kbps = {run.view: run.kbps for run in runs if run.loss == 0.0}
    of_path: dict[str, list[Frozen]] = {}
    for run in runs:
        of_path.setdefault(run.path, []).append(run)
    for path, same in of_path.items():
        first, kbps = same[0], max(run.kbps for run in same)
        bar = None if first.burst_ms else _DRAWN_BAR_S if first.view == DRAWN else _STREAMED_BAR_S
        beside = {"longest [s]": max(run.longest_s for run in same), "pictures/s": min(run.rate_hz for run in same)}
        note = f"worst of {len(same)} seeds" if len(same) > 1 else ""
        worst_s = max(run.frozen_s for run in same)
        yield BenchRow(name=f"frozen in 50 s, {path}", unit="s", value=worst_s, bar=bar, beside=beside, note=note)
        if first.view == DRAWN:
            yield BenchRow(name=f"bitrate, {path}", unit="kb/s", value=kbps, bar=_DRAWN_BAR_KBPS)
            continue
        bare_kbps = lossless_kbps.get(first.view)
        ratio = kbps / bare_kbps if bare_kbps else None
        yield BenchRow(
            name=f"bitrate, {path}", unit="of lossless", value=ratio, bar=_BITRATE_BAR, beside={"kb/s": kbps}
        )
