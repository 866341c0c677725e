"""The rule's weights for a scenario, found on training seeds: what the best static split is to constant shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg
from teletwin.allocation.shares import EVEN_SHARE
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.rollout import run_in
from teletwin_training.allocation.scenario import Scenario

_LOG_RANGES = {"load_ticks": (0.25, 16.0), "priority": (0.1, 10.0), "compute_priority": (0.1, 10.0)}
_AGE_WEIGHTS = (0.0, 0.0, 0.25, 1.0, 4.0)


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The best of the rules that were tried."""

    rule: BacklogCfg
    reward: float
    """Mean over training seeds."""
    aori_steps: float
    """Mean age of answered requests on them."""
    tried: int = 1


def tune_rule(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    rounds: int = 6,
    each: int = 50,
    seed: int = 0,
    usual: tuple[float, float] = (EVEN_SHARE, EVEN_SHARE),
    latest_aori_steps: float = math.inf,
) -> Tuned:
    """Random search that narrows around the best rule of the rounds before.

    The first that are tried are the rule as it is and the usual split alone.

    Rules whose answers are on average older than `latest_aori_steps` come after all others, the youngest first: the
    reward pays for requests in time, so it gains by giving up those that are late already.
    """
    rng = np.random.default_rng(seed)
    cells = Cells(scenario, np.asarray(seeds))
    usual_cfg = BacklogCfg(usual_weight=1.0, usual_link_share=usual[0], usual_compute_share=usual[1])

    def rank(tuned: Tuned) -> tuple[bool, float]:
        is_young = tuned.aori_steps <= latest_aori_steps
        return is_young, tuned.reward if is_young else -tuned.aori_steps

    best = max((_tried(cells, rule) for rule in (BacklogCfg(), usual_cfg)), key=rank)
    for number in range(rounds):
        centre = best.rule
        for _ in range(each):
            rule = _drawn(rng, usual) if number == 0 else _near(centre, rng, 1.0 / number)
            best = max(best, _tried(cells, rule), key=rank)
    return replace(best, tried=rounds * each + 2)


def _tried(cells: Cells, rule: BacklogCfg) -> Tuned:
    outcome = run_in(cells, BacklogAllocator(rule))
    return Tuned(rule=rule, reward=float(outcome.totals["reward"].mean()), aori_steps=outcome.aori_steps)


def _drawn(rng: np.random.Generator, usual: tuple[float, float]) -> BacklogCfg:
    return BacklogCfg(
        usual_weight=float(rng.choice((0.0, rng.random()))),
        usual_link_share=usual[0],
        usual_compute_share=usual[1],
        worst_weight=float(rng.random()),
        request_age_weight=float(rng.choice(_AGE_WEIGHTS)),
        update_age_weight=float(rng.choice(_AGE_WEIGHTS)),
        **{name: float(np.exp(rng.uniform(*np.log(edges)))) for name, edges in _LOG_RANGES.items()},
    )


def _near(rule: BacklogCfg, rng: np.random.Generator, spread: float) -> BacklogCfg:
    def scaled(value: float) -> float:
        return float(value * np.exp(spread * 0.8 * rng.standard_normal()))

    def moved(value: float, most: float, least: float = 0.0) -> float:
        return float(np.clip(value + most * spread * rng.standard_normal(), least, 1.0 - least))

    return replace(
        rule,
        worst_weight=moved(rule.worst_weight, 0.3),
        usual_weight=moved(rule.usual_weight, 0.3),
        usual_link_share=moved(rule.usual_link_share, 0.1, rule.least_share),
        usual_compute_share=moved(rule.usual_compute_share, 0.1, rule.least_share),
        request_age_weight=min(scaled(rule.request_age_weight), 100.0),
        update_age_weight=min(scaled(rule.update_age_weight), 100.0),
        **{name: float(np.clip(scaled(getattr(rule, name)), 0.02, 50.0)) for name in _LOG_RANGES},
    )
