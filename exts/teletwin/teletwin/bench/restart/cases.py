"""Which outages a run goes through: of one hop or role, or of two in every order, for every length."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from teletwin.bench.faults.plan import HOPS

ROLES = ("operator", "twin", "arm")
EVENTS = (
    *(f"{hop} silent" for hop in HOPS),
    *(f"{role} suspended" for role in ROLES),
    *(f"{role} restarted" for role in ROLES),
)
LENGTHS_S = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.5, 4.0, 12.0, 40.0, 120.0)
_PAIR_LENGTHS_S = (0.3, 0.8, 2.0)
_GAPS_S = (-0.2, 0.1, 0.7)
"""From the end of the first to the start of the second; negative: they overlap."""
_QUICK_LENGTHS_S = (0.2, 0.8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One thing that happens."""

    event: str
    starts_s: float
    """From the first outage of the run [s]."""
    lasts_s: float

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return self.starts_s + self.lasts_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run."""

    outages: tuple[Outage, ...]
    seed: int

    @property
    def name(self) -> str:
        """What happens, in words."""
        return ", ".join(f"{each.event} {each.lasts_s:g} s at {each.starts_s:g} s" for each in self.outages)


def draw_cases(*, quick: bool = False) -> Iterator[Case]:
    """Each event for each length, then each ordered pair of events; `quick` takes few of both."""
    lengths_s = _QUICK_LENGTHS_S if quick else LENGTHS_S
    numbers = itertools.count()
    for event, lasts_s in itertools.product(EVENTS, lengths_s):
        yield Case(outages=(Outage(event=event, starts_s=0.0, lasts_s=lasts_s),), seed=next(numbers))
    pairs = list(itertools.product(EVENTS, EVENTS))
    for number, (first, second) in enumerate(pairs[:: 7 if quick else 1]):
        for turn in range(1 if quick else 3):
            lasts_s = _PAIR_LENGTHS_S[(number + turn) % 3]
            starts_s = max(lasts_s + _GAPS_S[turn], 0.0)
            other_s = _PAIR_LENGTHS_S[(number // 3 + turn) % 3]
            before = Outage(event=first, starts_s=0.0, lasts_s=lasts_s)
            after = Outage(event=second, starts_s=starts_s, lasts_s=other_s)
            yield Case(outages=(before, after), seed=next(numbers))
