"""A search for the hand that does most harm: evolution strategies, many at once on the batch kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from teletwin.bench.limits_study.drive import Drive, Trace
from teletwin.bench.limits_study.events import Events, quiet
from teletwin.bench.limits_study.hands import HEIGHT_M, HOME, RADIUS_M, TICK_S, Targets
from teletwin.bench.limits_study.measures import SAMPLE, body_speed, motion_of, reversals
from teletwin.bench.limits_study.spheres import Spheres
from teletwin.geometry import Array, quat_from_rotvec, quat_multiply
from teletwin.robot.ur3e import HOME_Q, SHOULDER_HEIGHT_M

HARMS = ("penetration", "penetration", "penetration", "body speed", "jerk", "chatter")
"""What the searches maximize, in turn."""
LENGTH_S = 2.0
POPULATION = 10
_WAVES = 3
_JUMPS = 2
_SIGMA = 0.5
KEPT = 20
"""Trials of each search that the meshes judge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The most harmful trials of one search."""

    number: int
    harm: str
    source: str
    """'hand': tool targets through the motion policy; 'joints': what the twin's limits are asked for directly."""
    scores: Array
    """(KEPT,), the worst first; -inf where there were fewer."""
    parameters: Array
    """(KEPT, d)."""


def _size() -> int:
    """Six channels of waves (amplitude, frequency, phase) and jumps, then events."""
    return 6 * (3 * _WAVES + _JUMPS) + _JUMPS + 8


@dataclass(frozen=True, kw_only=True, eq=False)
class _Decoded:
    """Motion (T, N, 6) about its start, and events."""

    motion: Array
    events: Events


def decode(x: Array, *, ticks: int) -> _Decoded:
    """Motions and events of parameters (N, _size()), about normal."""
    count, at = len(x), 0

    def take(*shape: int) -> Array:
        nonlocal at
        width = int(np.prod(shape))
        part = x[:, at : at + width].reshape(count, *shape)
        at += width
        return part

    t = np.arange(ticks)[:, None, None, None] * TICK_S
    wave = take(6, _WAVES, 3)
    frequency = 0.2 + 4.0 / (1.0 + np.exp(-wave[..., 1]))
    motion = (wave[..., 0] * np.sin(2.0 * np.pi * frequency * t + wave[..., 2])).sum(axis=-1)
    motion -= motion[:1]
    jumps, when = take(6, _JUMPS), _share(take(_JUMPS))
    for k in range(_JUMPS):
        begun = np.arange(ticks)[:, None] >= (when[:, k] * ticks)[None]
        motion += begun[..., None] * jumps[:, :, k]
    return _Decoded(motion=motion, events=_events(_share(take(8)), ticks=ticks, count=count))


def _share(values: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-values))


def _events(share: Array, *, ticks: int, count: int) -> Events:
    """A hold, a stop, a silence and a change of limits, at the moments that the parameters name."""
    events, tick = quiet(ticks=ticks, count=count), np.arange(ticks)[:, None]

    def window(start: Array, length: Array, *, least: int, most: int) -> NDArray[np.bool_]:
        first = (1.2 * start - 0.1) * ticks
        return (tick >= first) & (tick < first + least + (most - least) * length) & (start > 0.15)

    events.holds[:] = window(share[:, 0], share[:, 1], least=1, most=200)
    events.stops[:] = window(share[:, 2], share[:, 3], least=250, most=350) & (share[:, 2] > 0.5)
    silent = window(share[:, 4], share[:, 5], least=1, most=120)
    newest = np.where(silent, 0, tick - 1)
    late = np.maximum(tick - np.maximum.accumulate(newest, axis=0), 1)
    changed = tick >= share[:, 6] * ticks
    events.caps[..., 1:] = np.where(changed & (share[:, 7] > 0.5), 0.25 + share[:, 7], 1.5)[..., None]
    return replace(events, late=late.astype(np.int32))


def targets_of(motion: Array) -> Targets:
    """Tool targets that the page's clutch lets through."""
    shoulder = np.array([0.0, 0.0, SHOULDER_HEIGHT_M])
    position = HOME[:3] + 0.2 * motion[..., :3] - shoulder
    position *= np.minimum(1.0, RADIUS_M / np.maximum(np.linalg.norm(position, axis=-1, keepdims=True), 1e-9))
    position += shoulder
    position[..., 2] = np.maximum(position[..., 2], HEIGHT_M)
    turn = 0.7 * motion[..., 3:]
    velocity, turning = (np.clip(np.gradient(each, TICK_S, axis=0), -2.0, 2.0) for each in (position, turn))
    pose = np.concatenate([position, quat_multiply(quat_from_rotvec(turn), HOME[3:])], axis=-1)
    return Targets(pose=pose, velocity=velocity, turning=turning)


