"""The study of outages as rows of a bench."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from teletwin.bench.restart.enabling import CAUSES
from teletwin.report.bench_rows import BenchRow
from teletwin.safety import HEARTBEAT_MAX_MS

MOVED_RAD = 1e-4
"""Joints that differ by less have not moved."""
CLAIM_BAR_MS = 500.0
_TICKS_MS = 4.0
"""The arm looks every 2 ms; the study every millisecond."""
Runs = Sequence[Mapping[str, Any]]


def outage_rows(runs: Runs) -> Iterator[BenchRow]:
    """What moved unasked, what the page claimed, and that the arm comes back."""
    long, short = ([run for run in runs if run["kind"] == kind] for kind in ("long", "short"))
    unasked = [run for run in long if run["follows"] or run["unasked_rad"] > MOVED_RAD]
    worst_rad = max((run["unasked_rad"] for run in long), default=0.0)
    note = f"{len(long)} runs with a silence > 500 ms or a restart; largest {worst_rad:.1g} rad{_first(unasked)}"
    yield BenchRow(name="motions without a fresh act", unit="runs", value=len(unasked), bar=0, note=note)
    stuck = [run for run in long if not run["moves_after_act"]]
    note = f"after it a person presses Engage{_first(stuck)}"
    yield BenchRow(name="no motion after a fresh act", unit="runs", value=len(stuck), bar=0, note=note)
    lost = [run for run in short if not run["follows"] and "clear" not in run["asks"]]
    note = f"{len(short)} runs with shorter silences alone{_first(lost)}"
    yield BenchRow(name="shorter silence, yet an act is asked for", unit="runs", value=len(lost), bar=0, note=note)
    worst = max(runs, key=lambda run: run["claimed_ms"])
    note = f"all {len(runs)} runs, 30 ± 5 ms each hop; {worst['name']}"
    yield BenchRow(
        name="page says engaged, the arm is not", unit="ms", value=worst["claimed_ms"], bar=CLAIM_BAR_MS, note=note
    )
    idle = [run for run in runs if not run["was_engaged"]]
    yield BenchRow(name="runs whose arm had not followed before", unit="runs", value=len(idle), bar=0)


def enabling_rows(runs: Runs) -> Iterator[BenchRow]:
    """From the last heartbeat at the arm to braking and to rest, by cause."""
    for cause in CAUSES:
        ours = [run for run in runs if run["cause"] == cause and run["was_engaged"]]
        if not ours:
            continue
        brakes_ms, stands_ms = (max(run[name] for run in ours) for name in ("brakes_ms", "stands_ms"))
        note = f"{len(ours)} runs; at rest {stands_ms:.0f} ms at most"
        bar = HEARTBEAT_MAX_MS + _TICKS_MS
        yield BenchRow(name=f"enabling input, {cause}: brakes", unit="ms", value=brakes_ms, bar=bar, note=note)


def patience_rows(runs: Runs) -> Iterator[BenchRow]:
    """Stops on a network that works."""
    for run in runs:
        note = f"{run['seconds'] / 60:.0f} min of virtual time; {run['holds']} holds shorter than 500 ms"
        yield BenchRow(name=f"{run['name']}: false stops", unit="", value=run["false_stops"], bar=0, note=note)


def _first(bad: Runs) -> str:
    return f"; first: {bad[0]['name']}" if bad else ""
