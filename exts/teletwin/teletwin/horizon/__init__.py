"""How far to look ahead: policies that choose the two horizons, one class and one name each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from teletwin.geometry import Array
from teletwin.messages import Horizons


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopObservation:
    """What the operator's side knows at the decision of one slot; operator's clock, offsets removed."""

    t_ns: int
    window: Array
    """Past poses (n, 7) as the forecaster sees them."""
    aol_s: float
    """Age of Loop: now minus generation time of the newest pose known to control the arm [s]; < 0 unknown."""
    uplink_age_s: float
    """Age of packets on arrival at the twin, newest known [s]."""
    control_delay_s: float
    """Measured T_control: hand sample to the arm moving by it, servo lag included [s]; < 0 unknown."""
    display_delay_s: float
    """Measured T_render: hand sample to drawn frame [s]; < 0 unknown."""


class HorizonPolicy(Protocol):
    """Chooses the horizons of one slot."""

    def decide(self, observation: LoopObservation) -> Horizons:
        """Return the horizons [s] for this slot."""
        ...

    def reset(self) -> None:
        """Forget earlier slots."""
        ...
