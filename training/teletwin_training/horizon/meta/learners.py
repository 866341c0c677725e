"""The live learner, many times over: N persons, each with an actor and a critic that learn from them alone.

What `live.learner` has rl_games do with one session, done for N at once: roll out, take advantages, go through the
epoch's steps in order, a step of Adam for each of its parts. `tests/training/test_meta.py` holds it to rl_games.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin_training.horizon.meta.adam import Adam, ValueScale, advantages_of, clipped
from teletwin_training.horizon.meta.networks import Networks, Steps, neglogp
from teletwin_training.ppo import PpoCfg

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Beginning:
    """What a learner begins with."""

    row: Array
    """(P,) parameters, see Networks."""
    values: tuple[float, float, float] = (0.0, 1.0, 1.0)
    """Mean, variance and count of what the critic has met."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rollout:
    """An epoch of N persons; arrays (T, N, ...)."""

    seen: NDArray[np.float32]
    """(T + 1, N, n) normalised observations, the one after the last step too."""
    actions: NDArray[np.float32]
    rewards: NDArray[np.float32]


class Learners:
    """N learners, all begun alike.

    Args:
        networks: Their layers.
        beginning: Of everybody; `renew` begins again from the newest one.
        cfg: How they learn; the spread of actions stays as it is.
        log_sigma: Logarithms (m,) of that spread.
        count: N.
    """

    def __init__(self, networks: Networks, beginning: Beginning, cfg: PpoCfg, *, log_sigma: Array, count: int) -> None:
        import torch

        self.networks, self.beginning, self._cfg, self.count = networks, beginning, cfg, count
        self.log_sigma = torch.as_tensor(log_sigma, dtype=torch.float32)
        self.rows = torch.zeros((count, networks.count))
        """(N, P) what everybody has learned."""
        cut = networks.actor_count
        self._actors = Adam(count, cut, cfg.learning_rate)
        self._critics = Adam(count, networks.count - cut, cfg.learning_rate)
        self.scale = ValueScale(count)
        self.epochs = np.zeros(count, dtype=np.int64)
        """(N,) epochs that everybody has learned from."""
        self.renew(np.arange(count))

    def renew(self, rows: NDArray[np.intp]) -> None:
        """Begin anew for the persons in rows (k,)."""
        import torch

        self.rows[rows] = torch.as_tensor(self.beginning.row, dtype=torch.float32)
        self._actors.forget(rows)
        self._critics.forget(rows)
        self.scale.begin(rows, self.beginning.values)
        self.epochs[rows] = 0

    def act(self, seen: NDArray[np.float32]) -> Array:
        """Mean actions (N, m) at normalised observations (N, n)."""
        import torch

        with torch.no_grad():
            mean = self.networks.mean_actions(self.rows, torch.from_numpy(seen)[:, None])
        return mean[:, 0].numpy().astype(np.float64)

    def learn(self, rollout: Rollout) -> None:
        """Learn from an epoch; everybody from their own."""
        import torch

        cfg, ones = self._cfg, torch.ones((self.count, 1))
        with torch.no_grad():
            steps = self._steps(rollout)
        actor = torch.as_tensor(self.epochs >= cfg.critic_first_epochs)[:, None].float()
        for _ in range(cfg.mini_epochs):
            for first in range(0, len(rollout.rewards), cfg.minibatch_size):
                slope = self._slope(steps.part(first, first + cfg.minibatch_size), actor)
                cut = self.networks.actor_count
                self._actors.move(self.rows[:, :cut], slope[:, :cut], actor)
                self._critics.move(self.rows[:, cut:], slope[:, cut:], ones)
        self.epochs += 1

    def _slope(self, steps: Steps, actor: Tensor) -> Tensor:
        """Clipped gradient (N, P) of everybody's loss; none for actors (N, 1) whose critic goes first."""
        import torch

        rows = self.rows.clone().requires_grad_(True)
        losses = self.networks.losses(rows, steps, self.log_sigma, self._cfg)
        (slope,) = torch.autograd.grad(losses.sum(), rows)
        slope[:, : self.networks.actor_count] *= actor
        return clipped(slope, self._cfg.grad_norm)

    def _steps(self, rollout: Rollout) -> Steps:
        """Advantages, and the returns' mean and variance brought up to date, as rl_games does it."""
        import torch

        cfg = self._cfg
        parts = (rollout.seen, rollout.actions, rollout.rewards)
        seen, actions, rewards = (torch.from_numpy(part).transpose(0, 1).contiguous() for part in parts)
        said = self.scale.true(self.networks.values(self.rows, seen))
        found = advantages_of(rewards * cfg.reward_scale, said, gamma=cfg.gamma, gae_lambda=cfg.gae_lambda)
        seen = seen[:, :-1].contiguous()
        return Steps(
            seen=seen,
            actions=actions,
            neglogp=neglogp(actions, self.networks.mean_actions(self.rows, seen), self.log_sigma),
            advantages=(found - found.mean(dim=1, keepdim=True)) / (found.std(dim=1, keepdim=True) + 1e-8),
            values=self.scale.meet(said[:, :-1]),
            returns=self.scale.meet(found + said[:, :-1]),
        )
