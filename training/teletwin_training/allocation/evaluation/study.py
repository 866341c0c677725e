"""Scenarios by methods: everything that is chosen is chosen on training seeds, all else on others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from teletwin.allocation import Allocator
from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg
from teletwin.allocation.fixed import FixedAllocator
from teletwin.allocation.learned import LearnedAllocator
from teletwin.allocation.policy_file import AllocationPolicyFile, load_allocation_policy
from teletwin.allocation.proportional import ProportionalAllocator
from teletwin.errors import ConfigError
from teletwin_training.allocation.cells import Cells
from teletwin_training.allocation.enumeration import Grid, enumerate_static
from teletwin_training.allocation.environment import AllocationEnvCfg
from teletwin_training.allocation.evaluation.rows import Row, row_of
from teletwin_training.allocation.learning import learn_from_best, ppo_cfg
from teletwin_training.allocation.rollout import Outcome, run_allocator, run_in
from teletwin_training.allocation.scenario import Scenario, with_reward
from teletwin_training.allocation.tuning import Tuned, tune_rule

_HELD_OUT = 1_000_000
BUILT_IN = ("equal", "proportional", "best static", "backlog", "backlog, tuned", "PPO, full", "PPO, two queues")
"""Methods that need no file."""


@dataclass(frozen=True, kw_only=True)
class StudyCfg:
    """How much of everything."""

    seeds: int = 100
    """Held-out seeds."""
    training_seeds: int = 128
    """On which the static split and the rule's weights are chosen."""
    side: int = 11
    """Shares along a side of the static grid."""
    train_s: float = 0.0
    """PPO trains so long for each scenario [s]; 0 leaves it out."""
    two_queues: bool = False
    """PPO with MetaLore's two queue lengths as well."""
    envs: int = 512
    seed: int = 0
    policies: tuple[str, ...] = ()
    """Files of learned allocators to judge as well."""
    use_ray: bool = False


@dataclass(kw_only=True)
class Judged:
    """One scenario under one reward."""

    scenario: Scenario
    grid: Grid
    rows: list[Row] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    learning: dict[str, list[float]] = field(default_factory=dict)
    """Mean reward of a step by epoch, of methods that learned here."""


def judge(
    scenario: Scenario, cfg: StudyCfg, *, reward: str, folder: Path, tell: Callable[[str], None] = lambda _: None
) -> Judged:
    """Every method in a scenario."""
    scenario = with_reward(scenario, reward)
    training, held_out = range(cfg.training_seeds), range(_HELD_OUT, _HELD_OUT + cfg.seeds)
    tell("static splits")
    grid = enumerate_static(scenario, training, side=cfg.side, use_ray=cfg.use_ray)
    judged = Judged(scenario=scenario, grid=grid)
    link, compute = grid.best
    tell("the rule's weights")
    latest = _latest_aori_steps(judged, training)
    tuned = tune_rule(scenario, training, seed=cfg.seed, usual=grid.best, latest_aori_steps=latest)
    methods: dict[str, tuple[Allocator, str]] = {
        "equal": (FixedAllocator(link_share=0.5, compute_share=0.5), "0.5, 0.5"),
        "proportional": (ProportionalAllocator(), "by loads"),
        "best static": (FixedAllocator(link_share=link, compute_share=compute), f"{link:g}, {compute:g}"),
        "backlog": (BacklogAllocator(), "the rule as it is"),
        "backlog, tuned": (BacklogAllocator(tuned.rule), _weights(tuned.rule)),
        **{Path(path).stem: (LearnedAllocator(load_allocation_policy(path)), path) for path in cfg.policies},
    }
    for name, policy in _taught(judged, tuned, cfg, folder, tell).items():
        methods[name] = LearnedAllocator(policy), f"{policy.observation}, base {policy.base}"
    cells = Cells(scenario, np.array(held_out))
    judged.outcomes = {name: run_in(cells, allocator, traced=True) for name, (allocator, _) in methods.items()}
    static = judged.outcomes["best static"]
    judged.rows = [
        row_of(judged.outcomes[name], static, scenario=scenario, method=name, shares=shares)
        for name, (_, shares) in methods.items()
    ]
    return judged


def _latest_aori_steps(judged: Judged, seeds: Sequence[int]) -> float:
    """Who is paid for requests in time must not leave the others to grow old: no later than with the best split."""
    if judged.scenario.objective.reward != "deadline":
        return math.inf
    link, compute = judged.grid.best
    static = FixedAllocator(link_share=link, compute_share=compute)
    return run_allocator(judged.scenario, static, seeds).aori_steps


def _taught(
    judged: Judged, rule: Tuned, cfg: StudyCfg, folder: Path, tell: Callable[[str], None]
) -> dict[str, AllocationPolicyFile]:
    """Policies that PPO learns here, each from the better of the tuned rule and the best static split on."""
    if cfg.train_s <= 0.0:
        return {}
    from_rule = "rule" if rule.reward > judged.grid.reward.max() else "none"
    wanted = {"PPO, full": ("full", from_rule)} | ({"PPO, two queues": ("queues", "none")} if cfg.two_queues else {})
    taught: dict[str, AllocationPolicyFile] = {}
    for name, (observation, base) in wanted.items():
        tell(name)
        env_cfg = AllocationEnvCfg(envs=cfg.envs, seed=7 + cfg.seed, observation=observation, base=base, rule=rule.rule)
        learned = learn_from_best(
            judged.scenario,
            env_cfg,
            judged.grid.best,
            ppo_cfg(envs=cfg.envs, epochs=100_000, seed=1 + cfg.seed, steps=judged.scenario.steps),
            folder=folder / "-".join(_folder_words(judged.scenario, observation)),
            seconds=cfg.train_s,
        )
        taught[name], judged.learning[name] = learned.policy, learned.rewards
    return taught


def _folder_words(scenario: Scenario, observation: str) -> tuple[str, ...]:
    admission = ("admission",) if scenario.admission else ()
    return scenario.name, observation, scenario.objective.reward, *admission


def _weights(rule: BacklogCfg) -> str:
    plain = BacklogCfg()
    changed = {
        each.name: getattr(rule, each.name)
        for each in fields(rule)
        if getattr(rule, each.name) != getattr(plain, each.name)
    }
    return " ".join(f"{name}={value:.2g}" for name, value in changed.items()) or "the rule as it is"


def check_policies(paths: Sequence[str]) -> None:
    """Read every file before anything runs.

    Raises:
        ConfigError: One cannot be used, or two have one name.
    """
    for path in paths:
        load_allocation_policy(path)
    names = [Path(path).stem for path in paths]
    if len({*names, *BUILT_IN}) < len(names) + len(BUILT_IN):
        raise ConfigError("two methods have one name", given=", ".join(names), mend="rename a file")
