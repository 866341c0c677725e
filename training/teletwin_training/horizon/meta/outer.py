"""The outer learner: one start for everybody, moved by what each person's own network got after learning from them.

A person's network is the start plus what they taught it, rows = start + taught. To first order the start moves every
row alike, so the gradient of what the start is worth is the mean over persons of the gradient at their own rows
(first-order MAML): PPO's loss, with a value that all share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from teletwin.geometry import Array
from teletwin_training.horizon.meta.adam import Adam, ValueScale, advantages_of, clipped
from teletwin_training.horizon.meta.learners import Rollout
from teletwin_training.horizon.meta.networks import Layers, Networks, Steps, neglogp
from teletwin_training.ppo import PpoCfg
from teletwin_training.ppo.made_checkpoint import Critic

if TYPE_CHECKING:
    from torch import Tensor


class Outer:
    """Learns the start's actor.

    Args:
        networks: Layers of actor and critic.
        actor: Layers to begin with.
        critic: Of the outer reward.
        cfg: How; `minibatch_size` counts steps of all persons.
        log_sigma: Logarithms (m,) of the spread of actions in outer roll-outs.
    """

    def __init__(self, networks: Networks, actor: Layers, critic: Critic, cfg: PpoCfg, *, log_sigma: Array) -> None:
        import torch

        self._networks, self._cfg = networks, cfg
        self._row = torch.as_tensor(networks.row(actor, critic.layers), dtype=torch.float32)[None]
        self._adam = Adam(1, networks.count, cfg.learning_rate)
        self._scale = ValueScale(1)
        self._scale.begin(np.zeros(1, dtype=np.intp), critic.values)
        self._log_sigma = torch.as_tensor(log_sigma, dtype=torch.float32)

    @property
    def row(self) -> Array:
        """Parameters (P,) of the start's actor and of the critic."""
        return self._row[0].numpy().astype(np.float64)

    def put(self, actor: Array) -> None:
        """Set the start's actor to parameters (A,)."""
        import torch

        self._row[0, : len(actor)] = torch.as_tensor(actor, dtype=torch.float32)

    @property
    def values(self) -> tuple[float, float, float]:
        """Mean, variance and count of the values that the critic has met."""
        return self._scale.facts(0)

    def learn(self, rollout: Rollout, taught: Tensor, *, actor: bool = True) -> None:
        """Move the start by an epoch of N persons, whose actors (N, A) lie by `taught` from the start.

        Without `actor` the critic alone learns.
        """
        import torch

        cfg, persons = self._cfg, len(taught)
        with torch.no_grad():
            steps = self._steps(rollout, taught)
        each = max(1, min(persons, cfg.minibatch_size // len(rollout.rewards)))
        for _ in range(cfg.mini_epochs):
            for first in range(0, persons, each):
                self._update(steps.of(slice(first, first + each)), taught[first : first + each], actor=actor)

    def _rows(self, start: Tensor, taught: Tensor) -> Tensor:
        import torch

        cut = self._networks.actor_count
        rest = start[:, cut:].expand(len(taught), -1)
        return torch.cat([start[:, :cut] + taught, rest], dim=1)

    def _update(self, steps: Steps, taught: Tensor, *, actor: bool) -> None:
        import torch

        start = self._row.clone().requires_grad_(True)
        loss = self._networks.losses(self._rows(start, taught), steps, self._log_sigma, self._cfg).mean()
        (slope,) = torch.autograd.grad(loss, start)
        slope[:, : self._networks.actor_count] *= float(actor)
        self._adam.move(self._row, clipped(slope, self._cfg.grad_norm), torch.ones((1, 1)))

    def _steps(self, rollout: Rollout, taught: Tensor) -> Steps:
        import torch

        cfg = self._cfg
        parts = (rollout.seen, rollout.actions, rollout.rewards)
        seen, actions, rewards = (torch.from_numpy(part).transpose(0, 1).contiguous() for part in parts)
        rows = self._rows(self._row, taught)
        said = self._scale.true(self._networks.values(rows, seen))
        found = advantages_of(rewards, said, gamma=cfg.gamma, gae_lambda=cfg.gae_lambda)
        seen, shape = seen[:, :-1].contiguous(), found.shape
        return Steps(
            seen=seen,
            actions=actions,
            neglogp=neglogp(actions, self._networks.mean_actions(rows, seen), self._log_sigma),
            advantages=(found - found.mean()) / (found.std() + 1e-8),
            values=self._scale.meet(said[:, :-1].reshape(1, -1)).view(shape),
            returns=self._scale.meet((found + said[:, :-1]).reshape(1, -1)).view(shape),
        )
