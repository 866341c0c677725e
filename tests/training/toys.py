"""Environments so small that PPO learns them within seconds."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from teletwin_training.ppo import EnvironmentEndedError, EpochFacts, Purpose, Weights

PURPOSE = Purpose(task="horizon", observation="toy", observation_version=1, action="toy")


class Bandit:
    """The best action is half of what is observed; an episode is 8 steps."""

    observation_count = 2
    action_count = 2

    def __init__(self, *, count: int = 256, seed: int = 0, ends_after: int | None = None) -> None:
        self.count = count
        self.steps = 0
        self._rng = np.random.default_rng(seed)
        self._ends_after = ends_after

    def reset(self) -> np.ndarray:
        return self._observe()

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        if self.steps == self._ends_after:
            raise EnvironmentEndedError
        error = ((actions - 0.5 * self.observations) ** 2).sum(axis=1)
        self.steps += 1
        done = np.full(self.count, self.steps % 8 == 0)
        return self._observe(), -error, done, done, {"error": error, "step": 1.0}

    def _observe(self) -> np.ndarray:
        self.observations = self._rng.uniform(-1.0, 1.0, (self.count, self.observation_count)).astype(np.float32)
        return self.observations


class RecordedBandit(Bandit):
    """A session that acts by itself with the weights it was handed last; what training proposes is not done."""

    def __init__(self, weights: Weights, *, count: int, seed: int = 0) -> None:
        super().__init__(count=count, seed=seed)
        self._weights = weights
        self._noise = np.random.default_rng(seed + 1)

    def use(self, facts: EpochFacts) -> None:
        self._weights = facts.weights

    def recorded_action(self) -> np.ndarray:
        return self._action.astype(np.float32)

    def step(self, actions: np.ndarray) -> tuple[Any, ...]:
        assert np.allclose(actions, np.clip(self._action, -1.0, 1.0), atol=1e-6)
        return super().step(self._action)

    def _observe(self) -> np.ndarray:
        observations = super()._observe()
        mean = self._weights.mean_actions(observations)
        self._action = mean + np.exp(self._weights.log_sigma) * self._noise.normal(size=mean.shape)
        return observations


def random_weights(*units: int, seed: int = 0, log_sigma: float = -1.0) -> Weights:
    """An actor of these units with random layers, the last one small."""
    rng = np.random.default_rng(seed)
    shapes = list(itertools.pairwise(units))
    layers = [(rng.normal(size=shape) / np.sqrt(shape[0]), 0.1 * rng.normal(size=shape[1])) for shape in shapes]
    layers[-1] = (0.1 * layers[-1][0], 0.1 * layers[-1][1])
    rounded = tuple((w.astype(np.float32).astype(float), b.astype(np.float32).astype(float)) for w, b in layers)
    return Weights(layers=rounded, log_sigma=np.full(units[-1], log_sigma))
