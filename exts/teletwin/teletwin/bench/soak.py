"""A long session with a page open: what memory, latency and punctuality do over time."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from teletwin.bench.browser import chromium_page, missing_browser
from teletwin.bench.drag import Seen, look, press, start_roles, take_notes
from teletwin.bench.memory import resident_bytes
from teletwin.errors import MissingPartError, TeletwinError
from teletwin.geometry import Array
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up

WARM_SHARE = 0.2
"""Of the run: caches fill, rings grow to their length."""
_HEAP = "performance.memory ? performance.memory.usedJSHeapSize / 1048576 : null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One moment; percentiles are of the time since the one before."""

    t_s: float
    rss_mb: dict[str, float]
    """Resident memory by process [MiB]; `page heap` is the page's scripts'."""
    mtp_p50_ms: float | None
    mtp_p95_ms: float | None
    aol_p50_ms: float | None
    aol_p95_ms: float | None


@dataclass(slots=True, kw_only=True)
class SoakFigures:
    """All moments, and the ticks of the whole run."""

    samples: list[Sample] = field(default_factory=list)
    seconds: float = 0.0
    overrun_percent: dict[str, float | None] = field(default_factory=dict)
    """Ticks started more than 2 ms late, by loop [%]."""
    tick_rate_hz: dict[str, float] = field(default_factory=dict)

    def steady(self) -> list[Sample]:
        """Those after warming up."""
        return [each for each in self.samples if each.t_s >= WARM_SHARE * self.seconds]


def slope(times_s: Array, values: Array) -> float:
    """Median of the slopes of all pairs (Theil-Sen), a second; single leaps do not move it."""
    later, earlier = np.triu_indices(len(times_s), 1)[::-1]
    spans_s = times_s[later] - times_s[earlier]
    return float(np.median((values[later] - values[earlier]) / spans_s)) if len(spans_s) else 0.0


def measure_soak(
    *,
    minutes: float,
    every_s: float = 10.0,
    session: SessionCfg | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> SoakFigures:
    """Run a session with Chromium dragging its hand, look at it every every_s [s].

    Raises:
        MissingPartError: No browser can be driven here.
        TeletwinError: A role ended on the way.
    """
    reason = missing_browser()
    if reason:
        raise MissingPartError(reason, mend="pip install 'teletwin[bench]' and install Chromium")
    warm_up(lambda _: None)
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(chromium_page())
        roles = stack.enter_context(Roles())
        cfg = RoleCfg(
            role="operator",
            session=session or SessionCfg(),
            page=PageCfg(port=0),
            engage=True,
        )
        press(page, start_roles(roles, cfg), keeps_notes=True)
        return _watch(page, roles, 60.0 * minutes, every_s, say)


def _watch(page: Any, roles: Roles, seconds: float, every_s: float, say: Callable[[str], None]) -> SoakFigures:
    figures, before, told_s = SoakFigures(seconds=seconds), look(page), 0.0
    take_notes(page)
    start_s = time.monotonic()
    while (t_s := time.monotonic() - start_s) < seconds:
        page.wait_for_timeout(1e3 * max(min(every_s, seconds - t_s), 0.01))
        if roles.ended():
            raise roles.why_ended(roles.ended()[0])
        sample = _sample(page, roles, time.monotonic() - start_s)
        figures.samples.append(sample)
        if sample.t_s - told_s >= 60.0:
            told_s = sample.t_s
            memory = ", ".join(f"{name} {mb:.1f}" for name, mb in sample.rss_mb.items())
            say(f"{sample.t_s / 60.0:.0f} min: MTP {sample.mtp_p50_ms or 0.0:.1f} ms; MiB: {memory}")
    _count(figures, before, look(page))
    return figures


def _sample(page: Any, roles: Roles, t_s: float) -> Sample:
    notes = take_notes(page)
    memory = {name: resident_bytes(role.process.pid) / 2**20 for name, role in roles.running.items()}
    heap_mb = page.evaluate(_HEAP)

    def quantile(values: list[float], share: float) -> float | None:
        return float(np.quantile(values, share)) if values else None

    return Sample(
        t_s=t_s,
        rss_mb=memory | ({"page heap": heap_mb} if heap_mb is not None else {}),
        mtp_p50_ms=quantile(notes.mtp_ms, 0.5),
        mtp_p95_ms=quantile(notes.mtp_ms, 0.95),
        aol_p50_ms=quantile(notes.aol_ms, 0.5),
        aol_p95_ms=quantile(notes.aol_ms, 0.95),
    )


def _count(figures: SoakFigures, before: Seen, after: Seen) -> None:
    """Ticks and overruns between two looks."""
    for loop in ("twin", "arm"):
        ticks = after.counters.get(f"{loop}_ticks", 0) - before.counters.get(f"{loop}_ticks", 0)
        overruns = after.counters.get(f"{loop}_overruns", 0) - before.counters.get(f"{loop}_overruns", 0)
        if ticks <= 0:
            raise TeletwinError(f"the {loop} did not tick", mend="its messages stand above")
        figures.overrun_percent[loop] = 100.0 * overruns / ticks
        figures.tick_rate_hz[loop] = ticks / (after.t_s - before.t_s)
