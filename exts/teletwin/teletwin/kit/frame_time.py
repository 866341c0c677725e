"""Simulated time as Isaac's simulation manager counts it, now and of a frame; from zero at every play."""

from __future__ import annotations

from typing import Any


def simulation_time_s() -> float:
    """Simulated time at the end of the newest physics step [s]."""
    from isaacsim.core.simulation_manager import SimulationManager

    return float(SimulationManager.get_simulation_time())


def simulation_time_at_s(reference: Any) -> float:
    """Simulated time that a frame shows [s].

    Args:
        reference: What the annotator ReferenceTime tells of the frame.
    """
    from isaacsim.core.simulation_manager import _simulation_manager

    rational = int(reference["referenceTimeNumerator"]), int(reference["referenceTimeDenominator"])
    if rational[1] <= 0:  # no frame has been rendered with a time yet
        return simulation_time_s()
    return float(_simulation_manager.acquire_simulation_manager_interface().get_simulation_time_at_time(rational))
