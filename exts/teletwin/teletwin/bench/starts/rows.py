"""What so many starts come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from teletwin.bench.starts.run import Start
from teletwin.report.bench_rows import BenchRow

ENGAGED_S, LATE_PERCENT = 20.0, 1.0


def start_line(number: int, start: Start) -> str:
    """One start, for the terminal."""
    if start.engaged_s is None:
        return f"{number}: not engaged; {start.why or 'no reason was given'}"
    late = ", ".join(f"{_text(value)} %" for value in (start.twin_late_percent, start.arm_late_percent))
    faults = f"{start.fault_count} faults{': ' if start.faults else ''}{'; '.join(start.faults)}"
    more = f"held {start.held_count} times, gone on {start.resumed_count} times, {_text(start.picture_hz)} pictures/s"
    return f"{number}: engaged after {start.engaged_s:.1f} s; {faults}; late ticks of twin, arm {late}; {more}"


def start_rows(starts: Sequence[Start], *, busy: int, seconds: float, fifo: bool) -> Iterator[BenchRow]:
    """Starts that were engaged in time, faults, late ticks and pictures: medians with their ranges."""
    about = f"{len(starts)} starts, {busy} busy processes"
    late = [s for s in starts if s.engaged_s is None or s.engaged_s > ENGAGED_S]
    note = f"{about}; {'SCHED_FIFO' if fifo else 'no real-time scheduling'}"
    yield BenchRow(name=f"starts not engaged within {ENGAGED_S:g} s", unit="", value=len(late), bar=0, note=note)
    yield from _spread(starts, "from the command to engaged", "s", lambda start: start.engaged_s)
    faults = sum(start.fault_count for start in starts)
    yield BenchRow(name=f"faults in {seconds:g} s", unit="", value=faults, bar=0, note=about)
    bar = LATE_PERCENT if fifo else None
    yield from _spread(starts, "twin ticks started > 2 ms late", "%", lambda start: start.twin_late_percent, bar=bar)
    yield from _spread(starts, "arm ticks started > 2 ms late", "%", lambda start: start.arm_late_percent, bar=bar)
    yield from _spread(starts, f"times held in {seconds:g} s", "", lambda start: start.held_count)
    yield from _spread(starts, "pictures", "Hz", lambda start: start.picture_hz)


def _spread(
    starts: Sequence[Start], name: str, unit: str, of: Callable[[Start], float | None], *, bar: float | None = None
) -> Iterator[BenchRow]:
    """The median, its range beside it; with a bar the worst, which has to meet it."""
    values = [value for start in starts if (value := of(start)) is not None]
    if not values:
        yield BenchRow(name=name, unit=unit, value=None, bar=bar, note="not measured")
        return
    least, median, most = np.percentile(values, [0, 50, 100])
    if bar is None:
        yield BenchRow(name=f"{name}, median", unit=unit, value=float(median), note=f"{least:.3g} to {most:.3g}")
    else:
        note = f"median {median:.3g}, from {least:.3g}"
        yield BenchRow(name=f"{name}, worst", unit=unit, value=float(most), bar=bar, note=note)


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"
