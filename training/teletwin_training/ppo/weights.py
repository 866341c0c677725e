"""The actor's weights between rl_games' network and numpy."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin_training.ppo.checkpoint import read_state

_ACTOR = "a2c_network.actor_mlp."
_LAST = "a2c_network.mu."
_SIGMA = "a2c_network.sigma"

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weights:
    """An actor: elu after each hidden layer, the last one linear."""

    layers: tuple[tuple[Array, Array], ...]
    """Weights (in, out) and biases (out,) of each layer; the last one gives the mean action."""
    log_sigma: Array
    """Logarithm of the spread of each action, (m,)."""

    def __post_init__(self) -> None:
        """Refuse layers that do not fit each other."""
        counts = [layer[0].shape for layer in self.layers]
        chained = all(before[1] == after[0] for before, after in itertools.pairwise(counts))
        biased = all(bias.shape == (weight.shape[1],) for weight, bias in self.layers)
        if not counts or not chained or not biased or self.log_sigma.shape != (counts[-1][1],):
            raise ConfigError("the weights' layers do not fit each other", given=self.shape)

    @property
    def shape(self) -> str:
        """The units of each layer, for example '24-64-64-5'."""
        return "-".join(str(each) for each in (self.layers[0][0].shape[0], *(bias.size for _, bias in self.layers)))

    def mean_actions(self, observations: Array) -> Array:
        """Mean actions (N, m) at normalised observations (N, n), not clipped."""
        values = np.asarray(observations, dtype=np.float64)
        for weight, bias in self.layers[:-1]:
            values = values @ weight + bias
            values = np.where(values > 0.0, values, np.expm1(np.minimum(values, 0.0)))
        weight, bias = self.layers[-1]
        return values @ weight + bias


def read_weights(source: Any) -> Weights:
    """The actor of a running algorithm of rl_games, or of a checkpoint's file (see read_state).

    Raises:
        ConfigError: The file is none of ours.
    """
    state = read_state(source)["model"] if isinstance(source, str | Path) else source.model.state_dict()
    return actor_of(state)


def actor_of(state: Mapping[str, Any]) -> Weights:
    """The actor in the state of rl_games' model, tensors by name; its network keeps actor and critic separate.

    Raises:
        ConfigError: No such actor is in it.
    """
    numbers = sorted(int(name.split(".")[2]) for name in state if name.startswith(_ACTOR) and name.endswith(".weight"))
    names = [*(f"{_ACTOR}{number}." for number in numbers), _LAST]
    try:
        layers = tuple((_array(state[name + "weight"]).T.copy(), _array(state[name + "bias"])) for name in names)
        return Weights(layers=layers, log_sigma=_array(state[_SIGMA]))
    except KeyError as error:
        raise ConfigError(
            "this is no actor of rl_games' PPO", given=f"no {error}", allowed="a network with separate actor and critic"
        ) from None


def write_weights(algo: Any, weights: Weights) -> None:
    """Put an actor into the network of an algorithm of rl_games; the critic stays as it is.

    Raises:
        ConfigError: The network has other layers.
    """
    import torch

    present = read_weights(algo)
    if present.shape != weights.shape:
        raise ConfigError("the weights do not fit the network", given=weights.shape, allowed=present.shape)
    network = algo.model.a2c_network
    linear = [*(each for each in network.actor_mlp if isinstance(each, torch.nn.Linear)), network.mu]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, weights.layers, strict=True):
            layer.weight.copy_(torch.as_tensor(weight.T))
            layer.bias.copy_(torch.as_tensor(bias))
        network.sigma.copy_(torch.as_tensor(weights.log_sigma))


def _array(tensor: Any) -> Array:
    return tensor.detach().cpu().double().numpy().copy()
