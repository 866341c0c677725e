"""The study: seeded hands and adversarial searches against the limits, judged by meshes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from teletwin.bench.limits_study.drive import NO_CLEARANCE, Drive, Trace
from teletwin.bench.limits_study.events import Events, draw_events
from teletwin.bench.limits_study.hands import KINDS, TICK_S, Kind, draw_targets
from teletwin.bench.limits_study.judge import TABLE, Judge
from teletwin.bench.limits_study.measures import SAMPLE, Motion, measure
from teletwin.bench.limits_study.search import LENGTH_S, Found, Searches, drive

BATCH = 256
"""Hands that are driven together."""
_NONE_NEARER_M = 1e-5
_UNLIMITED_SHARE = 20
"""Of so many hands one, and two at least, is driven without clearance as well: what the limits keep away."""

Tell = Callable[[int], None]


@dataclass(kw_only=True)
class Tally:
    """What was found of a group of runs."""

    runs: int = 0
    contacts: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    smallest_m: float = np.inf
    smallest_pair: str = ""
    most: dict[str, float] = field(default_factory=dict)
    """Largest of each measure of `Motion`."""
    limited_share: float = 0.0
    contacts_without: int = 0
    """Hands that touch something when nothing keeps bodies clear."""
    runs_without: int = 0
    found: list[str] = field(default_factory=list)
    """Every contact and violation, with what repeats it."""

    def add(self, motion: Motion, trace: Trace, *, repeat: Callable[[int], str]) -> None:
        """Count a batch's violations."""
        count = trace.joints.shape[1]
        self.limited_share = (self.limited_share * self.runs + float(trace.limited.sum())) / (self.runs + count)
        self.runs += count
        for name, broken in motion.violations().items():
            self.violations[name] = self.violations.get(name, 0) + int(broken.sum())
            self.found += [f"{name}: {repeat(int(n))}" for n in np.flatnonzero(broken)]
        for each in dataclasses.fields(motion):
            worst = float(getattr(motion, each.name).max())
            self.most[each.name] = max(self.most.get(each.name, -np.inf), worst)

    def judge(self, judge: Judge, trace: Trace, *, every: int, repeat: Callable[[int], str]) -> None:
        """Look for contacts and for the closest approach."""
        for n in range(trace.joints.shape[1]):
            near = judge.closest(trace.joints[::every, n], below_m=max(self.smallest_m, _NONE_NEARER_M))
            if near.pair:
                self.smallest_m, self.smallest_pair = near.distance_m, near.pair
            if near.pair and near.distance_m <= 0.0:
                self.contacts += 1
                self.found.append(f"contact, {near.pair}, {near.index * every * TICK_S:.3f} s: {repeat(n)}")

    def summary(self) -> dict[str, Any]:
        """For a report."""
        return dataclasses.asdict(self)


def batch_of(kind: Kind, *, seed: int, batch: int, count: int, ticks: int) -> tuple[Events, Any]:
    """Events and targets of one batch of hands: all that its seed decides."""
    rng = np.random.default_rng([seed, KINDS.index(kind), batch])
    targets = draw_targets(kind, rng, count=count, ticks=ticks)
    return draw_events(rng, ticks=ticks, count=count, first_motion=kind.is_first_motion), targets


def run_hands(
    *, hands: int, seconds: float, seed: int, kinds: Sequence[Kind] = KINDS, tell: Tell = lambda done: None
) -> dict[str, Tally]:
    """Drive and judge hands of the kinds, equally many of each; tallies by kind."""
    judge, ticks, done = Judge([TABLE]), round(seconds / TICK_S), 0
    tallies = {kind.name: Tally() for kind in kinds}
    for kind, batch, count in _batches(kinds, hands):
        events, targets = batch_of(kind, seed=seed, batch=batch, count=count, ticks=ticks)
        trace, tally = _drive_of(count, False).run(events, targets=targets), tallies[kind.name]

        def repeat(n: int, kind: Kind = kind, batch: int = batch, count: int = count) -> str:
            return f"hand {n} of batch {batch} ({count}) of {kind.name}, seed {seed}"

        tally.add(measure(trace, events), trace, repeat=repeat)
        tally.judge(judge, trace, every=SAMPLE, repeat=repeat)
        _judge_without(judge, tally, events, targets, count)
        done += count
        tell(done)
    return tallies


def _batches(kinds: Sequence[Kind], hands: int) -> Iterator[tuple[Kind, int, int]]:
    for k, kind in enumerate(kinds):
        left, batch = hands // len(kinds) + (k < hands % len(kinds)), 0
        while left > 0:
            count = min(left, BATCH)
            yield kind, batch, count
            left, batch = left - count, batch + 1


@cache
def _drive_of(count: int, without: bool) -> Drive:
    return Drive(count, margins=NO_CLEARANCE if without else None, keeps_clear=not without)


def _judge_without(judge: Judge, tally: Tally, events: Events, targets: Any, count: int) -> None:
    """Some of the same hands with nothing that keeps bodies clear, so that the study is known to see contacts."""
    some = min(count, max(2, count // _UNLIMITED_SHARE))
    part = dataclasses.replace(
        events, holds=events.holds[:, :some], stops=events.stops[:, :some], late=events.late[:, :some],
        caps=events.caps[:, :some],
    )  # fmt: skip
    own = dataclasses.replace(
        targets, pose=targets.pose[:, :some], velocity=targets.velocity[:, :some], turning=targets.turning[:, :some]
    )
    trace = _drive_of(some, True).run(part, targets=own)
    tally.runs_without += some
    tally.contacts_without += sum(judge.first_contact(trace.joints[::SAMPLE, n]) is not None for n in range(some))


def run_searches(
    *, searches: int, evaluations: int, seed: int, tell: Tell = lambda done: None
) -> tuple[dict[str, Tally], list[Found]]:
    """Search, then judge the most harmful trials by the meshes at every tick; tallies by harm."""
    found = Searches(count=searches, seed=seed).run(evaluations=evaluations, tell=tell)
    judge, ticks = Judge([TABLE]), round(LENGTH_S / TICK_S)
    tallies = {each.harm: Tally() for each in found}
    for each in found:
        few = each.parameters[np.isfinite(each.scores)]
        trace, events = drive(few, source=each.source, ticks=ticks)

        def repeat(n: int, each: Found = each) -> str:
            size = f"{searches} searches of {evaluations}, seed {seed}"
            return f"trial {n} of search {each.number} ({each.harm}, {each.source}), {size}"

        tally = tallies[each.harm]
        tally.add(measure(trace, events), trace, repeat=repeat)
        tally.judge(judge, trace, every=1, repeat=repeat)
    return tallies, found
