"""rl_games' PPO with our ends attached: whole checkpoints, facts of each epoch, a stop.

Only a training imports this; importing rl_games takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from rl_games.algos_torch import torch_ext  # noqa: TID253
from rl_games.algos_torch.a2c_continuous import A2CAgent  # noqa: TID253
from rl_games.common.schedulers import IdentityScheduler  # noqa: TID253

from teletwin.errors import ConfigError
from teletwin_training.ppo.checkpoint import Purpose, read_state, write_checkpoint
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.facts import EpochFacts
from teletwin_training.ppo.weights import read_weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """What an agent reports to and writes for."""

    cfg: PpoCfg
    purpose: Purpose
    checkpoint: Path
    counts: list[int]
    """Values of an observation and of an action."""
    on_epoch: Callable[[EpochFacts], bool | None] | None


class PpoAgent(A2CAgent):
    """PPO that ends when `on_epoch` returns False."""

    vec_env: Any
    writer: Any

    def __init__(self, *, attached: Attached, base_name: str, params: dict[str, Any]) -> None:
        super().__init__(base_name, params)
        self.attached = attached
        self.stopped = False
        self.newest: EpochFacts | None = None
        self._epochs_before = 0
        self._own_scheduler = self.scheduler
        self._actor_learns(True)

    def restore(self, fn: str, set_epoch: bool = True) -> None:
        """Go on from a checkpoint; the adaptive learning rate goes on too, the constant one is that of now."""
        self.set_full_state_weights(read_state(fn, device=str(self.ppo_device)), set_epoch=set_epoch)
        self._epochs_before = self.epoch_num
        if self.is_adaptive_lr:
            self.last_lr = float(self.optimizer.param_groups[0]["lr"])
        self.update_lr(self.last_lr)

    def save(self, fn: str = "") -> None:
        """Write the run's one checkpoint; rl_games would name files by rewards and try again for half a minute."""
        own = self.attached
        state = self.get_full_state_weights()
        write_checkpoint(own.checkpoint, state, purpose=own.purpose, cfg=own.cfg, counts=own.counts)

    def drop_epoch(self) -> None:
        """The environment ended in the midst of a roll-out: no weight has changed in it, only the count."""
        self.epoch_num = self.newest.epoch if self.newest else self._epochs_before
        self.stopped = True
        self.save()

    def update_epoch(self) -> int:
        """Begin an epoch; the critic may be the only one that learns in the first ones."""
        epoch = super().update_epoch()
        self._actor_learns(epoch - self._epochs_before > self.attached.cfg.critic_first_epochs)
        return epoch

    def write_stats(self, *stats: Any, **_: Any) -> None:
        """End an epoch: to TensorBoard, to the caller, into a checkpoint."""
        super().write_stats(*stats)
        facts = self.newest = self._facts(stats)
        if not math.isfinite(facts.actor_loss + facts.critic_loss + facts.reward):
            raise ConfigError(
                "the training lost its way: a loss or a reward is not finite",
                given=f"epoch {facts.epoch}",
                mend="go on from the checkpoint with a smaller learning_rate, or look at the environment's rewards",
            )
        self._write_means(facts, frame=stats[11])
        if facts.epoch % self.attached.cfg.checkpoint_epochs == 0:
            self.save()
        if self.attached.on_epoch is not None and self.attached.on_epoch(facts) is False:
            self.max_epochs, self.stopped = facts.epoch, True  # rl_games ends the run as if it had been its last

    def _facts(self, stats: tuple[Any, ...]) -> EpochFacts:
        took_s, epoch, *_, a_losses, c_losses, entropies, kls, learning_rate, _, _, epoch_s, _, frames = stats
        means = self.vec_env.take_means()
        finished = self.game_rewards.current_size > 0
        return EpochFacts(
            epoch=epoch,
            frames=int(self.frame),
            took_s=took_s,
            steps_per_s=frames / epoch_s,
            reward=means.pop("reward"),
            episode_reward=float(self.game_rewards.get_mean()[0]) if finished else math.nan,
            episode_steps=float(self.game_lengths.get_mean()) if finished else math.nan,
            actor_loss=torch_ext.mean_list(a_losses).item(),
            critic_loss=torch_ext.mean_list(c_losses).item(),
            entropy=torch_ext.mean_list(entropies).item(),
            kl=torch_ext.mean_list(kls).item(),
            learning_rate=float(learning_rate),
            means=means,
            weights=read_weights(self),
        )

    def _write_means(self, facts: EpochFacts, *, frame: int) -> None:
        self.writer.add_scalar("environment/reward", facts.reward, frame)
        self.writer.add_scalar("info/log_sigma", float(facts.weights.log_sigma.mean()), frame)
        for name, value in facts.means.items():
            self.writer.add_scalar(f"environment/{name}", value, frame)

    def _actor_learns(self, learns: bool) -> None:
        network = self.model.a2c_network
        for part in (network.actor_mlp, network.mu):
            part.requires_grad_(learns)
        network.sigma.requires_grad_(learns and self.attached.cfg.sigma == "learned")
        # An actor that stands still never diverges, and the adaptive schedule would take that for a call to hurry.
        self.scheduler = self._own_scheduler if learns else IdentityScheduler()


class RecordedAgent(PpoAgent):
    """PPO on what a running session did: the action comes from the environment, its likelihood from the network."""

    def get_action_values(self, obs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the network says of the observation, and of the action that was taken there."""
        result = super().get_action_values(obs)
        actions = self.vec_env.recorded_action()
        mean, sigma = result["mus"], result["sigmas"]
        neglogp = self.model.neglogp(actions, mean, sigma, torch.log(sigma))
        return {**result, "actions": actions, "neglogpacs": neglogp}
