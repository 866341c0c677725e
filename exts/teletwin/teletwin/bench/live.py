"""A whole live session with a real Chromium: how punctual the loops are, how old the picture is for the person."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from teletwin.bench.browser import chromium_page, missing_browser
from teletwin.bench.drag import Seen, end_operator, look, press, start_roles
from teletwin.session.config import SessionCfg
from teletwin.session.launch import Roles
from teletwin.session.page_cfg import PageCfg
from teletwin.session.role_cfg import RoleCfg
from teletwin.session.warm import warm_up


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopFigures:
    """One fixed-rate loop."""

    tick_p50_us: float | None
    tick_p99_us: float | None
    period_p50_ms: float | None
    period_p99_ms: float | None
    period_max_ms: float | None
    tick_count: int
    overrun_count: int

    @property
    def overrun_share(self) -> float | None:
        """Share of the ticks that started more than 2 ms late; None before the first tick."""
        return self.overrun_count / self.tick_count if self.tick_count else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """What a live session measured; None where that was not possible, `reason` tells why."""

    seconds: float
    width: int
    height: int
    rate_hz: float
    twin: LoopFigures
    arm: LoopFigures
    sleep: LoopFigures
    """A bare sleep loop at 500 Hz in the same run."""
    fifo_granted: bool
    """Whether real-time scheduling was permitted."""
    mtp_p50_ms: float | None = None
    """Motion to photon of every input, in the page's own clock."""
    mtp_p95_ms: float | None = None
    mtp_p99_ms: float | None = None
    mtp_count: int = 0
    drawn_rate_hz: float | None = None
    barcode_mismatch_count: int | None = None
    """Pictures whose pixels told another number than their header; None without the barcode."""
    stages_ms: Mapping[str, Any] = field(default_factory=dict)
    """p50, p95, p99 of each stage of a picture, by name."""
    reason: str = ""


def measure_live(
    *,
    seconds: float = 60.0,
    width: int = 640,
    height: int = 360,
    rate_hz: float = 30.0,
    barcode: bool = False,
    session: SessionCfg | None = None,
) -> LiveFigures:
    """Run every role of a session as `teletwin demo` does, drag its hand in Chromium for `seconds`, read the report.

    Without a browser the protocol viewer stands in, and the motion-to-photon figures are None.
    """
    session = replace(session or SessionCfg(), width=width, height=height, rate_hz=rate_hz, barcode=barcode)
    reason = missing_browser()
    warm_up(lambda _: None)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="teletwin-bench-"))
        report = Path(folder) / "report.json"
        page = None if reason else stack.enter_context(chromium_page())
        cfg = RoleCfg(
            role="operator",
            session=session,
            page=PageCfg(port=0),
            headless=page is None,
            engage=True,
            report=str(report),
        )
        roles = stack.enter_context(Roles())
        url = start_roles(roles, cfg)
        before, after, sleep = _drive(page, url, seconds)
        end_operator(roles)
        results = json.loads(report.read_text())["results"]
    return _figures(session, results, before=before, after=after, sleep=sleep, reason=reason)


def _drive(page: Any, url: str, seconds: float) -> tuple[Seen, Seen, dict[str, Any]]:
    """Move the hand for so long beside a bare sleep loop; the counts before and after, and the sleep loop's."""
    if page is not None:
        press(page, url)
    with _sleep_loop() as end_sleep:
        before = look(page)
        if page is not None:
            page.wait_for_timeout(1e3 * seconds)
        else:
            time.sleep(seconds)
        after = look(page)
        return before, after, end_sleep()


@contextlib.contextmanager
def _sleep_loop(rate_hz: float = 500.0) -> Iterator[Callable[[], dict[str, Any]]]:
    """A bare sleep loop in its own process; yields what ends it and gives its figures."""
    command = [sys.executable, "-m", "teletwin.bench.sleep_loop", str(rate_hz)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield lambda: json.loads(process.communicate(timeout=10.0)[0])
    finally:
        process.kill()
        process.wait()


def _loop(values: Mapping[str, Any] | None, before: Seen, after: Seen, name: str) -> LoopFigures:
    """Percentiles of the whole run; ticks and overruns of the time in which the hand was dragged, where known."""
    values = values or {}

    def count(kind: str) -> int:
        key = f"{name}_{kind}s"
        if key in before.counters and key in after.counters:
            return after.counters[key] - before.counters[key]
        return int(values.get(f"{kind}_count", 0))

    keys = ("tick_p50_us", "tick_p99_us", "period_p50_ms", "period_p99_ms", "period_max_ms")
    return LoopFigures(**{k: values.get(k) for k in keys}, tick_count=count("tick"), overrun_count=count("overrun"))


def _figures(
    session: SessionCfg, results: dict[str, Any], *, before: Seen, after: Seen, sleep: dict[str, Any], reason: str
) -> LiveFigures:
    """Pick the figures from what the session and the page reported."""
    mtp = results["mtp_page_ms"] or {}
    span_s = after.t_s - before.t_s
    stages = results["stages_ms"] | {"frame_ready_to_drawn": results["frame_ready_to_drawn_ms"]}
    has_page = not reason
    return LiveFigures(
        seconds=span_s,
        width=session.width,
        height=session.height,
        rate_hz=session.rate_hz,
        twin=_loop(results["control_loop"], before, after, "twin"),
        arm=_loop(results["arm_loop"], before, after, "arm"),
        sleep=_loop(sleep, before, after, "sleep"),
        fifo_granted=bool(sleep["fifo_granted"]),
        mtp_p50_ms=mtp.get("p50"),
        mtp_p95_ms=mtp.get("p95"),
        mtp_p99_ms=mtp.get("p99"),
        mtp_count=int(mtp.get("count", 0)),
        drawn_rate_hz=(after.stream["drawn"] - before.stream["drawn"]) / span_s if has_page else None,
        barcode_mismatch_count=after.stream["mismatches"] if has_page and session.barcode else None,
        stages_ms=stages,
        reason=reason,
    )
