"""One run's faults, drawn from its seed: a bad network that changes, blackouts, clocks that are set anew."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from teletwin.messages import LinkSettings, Mode

HOPS: dict[str, tuple[tuple[str, str], ...]] = {
    "up": (("twin", "operator"),),
    "down": (("operator", "twin"),),
    "command": (("arm", "twin"),),
    "state": (("twin", "arm"),),
}
"""Receiver and sender of each hop between hosts."""
HANDS = ("handwriting", "reach", "write", "trace", "line")
BLACKOUT_MAX_S = 2.0
LOSS_MAX = 0.1
_STOPS_S = 0.4
"""The hand moves on so long while nobody hears it: the arm has a way to go after the last blackout."""
_STILL_S = 1.1
"""Then it has been at rest for every forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that happens at a time of the run."""

    at_s: float
    hops: dict[str, LinkSettings] | None = None
    """Other networks, by hop."""
    steps_s: dict[str, float] | None = None
    """Clocks that are set anew, by role [s]."""
    mode: Mode | None = None
    """What the person asks for from now on."""
    limits: dict[str, float] | None = None
    """Limits of motion that the person asks for."""
    stops_hand: bool = False
    resumes: bool = False
    """The last blackout ends: from here on the way back is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """Everything that a seed decides."""

    seed: int
    hand: str
    forecaster: str
    network: LinkSettings
    limits: dict[str, float]
    """The session's own, by name."""
    offsets_ms: dict[str, float]
    drifts_ppm: dict[str, float]
    changes: tuple[Change, ...]
    length_s: float


def draw_plan(seed: int, *, seconds: float = 5.0) -> FaultPlan:
    """The faults of a run of about `seconds` [s]."""
    rng = np.random.default_rng([0xFA017, seed])
    network = _network(rng)
    faults_end_s = max(seconds - 2.7, 1.2)
    changes = [*_blackouts(rng, network, faults_end_s), *_clock_steps(rng, faults_end_s), *_wishes(rng, faults_end_s)]
    last, length_s = _last_blackout(rng, network, faults_end_s)
    roles = ("operator", "twin", "arm")
    return FaultPlan(
        seed=seed,
        hand=f"{rng.choice(HANDS)}",
        forecaster=str(rng.choice(["arma", "combined", "linear"], p=[0.6, 0.2, 0.2])),
        network=network,
        limits=_limits(rng),
        offsets_ms={role: float(rng.uniform(-1e5, 1e5)) for role in roles},
        drifts_ppm={role: float(rng.uniform(-200.0, 200.0)) for role in roles},
        changes=tuple(sorted([*changes, *last], key=lambda change: change.at_s)),
        length_s=length_s,
    )


def _network(rng: np.random.Generator) -> LinkSettings:
    """Loss to 10 %, alone or in bursts; duplication; reordering; jitter."""
    return LinkSettings(
        delay_ms=float(rng.choice([0.0, 10.0, 40.0, 100.0])),
        jitter_ms=float(rng.choice([0.0, 5.0, 15.0, 30.0])),
        loss=float(rng.uniform(0.0, LOSS_MAX)),
        duplication=float(rng.uniform(0.0, 0.3)),
        reordering=float(rng.uniform(0.0, 0.3)),
        rate_mbps=float(rng.choice([0.0, 3.0, 10.0])),
        burst_ms=float(rng.choice([0.0, 0.0, 30.0, 100.0])),
    )


def _limits(rng: np.random.Generator) -> dict[str, float]:
    """The session's limits of motion: mostly the arm's own, else tighter ones."""
    if rng.random() < 0.5:
        return {}
    return {
        "max_speed_rad_s": float(rng.uniform(0.3, 3.0)),
        "workspace_radius_m": float(rng.uniform(0.36, 0.48)),
        "workspace_height_m": float(rng.uniform(0.02, 0.15)),
    }


def _lost(network: LinkSettings) -> LinkSettings:
    return LinkSettings(delay_ms=network.delay_ms, jitter_ms=network.jitter_ms, loss=1.0)


def _some_hops(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(rng.choice(list(HOPS), size=int(rng.choice([1, 1, 1, 2, 4])), replace=False).tolist())


def _blackouts(rng: np.random.Generator, network: LinkSettings, end_s: float) -> list[Change]:
    """Up to two blackouts, and another network in between."""
    changes: list[Change] = []
    at_s = float(rng.uniform(0.6, 1.0))
    while at_s < end_s and len(changes) < 4:
        hops, lasts_s = _some_hops(rng), float(min(rng.exponential(0.4) + 0.02, BLACKOUT_MAX_S, end_s - at_s))
        changes.append(Change(at_s=at_s, hops=dict.fromkeys(hops, _lost(network))))
        changes.append(Change(at_s=at_s + lasts_s, hops=dict.fromkeys(hops, _network(rng))))
        at_s += lasts_s + float(rng.uniform(0.3, 1.2))
    return changes


def _clock_steps(rng: np.random.Generator, end_s: float) -> list[Change]:
    """A host's clock is set anew in every other run."""
    if rng.random() < 0.5:
        return []
    role = str(rng.choice(["operator", "twin", "arm"]))
    step_s = float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-2.0, 0.2))  # shorter ones pass as late ticks
    return [Change(at_s=float(rng.uniform(0.5, end_s)), steps_s={role: step_s})]


def _wishes(rng: np.random.Generator, end_s: float) -> list[Change]:
    """A person holds and goes on, or moves the limits: down, and up again, which is refused while engaged."""
    changes: list[Change] = []
    if rng.random() < 0.3:
        at_s = float(rng.uniform(0.4, end_s - 0.4))
        mode = Mode.HOLD if rng.random() < 0.7 else Mode.OFF
        changes += [Change(at_s=at_s, mode=mode), Change(at_s=at_s + 0.3, mode=Mode.ENGAGED)]
    if rng.random() < 0.3:
        at_s = float(rng.uniform(0.4, end_s - 0.2))
        changes.append(Change(at_s=at_s, limits={"max_speed_rad_s": float(rng.uniform(0.1, 1.0))}))
        changes.append(Change(at_s=at_s + 0.5, limits={"max_speed_rad_s": 6.0}))
    return changes


def _last_blackout(rng: np.random.Generator, network: LinkSettings, start_s: float) -> tuple[list[Change], float]:
    """A hop falls silent, the hand stops, the hop comes back; a burst would be another blackout on this way back."""
    network = dataclasses.replace(network, burst_ms=0.0)
    lasts_s = float(rng.uniform(_STOPS_S + _STILL_S, BLACKOUT_MAX_S))
    hop = str(rng.choice(list(HOPS)))
    changes = [
        Change(at_s=start_s, hops={name: network for name in HOPS} | {hop: _lost(network)}, mode=Mode.ENGAGED),
        Change(at_s=start_s + _STOPS_S, stops_hand=True),
        Change(at_s=start_s + lasts_s, hops={hop: network}, resumes=True),
    ]
    return changes, start_s + lasts_s + 1.2
