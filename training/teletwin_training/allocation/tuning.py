"""The rule's weights for a scenario, found on training seeds: what the best static split is to constant shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg
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
    tried: int


def tune_rule(
    scenario: Scenario,
    seeds: Sequence[int],
    *,
    rounds: int = 4,
    each: int = 40,
    seed: int = 0,
) -> Tuned:
    """Random search that narrows around the best rule of the rounds before."""
    rng = np.random.default_rng(seed)
    best, tried, cells = BacklogCfg(), 1, Cells(scenario, np.asarray(seeds))
    most = _reward(cells, best)
    for number in range(rounds):
        centre = best
        for _ in range(each):
            rule = _drawn(rng) if number == 0 else _near(centre, rng, 1.0 / number)
            reward, tried = _reward(cells, rule), tried + 1
            if reward > most:
                best, most = rule, reward
    return Tuned(rule=best, reward=most, tried=tried)


def _reward(cells: Cells, rule: BacklogCfg) -> float:
    return float(run_in(cells, BacklogAllocator(rule)).totals["reward"].mean())


def _drawn(rng: np.random.Generator) -> BacklogCfg:
    return BacklogCfg(
        worst_weight=float(rng.random()),
        request_age_weight=float(rng.choice(_AGE_WEIGHTS)),
        update_age_weight=float(rng.choice(_AGE_WEIGHTS)),
        **{name: float(np.exp(rng.uniform(*np.log(edges)))) for name, edges in _LOG_RANGES.items()},
    )


def _near(rule: BacklogCfg, rng: np.random.Generator, spread: float) -> BacklogCfg:
    def scaled(value: float) -> float:
        return float(value * np.exp(spread * 0.8 * rng.standard_normal()))

    return replace(
        rule,
        worst_weight=float(np.clip(rule.worst_weight + 0.3 * spread * rng.standard_normal(), 0.0, 1.0)),
        request_age_weight=min(scaled(rule.request_age_weight), 100.0),
        update_age_weight=min(scaled(rule.update_age_weight), 100.0),
        **{name: float(np.clip(scaled(getattr(rule, name)), 0.02, 50.0)) for name in _LOG_RANGES},
    )
