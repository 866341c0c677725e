"""The network of a policy file for one observation after another, in memory set aside once."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array
from teletwin.horizon.policy_file import PolicyFile

_BOUND = 5.0


class Actor:
    """Evaluates a policy's network; a few microseconds an observation."""

    def __init__(self, policy: PolicyFile) -> None:
        count = len(policy.mean)
        self._mean, self._scale = policy.mean, policy.scale
        self._seen, self._most, self._least = np.zeros(count), np.full(count, _BOUND), np.full(count, -_BOUND)
        # Weights, biases, the layer's output, its negative part, zeros and ones of its width.
        self._hidden = [
            (weights, biases, np.zeros(len(biases)), np.zeros(len(biases)), np.zeros(len(biases)), np.ones(len(biases)))
            for weights, biases in policy.layers[:-1]
        ]
        self._weights, self._biases = policy.layers[-1]
        self._action = np.zeros(len(self._biases))
        self._most_action, self._least_action = np.ones(len(self._biases)), -np.ones(len(self._biases))

    def act(self, observation: Array) -> Array:
        """The action (m,) in [-1, 1] for an observation (n,), in an array of its own."""
        value = self._seen
        np.subtract(observation, self._mean, value)
        np.divide(value, self._scale, value)
        np.minimum(value, self._most, out=value)
        np.maximum(value, self._least, out=value)
        for weights, biases, out, negative, zeros, ones in self._hidden:
            np.dot(value, weights, out)
            np.add(out, biases, out)
            # ELU in two branches that meet at 0: the greater of x and exp(min(x, 0)) - 1.
            np.minimum(out, zeros, out=negative)
            np.exp(negative, negative)
            np.subtract(negative, ones, negative)
            value = np.maximum(out, negative, out=out)
        np.dot(value, self._weights, self._action)
        np.add(self._action, self._biases, self._action)
        np.minimum(self._action, self._most_action, out=self._action)
        return np.maximum(self._action, self._least_action)
