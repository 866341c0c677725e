"""Shares in proportion to the work to expect, blind to what waits."""

from __future__ import annotations

from teletwin.allocation import AllocationSettings
from teletwin.allocation.features import loads
from teletwin.allocation.shares import EVEN_SHARE, divided, fill
from teletwin.geometry import Array


class ProportionalAllocator:
    """Divides link and compute by the loads of the two classes; evenly where there is none."""

    def __init__(self) -> None:
        self.fallback_count = 0

    def allocate(self, seen: Array) -> Array:
        """Return shares (..., 2) for features (..., 16)."""
        shares = divided(loads(seen))
        self.fallback_count += fill(shares, EVEN_SHARE)
        return shares

    def reset(self) -> None:
        """Nothing is remembered."""


def from_settings(settings: AllocationSettings) -> ProportionalAllocator:
    """Build it; no setting matters."""
    return ProportionalAllocator()
