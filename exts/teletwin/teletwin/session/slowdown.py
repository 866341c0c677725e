"""A slower machine, imitated by waiting."""

from __future__ import annotations

from teletwin.clock import NS_PER_S, Clock


def lengthen(work_s: float, compute_share: float, clock: Clock) -> None:
    """Wait as much longer as work of work_s [s] would take with that share of this machine, 0 < share <= 1."""
    if compute_share < 1.0:
        wait_ns = int(NS_PER_S * work_s * (1.0 / compute_share - 1.0))
        clock.sleep_until(clock.now_ns() + wait_ns)
