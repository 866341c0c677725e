"""Evaluates a network: one input after another in memory set aside once, or many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.network.layers import Layers

Inputs = NDArray[np.floating[Any]]


class EluActor:
    """Hidden layers with ELU, the last one linear and clipped to +- 1; a few microseconds for one input."""

    def __init__(self, layers: Layers) -> None:
        # Weights, biases, the layer's output, its negative part, zeros and ones of its width.
        self._hidden = [
            (weights, biases, np.zeros(len(biases)), np.zeros(len(biases)), np.zeros(len(biases)), np.ones(len(biases)))
            for weights, biases in layers[:-1]
        ]
        self._weights, self._biases = layers[-1]
        self._action = np.zeros(len(self._biases))
        self._most, self._least = np.ones(len(self._biases)), -np.ones(len(self._biases))

    def act(self, inputs: Inputs) -> Array:
        """The action (..., m) in [-1, 1] for normalised inputs (..., n), in an array of its own.

        One row alone and the same row among many agree to rounding, not bit for bit.
        """
        return self._act_once(inputs) if inputs.ndim == 1 else self._act_many(inputs)

    def _act_once(self, value: Inputs) -> Array:
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
        np.minimum(self._action, self._most, out=self._action)
        return np.maximum(self._action, self._least)

    def _act_many(self, inputs: Inputs) -> Array:
        value = inputs.reshape(-1, inputs.shape[-1])
        for weights, biases, *_ in self._hidden:
            out = value @ weights
            out += biases
            negative = np.minimum(out, 0.0)
            np.exp(negative, negative)
            negative -= 1.0
            value = np.maximum(out, negative, out=out)
        action = value @ self._weights + self._biases
        return np.clip(action, -1.0, 1.0, out=action).reshape(*inputs.shape[:-1], -1)
