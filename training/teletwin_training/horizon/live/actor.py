"""Between the policy that a session runs and the actor that PPO teaches."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from teletwin.errors import ConfigError
from teletwin.horizon.actor import Actor
from teletwin.horizon.observation import OBSERVATION_VERSION
from teletwin.horizon.policy_file import PolicyFile
from teletwin_training.ppo import Purpose, Weights


def weights_of(policy: PolicyFile, *, spread: float) -> Weights:
    """The policy's network, with noise of this standard deviation on its actions."""
    width = len(policy.layers[-1][1])
    return Weights(
        layers=tuple((weights.copy(), biases.copy()) for weights, biases in policy.layers),
        log_sigma=np.full(width, np.log(spread)),
    )


def policy_of(weights: Weights, base: PolicyFile, note: Mapping[str, object]) -> PolicyFile:
    """The policy that these weights make of another: what it sees, does and is added to stays."""
    return replace(base, layers=weights.layers, note=dict(note))


def purpose_of(policy: PolicyFile) -> Purpose:
    """What a checkpoint of this policy is for."""
    return Purpose(
        task="horizon",
        observation=policy.observation,
        observation_version=OBSERVATION_VERSION,
        action=policy.action,
    )


def awake(policy: PolicyFile, *, seed: int, hidden: tuple[int, ...] = (64, 64)) -> PolicyFile:
    """A policy that can learn: hidden layers of zeros, through which nothing would be learned, become random ones.

    It acts as before: one of zeros throughout as the rule.

    Raises:
        ConfigError: It has no hidden layer.
    """
    if any(weights.any() for weights, _ in policy.layers[:-1]):
        return policy
    if len(policy.layers) == 1 and policy.layers[0][0].any():
        raise ConfigError("the policy cannot learn on", given="one linear layer", allowed="one hidden layer or more")
    rng = np.random.default_rng([23, seed])
    units = (len(policy.mean), *hidden)
    layers = [(rng.normal(size=shape) / np.sqrt(shape[0]), np.zeros(shape[1])) for shape in itertools.pairwise(units)]
    always = Actor(policy).act(policy.mean)  # whatever it sees
    return replace(policy, layers=(*layers, (np.zeros((units[-1], len(always))), always)))
