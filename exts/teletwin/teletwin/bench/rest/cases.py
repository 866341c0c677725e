"""What happens in a run, when, and towards which border the arm is moving then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teletwin.bench.rest.borders import BORDERS

ROLES = ("operator", "twin", "renderer", "arm")
PASSIVE = "renderer"
"""What it does, or does not, moves nothing: the arm goes on."""
CAUSES = (
    "Hold",
    "Stop",
    "fault",
    *(f"{role} {what}" for role in ROLES for what in ("suspended", "killed")),
)
LEAST_S, MOST_S = 0.05, 10.0
"""Times for which a role is suspended [s]."""
_ASIDE_M = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run."""

    cause: str
    border: str
    seed: int
    lasts_s: float
    """How long a role is away, or a person's word stands [s]."""
    share: float
    """When it happens: 0 before the arm is fastest, 1 when the border has braked it."""
    aside_m: float
    """Where the hand runs through the border, beside the usual place [m]."""
    delay_ms: float
    """Of every hop of the network."""


def draw_cases(
    *, each: int, causes: tuple[str, ...] = CAUSES, borders: tuple[str, ...] = tuple(BORDERS)
) -> Iterator[Case]:
    """So many runs of each cause at each border, at different moments and for different times."""
    for cause in causes:
        for border in borders:
            for seed in range(each):
                yield _draw(cause, border, seed)


def _draw(cause: str, border: str, seed: int) -> Case:
    rng = np.random.default_rng([seed, CAUSES.index(cause), list(BORDERS).index(border)])
    lasts_s = float(np.exp(rng.uniform(np.log(LEAST_S), np.log(MOST_S))))
    share, aside_m = float(rng.uniform()), float(rng.uniform(-_ASIDE_M, _ASIDE_M))
    return Case(
        cause=cause,
        border=border,
        seed=seed,
        lasts_s=lasts_s if cause.endswith("suspended") else 1.0,
        share=share,
        aside_m=aside_m,
        delay_ms=float(rng.choice([0.0, 2.0, 5.0])),
    )
