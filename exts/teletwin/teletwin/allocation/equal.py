"""Half of everything for each class, whatever is seen."""

from __future__ import annotations

from teletwin.allocation import AllocationSettings
from teletwin.allocation.fixed import FixedAllocator
from teletwin.allocation.shares import EVEN_SHARE


def from_settings(settings: AllocationSettings) -> FixedAllocator:
    """The fixed allocator at its middle; no setting matters."""
    return FixedAllocator(link_share=EVEN_SHARE, compute_share=EVEN_SHARE)
