"""PPO for allocators: from cells to a policy's file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from teletwin.allocation.features import OBSERVATION_VERSION
from teletwin.allocation.policy_file import AllocationPolicyFile
from teletwin.geometry import Array
from teletwin_training.allocation.environment import AllocationEnv
from teletwin_training.ppo.checkpoint import Purpose
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.facts import EpochFacts, PpoResult
from teletwin_training.ppo.training import train_ppo

_LEAST_SCALE = 0.05


def ppo_cfg(*, envs: int, epochs: int, seed: int, device: str = "cpu") -> PpoCfg:
    """What has proven good here: long discounts are needed, as a queue that is let grow costs later."""
    steps = 20 * envs
    return PpoCfg(
        seed=seed,
        epochs=epochs,
        horizon_length=20,
        minibatch_size=max(steps // 5, 2),
        mini_epochs=4,
        learning_rate=1e-3,
        kl_target=0.012,
        gamma=0.98,
        reward_scale=0.02,
        log_sigma=-0.7,
        entropy=0.0,
        device=device,
    )


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
    note: dict[str, object] | None = None,
    on_epoch: Callable[[EpochFacts], bool | None] | None = None,
    now_s: Callable[[], float] = time.monotonic,
) -> Learned:
    """Train for the epochs of cfg, at most for so long [s]."""
    begun_s, rewards = now_s(), list[float]()
    mean, scale = typical(env)

    def told(facts: EpochFacts) -> bool:
        rewards.append(facts.reward)
        return bool(on_epoch and on_epoch(facts)) or now_s() - begun_s > seconds

    purpose = Purpose(
        task="allocation",
        observation=env.cfg.observation,
        observation_version=OBSERVATION_VERSION,
        action=f"{env.cfg.base}:{env.cfg.span:g}",
    )
    result = train_ppo(env, cfg, folder=folder, purpose=purpose, mean=mean, scale=scale, on_epoch=told)
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


def typical(env: AllocationEnv, *, episodes: int = 1) -> tuple[Array, Array]:
    """Mean and spread (n,) of what is observed while actions are tried at random around none."""
    rng, seen = np.random.default_rng(0), list[Any]()
    seen.append(env.reset())
    for _ in range(episodes * 100):
        seen.append(env.step(np.clip(0.5 * rng.standard_normal((env.count, 2)), -1.0, 1.0))[0])
    rows = np.concatenate(seen[::5]).astype(np.float64)
    return rows.mean(axis=0), np.maximum(rows.std(axis=0), _LEAST_SCALE)
