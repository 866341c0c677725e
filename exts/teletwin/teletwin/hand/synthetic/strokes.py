"""Movement as the sum of overlapping strokes, each with its own start, duration and way."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from teletwin.geometry import Array

Profile = Callable[[Array], Array]
"""Share of the way done, rising from 0 to 1, at shares 0 ... 1 of the duration."""
_ERF_NODES = np.linspace(-4.0, 4.0, 4001)
_ERF_VALUES = np.array([math.erf(node) for node in _ERF_NODES])


def minimum_jerk(share: Array) -> Array:
    """The rest-to-rest profile of Flash and Hogan (1985)."""
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def lognormal_rise(share: Array, *, spread: float = 0.35) -> Array:
    """The profile of a stroke in the sigma-lognormal model (Plamondon 1995); nearly whole at share 1.

    Args:
        share: Shares of the stroke's duration, its start at 0.
        spread: Log response time, sigma of the model.
    """
    middle = -2.6 * spread  # so that 99.5 % of the way lie within the duration
    argument = (np.log(np.maximum(share, 1e-9)) - middle) / (spread * math.sqrt(2.0))
    return 0.5 * (1.0 + np.interp(argument, _ERF_NODES, _ERF_VALUES))


def sum_strokes(
    start_s: Array,
    duration_s: Array,
    way_m: Array,
    *,
    count: int,
    rate_hz: float,
    profile: Profile,
    turn: Array | None = None,
) -> Array:
    """Positions (hands, count, 3) [m] from rest at 0.

    Args:
        start_s: (hands, strokes) [s].
        duration_s: (hands, strokes) [s].
        way_m: (hands, strokes, 3) [m].
        count: Samples.
        rate_hz: Samples per second.
        profile: How a stroke unfolds.
        turn: (hands, strokes) angle about z by which a stroke turns from its start to its end [rad].
    """
    hands, strokes = start_s.shape
    length = math.ceil(float(duration_s.max()) * rate_hz) + 2
    first = np.floor(start_s * rate_hz).astype(np.int64)
    index = first[..., None] + np.arange(length)
    share = (index / rate_hz - start_s[..., None]) / duration_s[..., None]
    done = profile(np.clip(share, 0.0, 1.0)) * (1.0 / profile(np.ones(1)))
    gain = np.diff(done, axis=-1)
    at = np.clip(index[..., 1:], 0, count)  # what lies beyond the end goes into a slot that is dropped
    flat = (np.arange(hands)[:, None, None] * (count + 1) + at).ravel()
    sideways = np.stack([-way_m[..., 1], way_m[..., 0], np.zeros((hands, strokes))], axis=-1)
    angle = np.zeros((hands, strokes, 1)) if turn is None else turn[..., None] * (done[..., 1:] - 0.5)
    along, across = gain * np.cos(angle), gain * np.sin(angle)
    out = np.empty((hands, count, 3))
    for axis in range(3):
        steps = along * way_m[..., axis, None] + across * sideways[..., axis, None]
        summed = np.bincount(flat, weights=steps.ravel(), minlength=hands * (count + 1))
        out[..., axis] = np.cumsum(summed.reshape(hands, count + 1)[:, :count], axis=1)
    return out
