"""PPO for allocators: from cells to a policy's file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.allocation.backlog import BacklogAllocator
from teletwin.allocation.features import OBSERVATION_VERSION, observation_names
from teletwin.allocation.fixed import FixedAllocator
from teletwin.allocation.policy_file import AllocationPolicyFile
from teletwin.geometry import Array
from teletwin_training.allocation.environment import AllocationEnv, AllocationEnvCfg
from teletwin_training.allocation.scenario import Scenario
from teletwin_training.ppo.checkpoint import Purpose
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.facts import EpochFacts, PpoResult
from teletwin_training.ppo.training import train_ppo
from teletwin_training.ppo.weights import Weights

_LEAST_SCALE = 0.05


def ppo_cfg(*, envs: int, epochs: int, seed: int, steps: int = 100, device: str = "cpu") -> PpoCfg:
    """What has proven good here: whole episodes without discount, as a queue that is let grow costs until the end."""
    return PpoCfg(
        seed=seed,
        epochs=epochs,
        horizon_length=steps,
        minibatch_size=_minibatch(steps * envs),
        mini_epochs=4,
        learning_rate=5e-4,
        kl_target=0.01,
        gamma=1.0,
        gae_lambda=1.0,
        reward_scale=0.02,
        log_sigma=-1.2,
        value_bootstrap=False,
        device=device,
    )


def _minibatch(total: int) -> int:
    """The largest divisor of an epoch's steps that gives eight updates or more; all of them where there is none."""
    parts = next((parts for parts in range(8, total // 2 + 1) if total % parts == 0), 1)
    return total // parts


def start_at(shares: tuple[float, float], *, observation: str, seed: int, log_sigma: float = -1.2) -> Weights:
    """An actor that gives constant shares whatever it sees: for base 'none', to begin where the best split is."""
    rng = np.random.default_rng(seed)
    sizes = (len(observation_names(observation)), 64, 64)
    hidden = [(rng.standard_normal(size) / np.sqrt(size[0]), np.zeros(size[1])) for size in pairwise(sizes)]
    last = (0.01 * rng.standard_normal((64, 2)), np.clip(2.0 * np.array(shares) - 1.0, -0.95, 0.95))
    return Weights(layers=(*hidden, last), log_sigma=np.full(2, log_sigma))


@dataclass(kw_only=True)
class Learned:
    """A training's result."""

    policy: AllocationPolicyFile
    ppo: PpoResult
    took_s: float
    rewards: list[float] = field(default_factory=list)
    """Mean reward of a step, epoch by epoch."""


def learn(
    env: AllocationEnv,
    cfg: PpoCfg,
    *,
    folder: Path,
    seconds: float = 600.0,
    start: Weights | None = None,
    note: dict[str, object] | None = None,
    on_epoch: Callable[[EpochFacts], bool | None] | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Learned:
    """Train for the epochs of cfg, at most for so long [s]."""
    begun_s, rewards = now_s(), list[float]()
    mean, scale = typical(env)

    def told(facts: EpochFacts) -> bool:
        rewards.append(facts.reward)
        goes_on = on_epoch is None or on_epoch(facts) is not False
        return goes_on and now_s() - begun_s < seconds

    purpose = Purpose(
        task="allocation",
        observation=env.cfg.observation,
        observation_version=OBSERVATION_VERSION,
        action=f"{env.cfg.base}:{env.cfg.span:g}",
    )
    result = train_ppo(env, cfg, folder=folder, purpose=purpose, mean=mean, scale=scale, start=start, on_epoch=told)
    return Learned(
        policy=AllocationPolicyFile(
            observation=env.cfg.observation,
            base=env.cfg.base,
            span=env.cfg.span,
            rule=env.cfg.rule,
            mean=mean,
            scale=scale,
            layers=result.weights.layers,
            note=note or {},
        ),
        ppo=result,
        took_s=now_s() - begun_s,
        rewards=rewards,
    )


def learn_from_best(
    scenario: Scenario,
    env_cfg: AllocationEnvCfg,
    best: tuple[float, float],
    cfg: PpoCfg,
    *,
    folder: Path,
    seconds: float,
    note: dict[str, object] | None = None,
    on_epoch: Callable[[EpochFacts], bool | None] | None = None,
) -> Learned:
    """Learn in one scenario from the best static split on (base 'none') or from the rule on (base 'rule').

    Rewards are those above what it begins with, on the same draws.
    """
    start, reference = None, BacklogAllocator(env_cfg.rule)
    if env_cfg.base == "none":
        start = start_at(best, observation=env_cfg.observation, seed=cfg.seed)
        reference = FixedAllocator(link_share=best[0], compute_share=best[1])
    env = AllocationEnv([scenario], env_cfg, reference=reference)
    return learn(env, cfg, folder=folder, seconds=seconds, start=start, note=note, on_epoch=on_epoch)


def typical(env: AllocationEnv) -> tuple[Array, Array]:
    """Mean and spread (n,) of what is observed while actions are tried at random around none."""
    rng, seen = np.random.default_rng(0), list[Any]()
    seen.append(env.reset())
    for _ in range(max(cells.scenario.steps for cells in env.parts)):
        seen.append(env.step(np.clip(0.5 * rng.standard_normal((env.count, 2)), -1.0, 1.0))[0])
    rows = np.concatenate(seen[::5]).astype(np.float64)
    return rows.mean(axis=0), np.maximum(rows.std(axis=0), _LEAST_SCALE)
