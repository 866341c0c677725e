"""What a network consists of: how its inputs are brought to one size, and its layers."""

from __future__ import annotations

import numpy as np

from teletwin.errors import ConfigError
from teletwin.geometry import Array

Layers = tuple[tuple[Array, Array], ...]
"""Weights (in, out) and biases (out,), first layer first."""
INPUT_BOUND = 5.0
"""Inputs less their mean, divided by their scale, are clipped to +- this."""
ACTIVATION = "elu"
"""Activation of the hidden layers; the last one is linear."""


def own_array(array: Array) -> Array:
    """A read-only copy in float64."""
    kept = np.array(array, dtype=np.float64)
    kept.setflags(write=False)
    return kept


def own_layers(layers: Layers) -> Layers:
    """Read-only copies of all weights and biases."""
    return tuple((own_array(weights), own_array(biases)) for weights, biases in layers)


def check_activation(activation: str) -> None:
    """Refuse a network with other hidden layers.

    Raises:
        ConfigError: It is not ACTIVATION.
    """
    if activation != ACTIVATION:
        raise ConfigError("the policy's activation is unknown", given=activation, allowed=ACTIVATION)


def check_network(mean: Array, scale: Array, layers: Layers, *, ends: tuple[int, int], names: tuple[str, str]) -> None:
    """Refuse a network that does not lead from its inputs to its outputs.

    Args:
        mean: Typical input (n,).
        scale: Spread of the inputs (n,), positive.
        layers: Weights and biases.
        ends: How many inputs and outputs there must be.
        names: What they are, for the person who reads the refusal.

    Raises:
        ConfigError: The shapes do not fit, a number is not finite, or a scale is not positive.
    """
    _check_shapes(mean, scale, layers, ends, names)
    numbers = [mean, scale, *(array for layer in layers for array in layer)]
    if not all(np.isfinite(array).all() for array in numbers) or not (scale > 0.0).all():
        raise ConfigError(
            "the policy's numbers cannot be used",
            given="not finite, or a scale that is not positive",
            allowed="finite numbers, positive scales",
            mend="train it again",
        )


def _check_shapes(mean: Array, scale: Array, layers: Layers, ends: tuple[int, int], names: tuple[str, str]) -> None:
    """From the inputs to the outputs, layer by layer."""
    width = ends[0]
    given = [mean.shape, scale.shape]
    fits = given == [(width,), (width,)] and bool(layers)
    for weights, biases in layers:
        given += [weights.shape, biases.shape]
        fits = fits and weights.ndim == 2 and weights.shape[0] == width and biases.shape == (weights.shape[1],)
        width = weights.shape[-1] if weights.ndim else 0
    if not fits or width != ends[1]:
        raise ConfigError(
            "the policy's shapes do not fit",
            given=", ".join(map(str, given)),
            allowed=f"{ends[0]} numbers ({names[0]}) to {ends[1]} ({names[1]}), each layer as wide as the one before",
        )
