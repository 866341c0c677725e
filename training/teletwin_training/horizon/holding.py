"""An environment whose actions last for some slots, so that what they cause stands out from what the hand does."""

from __future__ import annotations

from typing import Any

import numpy as np

from teletwin_training.horizon.environment import HorizonEnv, Step


class HeldActions:
    """A `ppo.VectorEnv` over a `HorizonEnv`: a step is several slots with one action; rewards are their sum."""

    def __init__(self, env: HorizonEnv, slots: int) -> None:
        self._env, self._slots = env, slots
        self.count, self.observation_count = env.count, env.observation_count
        self.action_count = env.action_count

    def reset(self) -> Any:
        """Begin episodes."""
        return self._env.reset()

    def step(self, actions: Any) -> Step:
        """Act for some slots; an episode that ends among them is done, and the next one has begun."""
        seen, reward, done, _, info = self._env.step(actions)
        paper = info["paper_reward"]
        for _ in range(self._slots - 1):
            seen, more, ended, _, info = self._env.step(actions)
            reward, done, paper = reward + more, done | ended, paper + info["paper_reward"]
        told = {"paper_reward": np.asarray(paper) / self._slots}
        return seen, reward, done, done.copy(), told
