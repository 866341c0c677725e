"""Shares of two classes from what each needs, and what to do where they cannot be told."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array

LEAST_SHARE = 0.05
"""No class gets less unless asked: with nothing at all it would never again show what it needs."""
EVEN_SHARE = 0.5
"""The share of whoever knows nothing."""


@np.errstate(divide="ignore", over="ignore", invalid="ignore")
def divided(needed: Array, *, otherwise: Array | float = EVEN_SHARE, least: float = LEAST_SHARE) -> Array:
    """Share of the first class, in proportion to what both need.

    Args:
        needed: What the two classes need (..., 2), in the same unit.
        otherwise: The share (...) where neither needs anything.
        least: No class gets less.

    Returns:
        Shares (...) in [least, 1 - least]; NaN where a need is not finite.
    """
    total = needed[..., 0] + needed[..., 1]
    shares = np.where(total > 0.0, needed[..., 0] / total, otherwise)
    return np.where(np.isfinite(total), np.minimum(np.maximum(shares, least), 1.0 - least), np.nan)


def fill(shares: Array, otherwise: Array | float) -> int:
    """Put other shares where those (..., 2) are not finite, in place; return in how many decisions that happened."""
    usable = np.isfinite(shares)
    if usable.all():
        return 0
    np.copyto(shares, otherwise, where=~usable)
    return int(np.count_nonzero(~usable.all(axis=-1)))
