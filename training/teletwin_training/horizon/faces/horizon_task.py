"""The environment from a few words: hands by name, networks by condition, rewards over the rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teletwin_training.horizon.baselines import sender_rule_cfg
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.ground import HANDS, make_ground
from teletwin_training.horizon.loops import LoopsCfg

_AVERAGING_S = 1.0


def make_horizon(
    *,
    envs: int = 1,
    hands: Sequence[str] = HANDS,
    condition: str = "mixed",
    sessions: int = 16,
    forecaster: str = "arma",
    arm: str = "lag",
    device: str = "cpu",
    threads: int = 0,
    seed: int = 0,
    **settings: Any,
) -> HorizonEnv:
    """An environment; a mean reward of minus the sum of `EnvCfg.weights` is about as good as the rule.

    Args:
        envs: Parallel environments.
        hands: What moves, by name or path; see `teletwin.hand.load_hand`.
        condition: Networks that are drawn; see `conditions.CONDITIONS`.
        sessions: How many of them.
        forecaster: By name.
        arm: See `LoopsCfg.arm`.
        device: "cpu" or "cuda".
        threads: On the CPU; 0 takes one per core.
        seed: Of the networks and the environment's draws.
        settings: Anything else of `EnvCfg`: observation, action, episode_slots...

    Raises:
        ConfigError: There is no such condition, arm or setting.
        RecordingError: A hand cannot be read or is too short.
    """
    loops = LoopsCfg(arm=arm, causal=arm != "lag", device=device, threads=threads)
    stock = bool(settings.get("stock", False))
    settings.setdefault("rule", sender_rule_cfg(_AVERAGING_S, stock=stock))
    cfg = EnvCfg(envs=envs, seed=seed, **settings)
    ground = make_ground(
        hands,
        condition=condition,
        sessions=sessions,
        forecaster=forecaster,
        episode_slots=cfg.episode_slots,
        stock=stock,
        seed=seed,
    )
    tables = ground.tables if device == "cpu" else None
    env = HorizonEnv(ground.hands, ground.sessions, cfg, loops=loops, tables=tables)
    env.norm[:] = ground.norm
    return env
