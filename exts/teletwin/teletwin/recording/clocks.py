"""The logs of one session on one clock: each file's times are moved by what the hosts said of each other's clocks.

Every role notes once a second how far the clocks of its peers are ahead of its own (`Note` of kind 'clocks',
[ns] by role), as the links estimate it. Half of what two ways differ in delay is an error of that estimate, so
files that tell the same clock are not moved at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.recording.session_recording import SessionRecording

Times = np.ndarray
"""Integer nanoseconds (n,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """How the clock of a file was brought to that of the first."""

    role: str
    how: str
    """'first', 'same clock', 'shifted', or 'unknown' (left as it is)."""
    shift_ms: float = 0.0
    """Mean shift of its times [ms]."""


def align(parts: Sequence[SessionRecording]) -> tuple[list[SessionRecording], list[Alignment]]:
    """The same logs with the times of all on the clock of the first, and what was done to each."""
    known = {part.role: _offsets(part) for part in parts}
    first = parts[0]
    aligned, told = [first], [Alignment(role=first.role, how="first")]
    for part in parts[1:]:
        moved, how = _align_one(part, first, known)
        aligned.append(moved)
        told.append(how)
    return aligned, told


_SETTLE_NS = 3 * NS_PER_S
_OFFSET_MAX_NS = 1 << 62
_Series = tuple[Times, Times]
"""Own times [ns] and how far a peer's clock is ahead then [ns]."""


def _offsets(part: SessionRecording) -> dict[str, _Series]:
    """What a role has noted of its peers' clocks."""
    noted: dict[str, list[tuple[int, int]]] = {}
    for each in part.on_topic(f"/{part.role}/Note"):
        told = each.values.get("values")
        if each.values.get("kind") == "clocks" and isinstance(told, dict):
            for peer, offset_ns in told.items():
                if isinstance(offset_ns, int) and abs(offset_ns) < _OFFSET_MAX_NS:
                    noted.setdefault(peer, []).append((each.t_log_ns, offset_ns))
    return {peer: _settled(rows) for peer, rows in noted.items()}


def _settled(rows: Sequence[tuple[int, int]]) -> _Series:
    """Notes without the first seconds', when few exchanges were known; those that follow tell these seconds better."""
    late = [row for row in rows if row[0] - rows[0][0] >= _SETTLE_NS] or rows[-1:]
    return np.array([row[0] for row in late], dtype=np.int64), np.array([row[1] for row in late], dtype=np.int64)


def _align_one(
    part: SessionRecording, first: SessionRecording, known: Mapping[str, Mapping[str, _Series]]
) -> tuple[SessionRecording, Alignment]:
    clock = part.metadata.get("host", {}).get("clock", "")
    if clock and clock == first.metadata.get("host", {}).get("clock"):
        return part, Alignment(role=part.role, how="same clock")
    way = _way(part.role, first.role, known)
    if way is None or not part.messages:
        return part, Alignment(role=part.role, how="unknown")
    times_ns = part.messages.log_times_ns()
    shifts_ns = _along(way, times_ns) - times_ns
    messages = part.messages.shifted(shifts_ns)
    told = Alignment(role=part.role, how="shifted", shift_ms=float(shifts_ns.mean()) * 1e-6)
    return dataclasses.replace(part, messages=messages), told


def _way(start: str, end: str, known: Mapping[str, Mapping[str, _Series]]) -> list[Callable[[Times], Times]] | None:
    """Steps from the clock of `start` to that of `end`, over roles that know each other; None when there is no way."""
    ways: dict[str, list[Callable[[Times], Times]]] = {start: []}
    queue = [start]
    while queue:
        here = queue.pop(0)
        if here == end:
            return ways[here]
        for there, step in _steps(here, known).items():
            if there not in ways:
                ways[there] = [*ways[here], step]
                queue.append(there)
    return None


def _steps(here: str, known: Mapping[str, Mapping[str, _Series]]) -> dict[str, Callable[[Times], Times]]:
    """From a clock to each that it, or whose host, has told the offset of."""
    steps: dict[str, Callable[[Times], Times]] = {}
    for there, series in known.get(here, {}).items():
        steps[there] = lambda t_ns, series=series: t_ns + _at(series, t_ns)
    for there, peers in known.items():
        if here in peers:
            steps[there] = lambda t_ns, series=peers[here]: _back(series, t_ns)
    return steps


def _back(series: _Series, peer_ns: Times) -> Times:
    """Own times of a peer's times: t = t_peer - offset(t), solved by repetition as offsets hardly change."""
    own_ns = peer_ns - series[1][0]
    for _ in range(3):
        own_ns = peer_ns - _at(series, own_ns)
    return own_ns


def _at(series: _Series, t_ns: Times) -> Times:
    """Offset at own times, between the notes linear [ns]."""
    times_ns, offsets_ns = series
    base = int(offsets_ns[0])  # nanoseconds of a clock need more digits than a float has
    between = np.interp((t_ns - times_ns[0]).astype(np.float64), times_ns - times_ns[0], offsets_ns - base)
    return base + np.rint(between).astype(np.int64)


def _along(way: Sequence[Callable[[Times], Times]], t_ns: Times) -> Times:
    for step in way:
        t_ns = step(t_ns)
    return t_ns
