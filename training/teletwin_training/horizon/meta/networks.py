"""Actor and critic of many learners in one array, a row each: what they say, and PPO's loss of each.

The formulas are those of rl_games as `PpoCfg.to_rl_games` sets it up (clipped actor and critic losses, a price on mean
actions beyond 1.1); `tests/training/test_meta.py` holds them to it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from teletwin.geometry import Array
from teletwin_training.ppo import PpoCfg

if TYPE_CHECKING:
    from torch import Tensor

_SOFT_BOUND = 1.1
Layers = tuple[tuple[Array, Array], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Steps of N learners to learn from; tensors (N, T, ...)."""

    seen: Tensor
    """(N, T, n) normalised observations."""
    actions: Tensor
    """(N, T, m) what was done."""
    neglogp: Tensor
    """(N, T) minus the logarithm of its likelihood then."""
    advantages: Tensor
    values: Tensor
    """(N, T) normalised values, as they were said then."""
    returns: Tensor
    """(N, T) normalised returns."""

    def part(self, first: int, last: int) -> Steps:
        """The steps first ... last - 1 of everybody."""
        return Steps(**{name: getattr(self, name)[:, first:last] for name in Steps.__slots__})

    def of(self, rows: slice) -> Steps:
        """All steps of some learners."""
        return Steps(**{name: getattr(self, name)[rows] for name in Steps.__slots__})


class Networks:
    """Where the layers of an actor and a critic of `hidden` units lie in a row of parameters (P,)."""

    def __init__(self, seen: int, hidden: Sequence[int], actions: int) -> None:
        self._shapes = [_shapes((seen, *hidden, count)) for count in (actions, 1)]
        counts = [sum(rows * columns + columns for rows, columns in shapes) for shapes in self._shapes]
        self.actor_count, self.count = counts[0], sum(counts)
        """Parameters of the actor, which come first, and of both."""

    def row(self, actor: Layers, critic: Layers) -> Array:
        """The parameters (P,) of these layers."""
        return np.concatenate([part.ravel() for layer in (*actor, *critic) for part in layer])

    def layers(self, row: Array, *, critic: bool = False) -> Layers:
        """The actor's (or the critic's) layers in a row of parameters (P,)."""
        found, first = [], self.actor_count if critic else 0
        for rows, columns in self._shapes[critic]:
            middle, last = first + rows * columns, first + rows * columns + columns
            found.append((row[first:middle].reshape(rows, columns).copy(), row[middle:last].copy()))
            first = last
        return tuple(found)

    def mean_actions(self, rows: Tensor, seen: Tensor) -> Tensor:
        """Mean actions (N, T, m) of N networks (N, P) at normalised observations (N, T, n)."""
        return self._through(rows, seen, critic=False)

    def values(self, rows: Tensor, seen: Tensor) -> Tensor:
        """Normalised values (N, T) there."""
        return self._through(rows, seen, critic=True)[..., 0]

    def _through(self, rows: Tensor, values: Tensor, *, critic: bool) -> Tensor:
        import torch

        first, last_layer = self.actor_count if critic else 0, len(self._shapes[critic]) - 1
        for number, (inward, outward) in enumerate(self._shapes[critic]):
            middle, last = first + inward * outward, first + inward * outward + outward
            weights = rows[:, first:middle].view(-1, inward, outward)
            values = torch.baddbmm(rows[:, None, middle:last], values, weights)
            values = values if number == last_layer else torch.nn.functional.elu(values)
            first = last
        return values

    def losses(self, rows: Tensor, steps: Steps, log_sigma: Tensor, cfg: PpoCfg) -> Tensor:
        """PPO's loss (N,) of N networks (N, P)."""
        import torch

        values = self.values(rows, steps.seen)
        kept = steps.values + (values - steps.values).clamp(-cfg.clip, cfg.clip)
        worse = torch.maximum((values - steps.returns) ** 2, (kept - steps.returns) ** 2)
        mean = self.mean_actions(rows, steps.seen)
        ratio = torch.exp(steps.neglogp - neglogp(steps.actions, mean, log_sigma))
        clipped = ratio.clamp(1.0 - cfg.clip, 1.0 + cfg.clip)
        gained = torch.maximum(-steps.advantages * ratio, -steps.advantages * clipped)
        beyond = (mean.abs() - _SOFT_BOUND).clamp_min(0.0) ** 2
        actor = gained.mean(dim=1) + cfg.bounds_loss * beyond.sum(dim=2).mean(dim=1)
        return actor + 0.5 * cfg.critic * worse.mean(dim=1)


def neglogp(actions: Tensor, mean: Tensor, log_sigma: Tensor) -> Tensor:
    """Minus the logarithm of the likelihood (N, T) of actions (N, T, m) about their mean; log_sigma (m,)."""
    squares = ((actions - mean) / log_sigma.exp()) ** 2
    return 0.5 * squares.sum(dim=-1) + 0.5 * math.log(2.0 * math.pi) * actions.shape[-1] + log_sigma.sum()


def new_critic(seen: int, hidden: Sequence[int], rng: np.random.Generator) -> Layers:
    """A critic that knows nothing: even weights and no biases, as rl_games begins one."""
    layers: list[Any] = []
    for rows, columns in _shapes((seen, *hidden, 1)):
        bound = rows**-0.5
        layers.append((rng.uniform(-bound, bound, (rows, columns)), np.zeros(columns)))
    return tuple(layers)


def _shapes(units: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(units))
