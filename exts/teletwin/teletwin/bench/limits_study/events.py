"""What happens to a session while its hand moves: holds, stops, silence, late commands, limits that change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.safety import REDUCED_SPEED_M_S

_SECOND = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class Events:
    """Per tick and hand."""

    holds: NDArray[np.bool_]
    """(T, N) the twin holds: somebody pressed Hold, or the operator is silent."""
    stops: NDArray[np.bool_]
    """(T, N) the arm's host brakes and then stops servoing: Stop, a fault, a lost controller."""
    late: NDArray[np.int32]
    """(T, N) how many ticks ago the newest command was made that has come to the arm."""
    caps: Array
    """(T, N, 3): joint speed [rad/s], speed of any body and of the tool [m/s]."""
    tightened_at: int
    """Tick from which the workspace is smaller; T when never."""
    radius_m: float
    height_m: float
    """The smaller workspace."""


def quiet(*, ticks: int, count: int) -> Events:
    """Nothing happens."""
    caps = np.empty((ticks, count, 3))
    caps[:] = (2.0 * np.pi, 1.5, 1.5)
    none = np.zeros((ticks, count), dtype=bool)
    late = np.ones((ticks, count), dtype=np.int32)
    return Events(holds=none, stops=none.copy(), late=late, caps=caps, tightened_at=ticks, radius_m=0.48, height_m=0.02)


def draw_events(rng: np.random.Generator, *, ticks: int, count: int, first_motion: bool = False) -> Events:
    """Events of `count` sessions; the workspace is one for all of them."""
    events = quiet(ticks=ticks, count=count)
    for n in range(count):
        _windows(rng, events.holds[:, n], often_s=3.0, most=_SECOND)
        _windows(rng, events.stops[:, n], often_s=6.0, least=_SECOND // 2, most=_SECOND)
        events.late[:, n] = _lateness(rng, ticks)
        _change_caps(rng, events.caps[:, n])
    if first_motion:
        events.caps[..., 0] = 1.0
        return _with_workspace(events, at=0, radius_m=0.45, height_m=0.15)
    if rng.random() < 0.5:
        at = int(rng.uniform(0.3, 0.7) * ticks)
        return _with_workspace(events, at=at, radius_m=rng.uniform(0.3, 0.48), height_m=rng.uniform(0.02, 0.15))
    return events


def _with_workspace(events: Events, *, at: int, radius_m: float, height_m: float) -> Events:
    return replace(events, tightened_at=at, radius_m=radius_m, height_m=height_m)


def _windows(rng: np.random.Generator, row: NDArray[np.bool_], *, often_s: float, most: int, least: int = 1) -> None:
    start = int(rng.exponential(often_s * _SECOND))
    while start < len(row):
        end = start + int(rng.integers(least, most))
        row[start:end] = True
        start = end + int(rng.exponential(often_s * _SECOND))


def _lateness(rng: np.random.Generator, ticks: int) -> NDArray[np.int32]:
    """Jitter about some delay, late bursts, and now and then silence."""
    base, spread = rng.integers(1, 20), rng.choice([0, 3, 10])
    made = np.maximum(base + np.round(spread * rng.normal(size=ticks)), 1).astype(np.int64)
    silent = np.zeros(ticks, dtype=bool)
    _windows(rng, silent, often_s=4.0, most=_SECOND // 2)
    newest = np.arange(ticks) - made
    newest[silent] = 0
    newest = np.maximum.accumulate(newest)  # the newest wins
    return np.maximum(np.arange(ticks) - newest, 1).astype(np.int32)


def _change_caps(rng: np.random.Generator, caps: Array) -> None:
    """The session's speed limits (T, 3), changed once in a while."""
    start = 0
    while start < len(caps):
        if rng.random() < 0.5:
            body = rng.choice([REDUCED_SPEED_M_S, rng.uniform(0.1, 1.5)])
            caps[start:] = (rng.uniform(0.2, 2.0 * np.pi), body, min(body, rng.uniform(0.1, 1.5)))
        else:
            caps[start:] = (2.0 * np.pi, 1.5, 1.5)
        start += int(rng.uniform(1.0, 6.0) * _SECOND)
