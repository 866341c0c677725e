"""The squeeze: link and compute are taken away and given back, and what an operator notices of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from teletwin.geometry import Array

LIMIT_MS = 150.0
"""Effective motion to photon (95 of 100 samples) that must be held."""
WITHIN_S = 1.0
"""So long after a cut it may take to hold it again."""
BACK_S = 3.0
"""So long after everything was given back pictures may take to be as they were."""
QUEUE_LIMIT_MS = 100.0
"""From a second after a cut on, no picture waits longer at the bottleneck."""
_WINDOW_S = 1.0
_GRID_S = 0.02
_FREEZE_S = 0.4
"""No picture for so long is a freeze."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """From when on how much there is."""

    name: str
    at_s: float
    bandwidth_mbps: float
    compute_share: float


PHASES = (
    Phase(name="full", at_s=0.0, bandwidth_mbps=8.0, compute_share=1.0),
    Phase(name="link cut", at_s=5.0, bandwidth_mbps=1.5, compute_share=1.0),
    Phase(name="compute cut too", at_s=9.0, bandwidth_mbps=1.5, compute_share=1.0 / 3.0),
    Phase(name="both back", at_s=13.0, bandwidth_mbps=8.0, compute_share=1.0),
)
END_S = 18.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was in force at one instant."""

    t_s: float
    queue_ms: float
    """What waits at the bottleneck."""
    row: Mapping[str, object]
    """Numbers of the allocation, `LiveAllocation.row`; empty without one."""


@dataclass(slots=True, kw_only=True)
class SqueezeTrace:
    """What one run showed; times from its beginning."""

    allocator: str
    seconds: float = END_S
    effective: list[tuple[float, float]] = field(default_factory=list)
    """When a hand sample came to the screen [s], how effectively late [ms]."""
    moments: list[Moment] = field(default_factory=list)
    ticks: list[tuple[float, int, int]] = field(default_factory=list)
    """Time [s], control ticks, and those of them that overran."""
    counters: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFigures:
    """One phase."""

    name: str
    at_s: float
    effective_p50_ms: float
    effective_p95_ms: float
    """From a second after its beginning on."""
    held_after_s: float
    """From then on 95 of 100 samples of a second are below the limit; infinite when never."""
    queue_most_ms: float
    """Longest wait at the bottleneck from a second after its beginning on."""
    queue_growth_ms_s: float
    """Its slope over the same time."""
    sample_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SqueezeFigures:
    """One run, judged."""

    allocator: str
    phases: tuple[PhaseFigures, ...]
    quality_back_s: float
    """From giving back until pictures and updates are as before the first cut; infinite when never."""
    quality_cut: Mapping[str, float]
    """Medians of what was left while both were cut: bitrate, pixels, rates."""
    tick_rate_hz: float
    overrun_count: int
    tick_count: int
    counters: Mapping[str, int]

    @property
    def failures(self) -> list[str]:
        """What of the bars was not reached, in words."""
        said: list[str] = []
        for phase in self.phases[1:]:
            if not phase.held_after_s <= WITHIN_S:
                said.append(
                    f"{phase.name}: effective MTP held after {phase.held_after_s:.2f} s, {WITHIN_S:g} s allowed"
                )
            if not phase.effective_p95_ms < LIMIT_MS:
                said.append(f"{phase.name}: effective MTP p95 {phase.effective_p95_ms:.0f} ms, {LIMIT_MS:g} ms allowed")
            if not phase.queue_most_ms < QUEUE_LIMIT_MS:
                said.append(f"{phase.name}: a queue of {phase.queue_most_ms:.0f} ms, {QUEUE_LIMIT_MS:g} ms allowed")
        if not self.quality_back_s <= BACK_S:
            said.append(f"quality was back after {self.quality_back_s:.1f} s, {BACK_S:g} s allowed")
        return said


def judge(trace: SqueezeTrace, phases: Sequence[Phase] = PHASES) -> SqueezeFigures:
    """What a run was worth."""
    ends_s = [phase.at_s for phase in phases[1:]] + [trace.seconds]
    ticks = [tick for tick in trace.ticks if tick[0] >= phases[1].at_s]
    first, last = (ticks[0], ticks[-1]) if len(ticks) > 1 else ((0.0, 0, 0), (math.inf, 0, 0))
    return SqueezeFigures(
        allocator=trace.allocator,
        phases=tuple(_phase(trace, phase, end_s) for phase, end_s in zip(phases, ends_s, strict=True)),
        quality_back_s=_quality_back_s(trace, phases),
        quality_cut=_quality(trace, phases[-2].at_s + 1.0, phases[-1].at_s),
        tick_rate_hz=(last[1] - first[1]) / (last[0] - first[0]),
        overrun_count=last[2] - first[2],
        tick_count=last[1] - first[1],
        counters=trace.counters,
    )


