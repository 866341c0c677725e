"""How many slots of the delayed loop are stepped in a second, by itself and as an environment."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from teletwin_training.horizon.actions import LATE_RULE
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.hands import load_hands
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.sessions import START_SLOT, draw_sessions

_ARMS = {"lag": LoopsCfg(), "rmpflow": LoopsCfg(arm="rmpflow", causal=True)}
_WARM_UP_SLOTS = 20


def measure_speed(
    envs: int = 1024, slots: int = 200, *, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Slots of all environments in a second, by '<arm>_loops' and '<arm>_environment'; making and warming up aside.

    Args:
        envs: Parallel environments.
        slots: How many slots are timed, after a few that are not.
        clock: Tells the time [s].
    """
    episode = max(slots + _WARM_UP_SLOTS, 100)
    hands = load_hands([f"write:seed=0,duration={0.01 * episode + 20.0:g}"])
    duration_s = 0.01 * (episode + 2 * START_SLOT)
    sessions = draw_sessions(["jitter", "switching", "bursty"], each=2, duration_s=duration_s, seed=0)
    speeds = {}
    for arm, cfg in _ARMS.items():
        env = HorizonEnv(hands, sessions, EnvCfg(envs=envs, episode_slots=episode, settle_slots=0), loops=cfg)
        steps: dict[str, Callable[[], object]] = {
            "loops": partial(env.loops.step, np.tile(LATE_RULE, (envs, 1))),
            "environment": partial(env.step, np.zeros((envs, env.action_count))),
        }
        for name, step in steps.items():
            env.reset()
            speeds[f"{arm}_{name}"] = envs * _steps_a_second(step, slots, clock)
    return speeds


def _steps_a_second(step: Callable[[], object], count: int, clock: Callable[[], float]) -> float:
    for _ in range(_WARM_UP_SLOTS):
        step()
    started_s = clock()
    for _ in range(count):
        step()
    return count / max(clock() - started_s, 1e-9)
