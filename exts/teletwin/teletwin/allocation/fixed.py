"""The same shares in every tick: the baseline of every table."""

from __future__ import annotations

import numpy as np

from teletwin.allocation import AllocationSettings
from teletwin.errors import ConfigError
from teletwin.geometry import Array


class FixedAllocator:
    """Gives requests a constant share of link and compute."""

    fallback_count = 0

    def __init__(self, *, link_share: float, compute_share: float) -> None:
        """With the shares of requests.

        Raises:
            ConfigError: A share is not in [0, 1].
        """
        for name, share in (("link", link_share), ("compute", compute_share)):
            if not 0.0 <= share <= 1.0:
                raise ConfigError(f"the share of the {name} is out of range", given=share, allowed="0 ... 1")
        self._shares = np.array([link_share, compute_share])

    def allocate(self, seen: Array) -> Array:
        """Return the constant shares (..., 2) for features (..., 16)."""
        shares = np.empty((*seen.shape[:-1], 2))
        shares[...] = self._shares
        return shares

    def reset(self) -> None:
        """Nothing is remembered."""


def from_settings(settings: AllocationSettings) -> FixedAllocator:
    """Build with the shares that the settings name."""
    return FixedAllocator(link_share=settings.link_share, compute_share=settings.compute_share_requests)
