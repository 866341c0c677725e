"""A checkpoint of an actor and a critic that were not taught by rl_games; it goes on from there like from its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from teletwin_training.ppo.checkpoint import CHECKPOINT_NAME, Purpose, read_state, write_checkpoint
from teletwin_training.ppo.configuration import PpoCfg
from teletwin_training.ppo.weights import Array, Weights

_ADAM = {
    "betas": (0.9, 0.999),
    "eps": 1e-8,
    "weight_decay": 0.0,
    "amsgrad": False,
    "maximize": False,
    "foreach": None,
    "capturable": False,
    "differentiable": False,
    "fused": True,
    "decoupled_weight_decay": False,
}


_VALUES = (("running_mean", (1,)), ("running_var", (1,)), ("count", ()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Critic:
    """A critic: elu after each hidden layer, the last one gives the normalised value."""

    layers: tuple[tuple[Array, Array], ...]
    values: tuple[float, float, float] = (0.0, 1.0, 1.0)
    """Mean, variance and count of the values and returns that it has met."""


def make_checkpoint(folder: Path, actor: Weights, critic: Critic, *, purpose: Purpose, cfg: PpoCfg) -> Path:
    """Write a checkpoint of epoch 0 with an optimizer that remembers nothing; its file."""
    import torch

    def tensor(value: Any) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float32)

    model = {
        f"value_mean_std.{name}": torch.tensor(value, dtype=torch.float64).reshape(shape)
        for (name, shape), value in zip(_VALUES, critic.values, strict=True)
    }
    model["a2c_network.sigma"] = tensor(actor.log_sigma)
    for part, last, layers in (("actor_mlp", "mu", actor.layers), ("critic_mlp", "value", critic.layers)):
        names = [*(f"{part}.{2 * number}" for number in range(len(layers) - 1)), last]
        for name, (weights, biases) in zip(names, layers, strict=True):
            model |= {f"a2c_network.{name}.weight": tensor(weights.T), f"a2c_network.{name}.bias": tensor(biases)}
    numbers = list(range(len(model) - 3))
    group = {**_ADAM, "lr": cfg.learning_rate, "params": numbers}
    state = {
        "model": model,
        "epoch": 0,
        "frame": 0,
        "optimizer": {"state": {}, "param_groups": [group]},
        "last_mean_rewards": -1e9,
        "env_state": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    counts = [actor.layers[0][0].shape[0], actor.layers[-1][1].size]
    write_checkpoint(folder / CHECKPOINT_NAME, state, purpose=purpose, cfg=cfg, counts=counts)
    return folder / CHECKPOINT_NAME


def read_critic(source: str | Path) -> Critic:
    """The critic in a checkpoint's file or a run's folder.

    Raises:
        ConfigError: The file is none of ours.
    """
    model = read_state(source)["model"]
    numbers = sorted(int(name.split(".")[2]) for name in model if re.fullmatch(r"a2c_network.critic_mlp.*weight", name))
    names = [*(f"critic_mlp.{number}" for number in numbers), "value"]
    layers = tuple(
        (
            model[f"a2c_network.{name}.weight"].double().numpy().T.copy(),
            model[f"a2c_network.{name}.bias"].double().numpy().copy(),
        )
        for name in names
    )
    mean, variance, count = (float(model[f"value_mean_std.{name}"]) for name, _ in _VALUES)
    return Critic(layers=layers, values=(mean, variance, count))