def _worst(trials: Array, score: Array, most: int) -> tuple[Array, Array]:
    """The `most` trials (S, most, d) with the highest scores (S, most), the highest first."""
    order = np.argsort(-score, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(trials, order[..., None], axis=1), np.take_along_axis(score, order, axis=1)


class Searches:
    """`count` searches side by side, `evaluations` trials each; every other asks joints directly."""

    def __init__(self, *, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self.ticks = round(LENGTH_S / TICK_S)
        self._rng = np.random.default_rng(seed)
        self._spheres = Spheres()
        self.harms = [HARMS[s % len(HARMS)] for s in range(count)]
        self.sources = ["joints" if (s // len(HARMS)) % 2 else "hand" for s in range(count)]

    def run(self, *, evaluations: int, tell: Callable[[int], None] = lambda done: None) -> list[Found]:
        """Search, then tell the most harmful trials."""
        center = self._rng.normal(size=(self.count, _size()))
        sigma = np.full((self.count, 1), _SIGMA)
        kept = np.zeros((self.count, KEPT, _size()))
        kept_score = np.full((self.count, KEPT), -np.inf)
        for generation in range(max(1, evaluations // POPULATION)):
            trials = center[:, None] + sigma[:, None] * self._rng.normal(size=(self.count, POPULATION, _size()))
            score = self.scores(trials)
            better = score.max(axis=1) > kept_score[:, 0]
            center = np.where(better[:, None], _worst(trials, score, POPULATION // 4)[0].mean(axis=1), kept[:, 0])
            sigma = np.clip(sigma * np.where(better, 1.15, 0.93)[:, None], 0.02, 1.0)
            everyone = np.concatenate([kept, trials], axis=1), np.concatenate([kept_score, score], axis=1)
            kept, kept_score = _worst(*everyone, KEPT)
            tell(generation + 1)
        return [
            Found(number=s, harm=self.harms[s], source=self.sources[s], scores=kept_score[s], parameters=kept[s])
            for s in range(self.count)
        ]

    def scores(self, trials: Array) -> Array:
        """Harm (S, P) of trials (S, P, d)."""
        score = np.empty(trials.shape[:2])
        for source in ("hand", "joints"):
            rows = [s for s in range(self.count) if self.sources[s] == source]
            if not rows:
                continue
            trace, _ = drive(trials[rows].reshape(-1, _size()), source=source, ticks=self.ticks)
            harms = [self.harms[s] for s in rows for _ in range(trials.shape[1])]
            score[rows] = self._harm(trace, harms).reshape(len(rows), -1)
        return score

    def _harm(self, trace: Trace, harms: list[str]) -> Array:
        out = np.empty(len(harms))
        for harm in dict.fromkeys(harms):
            rows = [n for n, each in enumerate(harms) if each == harm]
            out[rows] = self._measure(harm, trace.of(rows))
        return out

    def _measure(self, harm: str, trace: Trace) -> Array:
        if harm == "body speed":
            return body_speed(trace)
        if harm == "jerk":
            return np.abs(motion_of(trace.set_points)[2]).max(axis=(0, 2))
        if harm == "chatter":
            return reversals(trace)
        looks = trace.joints[:: 2 * SAMPLE]
        return -self._spheres.clearances(looks.reshape(-1, 6)).reshape(looks.shape[:2]).min(axis=0)


@cache
def _drive_of(count: int) -> Drive:
    """With the motion policy that knows no border: the limits are to be searched, not what comes before them."""
    return Drive(count, keeps_clear=False)


def drive(x: Array, *, source: str, ticks: int) -> tuple[Trace, Events]:
    """Run trials (N, d)."""
    made = decode(x, ticks=ticks)
    one = _drive_of(len(x))
    if source == "hand":
        return one.run(made.events, targets=targets_of(made.motion)), made.events
    return one.run(made.events, desired=HOME_Q + 0.8 * made.motion), made.events
