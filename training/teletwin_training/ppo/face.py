"""A VectorEnv as rl_games wants it; only a training imports this."""

from __future__ import annotations

from typing import Any

import gymnasium  # noqa: TID253
import numpy as np
import torch  # noqa: TID253
from rl_games.common.ivecenv import IVecEnv  # noqa: TID253

from teletwin.errors import ConfigError
from teletwin_training.ppo.environment import VectorEnv

OBSERVATION_LIMIT = 5.0
"""Normalised observations are clipped to plus and minus this, as the runtime does."""


class VectorFace(IVecEnv):
    """Torch towards rl_games, whatever the environment's arrays are; gathers what the environment tells."""

    def __init__(self, env: VectorEnv, *, device: str, mean: Any = None, scale: Any = None) -> None:
        self._env = env
        self._device = torch.device(device)
        self._speaks_numpy = False
        mean = np.zeros(env.observation_count) if mean is None else np.asarray(mean)
        scale = np.ones(env.observation_count) if scale is None else np.asarray(scale)
        if not mean.shape == scale.shape == (env.observation_count,) or not scale.min() > 0.0:
            raise ConfigError(
                "mean and scale do not fit the observations",
                given=f"shapes {mean.shape} and {scale.shape}, smallest scale {scale.min()}",
                allowed=f"({env.observation_count},) each, scales above 0",
            )
        self._mean, self._scale = self._tensor(mean), self._tensor(scale)
        self._sums: dict[str, torch.Tensor] = {}
        self._counts: dict[str, int] = {}

    def reset(self) -> dict[str, torch.Tensor]:
        """Start all environments; learn whether they speak numpy."""
        observations = self._env.reset()
        self._speaks_numpy = not isinstance(observations, torch.Tensor)
        wanted = self._env.count, self._env.observation_count
        if tuple(observations.shape) != wanted:
            raise ConfigError(
                "the environment's observations are of another shape than it says",
                given=tuple(observations.shape),
                allowed=wanted,
            )
        return {"obs": self._observed(observations)}

    def step(self, actions: torch.Tensor) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Step all environments."""
        given = actions.cpu().numpy() if self._speaks_numpy else actions
        observations, reward, done, truncated, info = self._env.step(given)
        rewards, by_time = self._tensor(reward), self._tensor(truncated, torch.bool)
        for name, value in {**info, "reward": rewards}.items():
            if np.ndim(value) <= 1:  # a "final_observation" is no figure
                self._gather(name, value)
        return {"obs": self._observed(observations)}, rewards, self._tensor(done, torch.bool), {"time_outs": by_time}

    def seed(self, seed: int) -> None:
        """Start all environments anew from this seed, where they can; for who runs rl_games without us."""
        if hasattr(self._env, "seed"):
            self._env.seed(seed)  # type: ignore[attr-defined]

    def recorded_action(self) -> torch.Tensor:
        """The action that a RecordedEnv's session took at the newest observation, (N, m)."""
        return self._tensor(self._env.recorded_action())  # type: ignore[attr-defined]

    def take_means(self) -> dict[str, float]:
        """Mean of each figure since the last call; 'reward' among them."""
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums.clear()
        self._counts.clear()
        return means

    def get_env_info(self) -> Any:
        """A dict of spaces; actions lie in [-1, 1], or within the environment's `action_bounds`."""
        low, high = getattr(self._env, "action_bounds", (-1.0, 1.0))
        observed = gymnasium.spaces.Box(-np.inf, np.inf, (self._env.observation_count,), np.float32)
        acted = gymnasium.spaces.Box(low, high, (self._env.action_count,), np.float32)
        return {"observation_space": observed, "action_space": acted}

    def _observed(self, observations: Any) -> torch.Tensor:
        values = (self._tensor(observations) - self._mean) / self._scale
        return values.clamp(-OBSERVATION_LIMIT, OBSERVATION_LIMIT)

    def _gather(self, name: str, value: Any) -> None:
        total = self._tensor(value).mean()
        self._sums[name] = self._sums[name] + total if name in self._sums else total
        self._counts[name] = self._counts.get(name, 0) + 1

    def _tensor(self, value: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """A copy: an environment may fill the same array at each step."""
        if isinstance(value, torch.Tensor):
            return value.detach().to(self._device, dtype, copy=True)
        return torch.tensor(np.asarray(value), dtype=dtype, device=self._device)
