"""How PPO learns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from teletwin.errors import ConfigError

_SEED_OF_ZERO = 2**31 - 1
"""rl_games does not apply seed 0 at all, so 0 becomes this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PpoCfg:
    """Settings of PPO; the names are those of rl_games where it has a good one."""

    seed: int = 1
    """Of weights and exploration; the environment has its own."""
    epochs: int = 200
    """Epochs that this run adds; a resumed one counts on from its checkpoint."""
    horizon_length: int = 32
    """Steps that every environment goes in an epoch (rl_games' word; no horizon of a forecast)."""
    minibatch_size: int = 1024
    """Steps in an update; divides horizon_length x environments."""
    mini_epochs: int = 4
    """Times that an epoch's steps are gone through."""
    learning_rate: float = 3e-4
    schedule: Literal["constant", "adaptive"] = "adaptive"
    """Adaptive: the learning rate follows the divergence, between 1e-6 and 1e-2."""
    kl_target: float = 0.008
    """Divergence of the new policy from the old that the adaptive schedule aims at."""
    gamma: float = 0.99
    """Discount of a step."""
    gae_lambda: float = 0.95
    clip: float = 0.2
    """Change of an action's likelihood that an epoch may make."""
    entropy: float = 0.0
    """Weight of the entropy."""
    critic: float = 2.0
    """Weight of the critic's loss."""
    bounds_loss: float = 1e-4
    """Weight that keeps mean actions within 1.1."""
    grad_norm: float = 1.0
    reward_scale: float = 1.0
    """Factor on rewards before they are learned from."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of each hidden layer (elu); actor and critic each have their own."""
    log_sigma: float = -1.0
    """First logarithm of the spread of actions, whose range is -1 to 1; weights given as a start bring theirs."""
    sigma: Literal["learned", "fixed"] = "learned"
    """Whether the spread (one value an action, whatever is observed) is learned."""
    normalize_value: bool = True
    value_bootstrap: bool = True
    """Whether an episode that ended by time alone counts as going on."""
    critic_first_epochs: int = 0
    """Epochs of this run in which only the critic learns, so that it does not spoil an actor that was taught before."""
    checkpoint_epochs: int = 50
    """Epochs from one checkpoint to the next; the end always writes one."""
    device: str = "cpu"
    """'cpu' or 'cuda:0'."""
    torch_threads: int = 1
    """Threads of torch on the CPU; more than one slows small networks down by far where cores are shared."""

    def __post_init__(self) -> None:
        """Refuse what cannot be learned with."""
        for name in ("epochs", "horizon_length", "mini_epochs", "checkpoint_epochs", "torch_threads"):
            _hold(self, name, getattr(self, name) >= 1, "1 or more")
        _hold(self, "minibatch_size", self.minibatch_size >= 2, "2 or more")
        _hold(self, "seed", 0 <= self.seed < _SEED_OF_ZERO, f"0 to {_SEED_OF_ZERO - 1}")
        _hold(self, "hidden", len(self.hidden) >= 1 and min(self.hidden) >= 1, "one layer or more, each of 1 or more")
        for name in ("learning_rate", "kl_target", "clip"):
            _hold(self, name, 0.0 < getattr(self, name) < 1.0, "above 0, below 1")
        for name in ("gamma", "gae_lambda"):
            _hold(self, name, 0.0 <= getattr(self, name) <= 1.0, "0 to 1")
        for name in ("entropy", "bounds_loss", "critic_first_epochs"):
            _hold(self, name, getattr(self, name) >= 0, "0 or more")
        for name in ("critic", "grad_norm", "reward_scale"):
            _hold(self, name, getattr(self, name) > 0.0, "above 0")
        _hold(self, "log_sigma", -10.0 <= self.log_sigma <= 2.0, "-10 to 2")
        _hold(self, "schedule", self.schedule in ("constant", "adaptive"), "constant, adaptive")
        _hold(self, "sigma", self.sigma in ("learned", "fixed"), "learned, fixed")

    def check_batch(self, count: int) -> None:
        """Refuse `count` environments whose steps cannot be cut into equal updates.

        Raises:
            ConfigError: minibatch_size does not divide horizon_length x count.
        """
        steps = self.horizon_length * count
        if steps % self.minibatch_size:
            fitting = max(each for each in range(1, min(steps, self.minibatch_size) + 1) if steps % each == 0)
            raise ConfigError(
                "the steps of an epoch cannot be cut into updates of minibatch_size",
                given=f"{self.horizon_length} steps x {count} environments, minibatch_size {self.minibatch_size}",
                allowed=f"a divisor of {steps}, for example {fitting}",
            )

    def to_rl_games(self, *, count: int, folder: Path, epochs_before: int = 0) -> dict[str, Any]:
        """rl_games' parameters for `count` environments; its files go to `folder`, `epochs_before` are done already.

        Raises:
            ConfigError: minibatch_size does not divide horizon_length x count.
        """
        self.check_batch(count)
        params = {
            "seed": self.seed or _SEED_OF_ZERO,
            "torch_threads": self.torch_threads,
            "algo": {"name": "a2c_continuous"},
            "model": {"name": "continuous_a2c_logstd"},
            "network": self._network(),
            "config": {
                **self._learning(),
                **self._running(),
                "num_actors": count,
                "max_epochs": epochs_before + self.epochs,  # rl_games counts them from the very first
                "train_dir": str(folder.parent),
                "full_experiment_name": folder.name,
            },
        }
        return {"params": params}

    def _network(self) -> dict[str, Any]:
        space = {
            "mu_activation": "None",
            "sigma_activation": "None",
            "mu_init": {"name": "orthogonal_initializer", "gain": 0.01},  # begins near action 0
            "sigma_init": {"name": "const_initializer", "val": self.log_sigma},
            "fixed_sigma": True,  # rl_games' word for one value an action; it is learned all the same
        }
        mlp = {"units": list(self.hidden), "activation": "elu", "initializer": {"name": "default"}}
        return {"name": "actor_critic", "separate": True, "space": {"continuous": space}, "mlp": mlp}

    def _learning(self) -> dict[str, Any]:
        return {
            "ppo": True,
            "horizon_length": self.horizon_length,
            "minibatch_size": self.minibatch_size,
            "mini_epochs": self.mini_epochs,
            "seq_length": 1,  # its default of 4 must divide the batch even where nothing is recurrent
            "learning_rate": self.learning_rate,
            "lr_schedule": self.schedule,
            "schedule_type": "standard",
            "kl_threshold": self.kl_target,
            "gamma": self.gamma,
            "tau": self.gae_lambda,
            "e_clip": self.clip,
            "clip_value": True,
            "entropy_coef": self.entropy,
            "critic_coef": self.critic,
            "bounds_loss_coef": self.bounds_loss,
            "truncate_grads": True,
            "grad_norm": self.grad_norm,
            "reward_shaper": {"scale_value": self.reward_scale},
            "normalize_advantage": True,
            "normalize_input": False,  # observations come normalised, by what the policy's file holds
            "normalize_value": self.normalize_value,
            "value_bootstrap": self.value_bootstrap,
        }

    def _running(self) -> dict[str, Any]:
        return {
            "name": "teletwin",
            "env_name": "teletwin",
            "device": self.device,
            "device_name": self.device,
            "torch_compile": False,
            "multi_gpu": False,
            "mixed_precision": False,
            "print_stats": False,
            "save_best_after": 10**9,
            "save_frequency": 0,
        }


def _hold(cfg: PpoCfg, name: str, holds: bool, allowed: str) -> None:
    if not holds:
        raise ConfigError(f"{name} cannot be used", given=getattr(cfg, name), allowed=allowed)
