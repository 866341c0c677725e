"""Meta-learning: persons take lessons side by side, and a start follows what their own networks come to.

Each person has a learner of their own, which is the live one. Between its epochs outer roll-outs say how well
everybody's own network draws, and the start follows their mean gradient.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin_training.horizon.choosing import Choosing
from teletwin_training.horizon.closed_loop_env import ClosedLoopEnv
from teletwin_training.horizon.meta.cfg import MetaCfg
from teletwin_training.horizon.meta.learners import Beginning, Learners, Rollout
from teletwin_training.horizon.meta.lessons import Lessons
from teletwin_training.horizon.meta.networks import Networks, new_critic
from teletwin_training.horizon.meta.outer import Outer
from teletwin_training.horizon.sessions import SessionBank
from teletwin_training.ppo import Weights
from teletwin_training.ppo.made_checkpoint import Critic

if TYPE_CHECKING:
    from torch import Tensor

_AVERAGED = 20.0
"""The start is averaged over about so many outer roll-outs."""
_REMEMBERED = 512.0
"""Values that the start's critic counts as met: a new person's soon outweigh them."""


class EnvWorld:
    """The environment of step 2 as a `lessons.World`."""

    def __init__(self, env: ClosedLoopEnv) -> None:
        self._env, self.loop = env, env.loop

    def act(self, actions: Array) -> NDArray[np.bool_]:
        """One slot."""
        return self._env.step(actions)[2]


class MetaLearning:
    """The start, its persons and their learners; `block` goes on by one.

    Args:
        actor: Where the start begins.
        mean, scale: Observations are centred and divided by these (n,).
        sessions: Networks; long enough for a person's life.
        cfg: How.
        outer_critic: Of what outer roll-outs are rewarded with; one that knows nothing where None.
        critic: Of the live reward; the same.
    """

    def __init__(
        self,
        actor: Weights,
        mean: Array,
        scale: Array,
        sessions: SessionBank,
        cfg: MetaCfg,
        *,
        outer_critic: Critic | None = None,
        critic: Critic | None = None,
    ) -> None:
        self._cfg, self._env = cfg, ClosedLoopEnv(sessions, cfg.loop)
        self._env.reset()
        self._rng = rng = np.random.default_rng([31, cfg.seed])
        hidden = [len(biases) for _, biases in actor.layers[:-1]]
        self.networks = networks = Networks(len(mean), hidden, self._env.action_count)
        spread, wide = (np.full(self._env.action_count, value) for value in (np.log(cfg.spread), cfg.outer.log_sigma))
        self._sigma = np.exp(wide)
        knows_nothing = [Critic(layers=new_critic(len(mean), hidden, rng)) for _ in range(2)]
        self._outer = Outer(networks, actor.layers, outer_critic or knows_nothing[0], cfg.outer, log_sigma=wide)
        common = replace(cfg.inner, learning_rate=1e-3, minibatch_size=16 * cfg.inner.horizon_length, mini_epochs=1)
        self._critic = Outer(networks, actor.layers, critic or knows_nothing[1], common, log_sigma=spread)
        self.learners = Learners(
            networks,
            Beginning(row=self._critic.row, values=self._critic.values),
            cfg.inner,
            log_sigma=spread,
            count=cfg.persons,
        )
        choosing = Choosing(sessions, cfg.loop.env)
        self._lessons = Lessons(EnvWorld(self._env), choosing, mean, scale, self.learners, rng=rng)
        self._start = self.learners.beginning.row[: networks.actor_count]
        self._average, self._averaged, self.blocks = self._start, 0, 0

    @property
    def actor(self) -> Weights:
        """The start, averaged over the newest blocks."""
        layers = self.networks.layers(np.concatenate([self._average, self._critic.row[len(self._average) :]]))
        return Weights(layers=layers, log_sigma=self.learners.log_sigma.numpy().astype(np.float64))

    @property
    def critic(self) -> Critic:
        """A critic of the live reward, of all persons' lessons together."""
        mean, variance, count = self._critic.values
        layers = self.networks.layers(self._critic.row, critic=True)
        return Critic(layers=layers, values=(mean, variance, min(count, _REMEMBERED)))

    def block(self) -> dict[str, float]:
        """Lessons, then outer roll-outs; what they came to."""
        cfg, drawing, gain = self._cfg, [], []
        left = np.zeros(cfg.persons, dtype=np.bool_)
        for _ in range(cfg.lesson_epochs):
            rollout, errors = self._lessons.epoch(cfg.inner.horizon_length)
            drawing.append(errors.mean())
            self._critic.learn(rollout, self._taught(), actor=False)
            self.learners.learn(rollout)
        for _ in range(cfg.queries):
            rollout, ended = self._query()
            left |= ended
            gain.append(rollout.rewards.mean())
            self._outer.learn(rollout, self._taught(), actor=self.blocks >= cfg.critic_first_blocks)
            self._move()
        if left.any():
            self.learners.renew(np.flatnonzero(left))
        self.blocks += 1
        taught = float(self._taught().norm(dim=1).mean())
        return {"drawing_m": float(np.mean(drawing)), "gain": float(np.mean(gain)), "taught": taught}

    def _taught(self) -> Tensor:
        """How far each person's lessons have led their actor (N, A) from the start."""
        import torch

        return self.learners.rows[:, : len(self._start)] - torch.as_tensor(self._start, dtype=torch.float32)

    def _query(self) -> tuple[Rollout, NDArray[np.bool_]]:
        """Everybody acts with much noise; what step 2 would reward, and who (N,) has left at the end."""
        cfg, shape = self._cfg, (self._cfg.persons, len(self._sigma))
        seen, actions, rewards = [self._lessons.seen()], [], []
        left = np.zeros(cfg.persons, dtype=np.bool_)
        for _ in range(cfg.query_steps):
            action = self.learners.act(seen[-1]) + self._sigma * self._rng.standard_normal(shape)
            reward = np.zeros(cfg.persons)
            for _ in range(cfg.hold_slots):
                _, paid, done, _, _ = self._env.step(action)
                reward += paid / cfg.hold_slots
                left |= done
            seen.append(self._lessons.seen())
            actions.append(action.astype(np.float32))
            rewards.append(reward.astype(np.float32))
        return Rollout(seen=np.stack(seen), actions=np.stack(actions), rewards=np.stack(rewards)), left

    def _move(self) -> None:
        """Let the start, and with it everybody, follow the outer learner."""
        import torch

        cut, start = len(self._start), self._outer.row[: len(self._start)]
        if self._cfg.method == "reptile":
            start = self._start + self._cfg.approach / self._cfg.queries * self._taught().double().mean(dim=0).numpy()
            self._outer.put(start)
        self.learners.rows[:, :cut] += torch.as_tensor(start - self._start, dtype=torch.float32)
        self._start = start
        if self.blocks >= self._cfg.critic_first_blocks:
            self._averaged += 1
            self._average = self._average + (start - self._average) / min(self._averaged, _AVERAGED)
        critic = self.critic
        row = np.concatenate([start, self._critic.row[cut:]])
        self.learners.beginning = Beginning(row=row, values=critic.values)
