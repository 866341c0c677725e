"""Networks that a policy is trained and judged on: what happens to each hop, when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.messages import LinkSettings

HOPS: Mapping[str, tuple[str, str]] = {
    "up": ("operator", "twin"),
    "down": ("twin", "operator"),
    "picture": ("renderer", "operator"),
    "ack": ("operator", "renderer"),
    "command": ("twin", "arm"),
    "state": ("arm", "twin"),
}
"""Name to sender and receiver: the hops of the loop that a network is imitated on."""

Schedule = Mapping[str, list[tuple[int, LinkSettings]]]
"""Hop to the settings that hold from a time on [ns], the first from 0 on."""

_REGIMES_MS = (20.0, 50.0, 120.0)
_BURST_MEAN_S, _BURST_EVERY_S = 0.06, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One network for a while."""

    duration_s: float
    settings: LinkSettings
    is_bursty: bool = False
    """Packets are lost in bursts, on each hop by itself."""


Draw = Callable[[np.random.Generator, float], list[Stretch]]


def _steady(delay_ms: float, jitter_ms: float = 0.0, *, is_bursty: bool = False) -> Draw:
    settings = LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms)
    return lambda rng, duration_s: [Stretch(duration_s=duration_s, settings=settings, is_bursty=is_bursty)]


def _unknown(rng: np.random.Generator, duration_s: float) -> list[Stretch]:
    delay_ms = float(10 * rng.integers(1, 14))
    return [Stretch(duration_s=duration_s, settings=LinkSettings(delay_ms=delay_ms, jitter_ms=10.0))]


def _switching(rng: np.random.Generator, duration_s: float, *, dwell_s: float = 3.0) -> list[Stretch]:
    stretches: list[Stretch] = []
    left_s = duration_s
    while left_s > 0.0:
        stay_s = max(float(rng.exponential(dwell_s)), 0.2)
        settings = LinkSettings(delay_ms=float(rng.choice(_REGIMES_MS)), jitter_ms=10.0, loss=0.01)
        stretches.append(Stretch(duration_s=min(stay_s, left_s), settings=settings))
        left_s -= stay_s
    return stretches


def _mixed(rng: np.random.Generator, duration_s: float) -> list[Stretch]:
    """What a policy is trained on: constant for a third of the time, else jittered, switching or bursty."""
    delay_ms, jitter_ms = float(10 * rng.integers(1, 14)), float(rng.choice([5.0, 10.0, 20.0, 30.0]))
    kind = int(rng.integers(6))
    if kind <= 1:
        return _steady(delay_ms)(rng, duration_s)
    if kind == 2:
        return _steady(max(delay_ms, 20.0), min(jitter_ms, 0.6 * delay_ms))(rng, duration_s)
    if kind == 3:
        return _steady(max(delay_ms, 20.0), 10.0, is_bursty=True)(rng, duration_s)
    return _switching(rng, duration_s, dwell_s=3.0 if kind == 4 else 1.0)


CONDITIONS: Mapping[str, Draw] = {
    "none": _steady(0.0),
    "fixed": _steady(50.0),
    "jitter": _steady(50.0, 10.0),
    "rough": _steady(50.0, 30.0),
    "switching": _switching,
    "unknown": _unknown,
    "bursty": _steady(50.0, 10.0, is_bursty=True),
    "mixed": _mixed,
}
"""Name on the command line -> how its stretches are drawn. One-way times of every hop: 50 ms; 50 +- 10 ms; 50 +- 30
ms; 20, 50 or 120 ms +- 10 ms with 1 % loss, switched after 3 s on average; one of 10 ... 130 +- 10 ms; 50 +- 10 ms with
bursts of loss; all of that, for training."""

EVALUATED = ("fixed", "jitter", "rough", "switching", "unknown", "bursty")


def draw_schedule(condition: str, rng: np.random.Generator, duration_s: float) -> Schedule:
    """Settings of every hop over time.

    Raises:
        ConfigError: No condition has this name.
    """
    if condition not in CONDITIONS:
        raise ConfigError("no such network condition", given=condition, allowed=", ".join(CONDITIONS))
    stretches = CONDITIONS[condition](rng, duration_s)
    return {hop: _of_hop(stretches, rng) for hop in HOPS}


def _of_hop(stretches: list[Stretch], rng: np.random.Generator) -> list[tuple[int, LinkSettings]]:
    changes: list[tuple[int, LinkSettings]] = []
    t_s = 0.0
    for stretch in stretches:
        changes.append((round(t_s * NS_PER_S), stretch.settings))
        if stretch.is_bursty:
            changes += _bursts(stretch, t_s, rng)
        t_s += stretch.duration_s
    return changes


def _bursts(stretch: Stretch, start_s: float, rng: np.random.Generator) -> list[tuple[int, LinkSettings]]:
    """Exponential bursts in which everything is lost, with exponential gaps between them (Gilbert, 1960)."""
    changes: list[tuple[int, LinkSettings]] = []
    t_s = start_s
    while True:
        t_s += float(rng.exponential(_BURST_EVERY_S))
        end_s = t_s + float(rng.exponential(_BURST_MEAN_S))
        if end_s >= start_s + stretch.duration_s:
            return changes
        changes.append((round(t_s * NS_PER_S), replace(stretch.settings, loss=1.0)))
        changes.append((round(end_s * NS_PER_S), stretch.settings))
        t_s = end_s