def _phase(trace: SqueezeTrace, phase: Phase, end_s: float) -> PhaseFigures:
    times_s, late_ms = np.array(trace.effective).reshape(-1, 2).T
    later = late_ms[(times_s >= phase.at_s + WITHIN_S) & (times_s < end_s)]
    moments = [m for m in trace.moments if phase.at_s + WITHIN_S <= m.t_s < end_s]
    queues_ms = np.array([m.queue_ms for m in moments])
    at_s = np.array([m.t_s for m in moments])
    return PhaseFigures(
        name=phase.name,
        at_s=phase.at_s,
        effective_p50_ms=float(np.percentile(later, 50)) if later.size else math.inf,
        effective_p95_ms=float(np.percentile(later, 95)) if later.size else math.inf,
        held_after_s=_held_after_s(times_s, late_ms, phase.at_s, end_s),
        queue_most_ms=float(queues_ms.max(initial=0.0)),
        queue_growth_ms_s=float(np.polyfit(at_s, queues_ms, 1)[0]) if len(moments) > 2 else 0.0,
        sample_count=int(later.size),
    )


def _held_after_s(times_s: Array, late_ms: Array, at_s: float, end_s: float) -> float:
    """First instant after at_s from which a second's samples keep to the limit, and come at all [s]."""
    for start_s in np.arange(at_s, end_s - _WINDOW_S + 1e-9, _GRID_S):
        inside = (times_s >= start_s) & (times_s < start_s + _WINDOW_S)
        edges_s = np.concatenate([[start_s], times_s[inside], [start_s + _WINDOW_S]])
        if np.diff(edges_s).max() < _FREEZE_S and np.percentile(late_ms[inside], 95) < LIMIT_MS:
            return float(start_s - at_s)
    return math.inf


QUALITY = ("bitrate_mbps", "width", "height", "rate_hz", "update_rate_hz", "physics_rate_hz")
_ALL_BUT = 0.95


def _quality_back_s(trace: SqueezeTrace, phases: Sequence[Phase]) -> float:
    """Until bitrate, pixels a second, updates and physics steps are what they usually were before the first cut [s]."""
    before = [_worth(m.row) for m in trace.moments if m.row and m.t_s < phases[1].at_s]
    if not before:  # nothing was ever taken from them
        return 0.0
    usual = np.median(before, axis=0)
    for moment in trace.moments:
        if moment.t_s >= phases[-1].at_s and moment.row and (_worth(moment.row) >= _ALL_BUT * usual).all():
            return moment.t_s - phases[-1].at_s
    return math.inf


def _worth(row: Mapping[str, object]) -> Array:
    pixels_s = _number(row, "width") * _number(row, "height") * _number(row, "rate_hz")
    rates = [_number(row, name) for name in ("bitrate_mbps", "update_rate_hz", "physics_rate_hz")]
    return np.array([pixels_s, *rates])


def _quality(trace: SqueezeTrace, from_s: float, to_s: float) -> dict[str, float]:
    rows = [m.row for m in trace.moments if m.row and from_s <= m.t_s < to_s]
    return {name: float(np.median([_number(row, name) for row in rows])) for name in QUALITY if rows}


def series(trace: SqueezeTrace) -> dict[str, Sequence[float | None]]:
    """Numbers over time, for a figure; None where no picture came."""
    times_s, late_ms = np.array(trace.effective).reshape(-1, 2).T
    grid_s = np.arange(0.1, trace.seconds, 0.1)
    windows = [late_ms[(times_s >= t_s - 0.1) & (times_s < t_s + 0.1)] for t_s in grid_s]
    rows = [m.row for m in trace.moments if m.row]
    is_full = len(rows) == len(trace.moments)
    return {
        "effective_t_s": grid_s.tolist(),
        "effective_p95_ms": [float(np.percentile(window, 95)) if window.size else None for window in windows],
        "t_s": [m.t_s for m in trace.moments],
        "queue_ms": [m.queue_ms for m in trace.moments],
        "bitrate_mbps": [_number(row, "bitrate_mbps") for row in rows] if is_full else [],
        "megapixels_s": [
            1e-6 * _number(row, "width") * _number(row, "height") * _number(row, "rate_hz") for row in rows
        ]
        if is_full
        else [],
    }


def _number(row: Mapping[str, object], name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def as_json(figures: SqueezeFigures) -> dict[str, object]:
    """The figures for a report; what never came is null."""
    plain = dataclasses.asdict(figures)
    plain["failures"] = figures.failures
    return {name: _finite(value) for name, value in plain.items()}


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
