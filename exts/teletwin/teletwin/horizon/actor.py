"""The network of a policy file for one observation after another, in memory set aside once."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile
from teletwin.network.actor import EluActor
from teletwin.network.layers import INPUT_BOUND


class Actor:
    """Evaluates a policy's network; a few microseconds an observation."""

    def __init__(self, policy: PolicyFile) -> None:
        count = len(policy.mean)
        self._mean, self._scale = policy.mean, policy.scale
        self._seen, self._most, self._least = np.zeros(count), np.full(count, INPUT_BOUND), np.full(count, -INPUT_BOUND)
        self._network = EluActor(policy.layers)

    def act(self, observation: Array) -> Array:
        """The action (m,) in [-1, 1] for an observation (n,), in an array of its own."""
        value = self._seen
        np.subtract(observation, self._mean, value)
        np.divide(value, self._scale, value)
        np.minimum(value, self._most, out=value)
        np.maximum(value, self._least, out=value)
        return self._network.act(value)
