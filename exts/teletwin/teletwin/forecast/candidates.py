"""The forecasts that `combined` weighs, and how far each is trusted before a hand has taught anything.

To add one: a row here, and its displacements in `candidate_kernels.forecast_candidates`, in this order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from teletwin.errors import ConfigError

PRIOR_HORIZONS_S = (0.02, 0.2, 0.5)
"""Where the weights of the prior mixture are given; between, they follow straight lines."""
_ROWS = len(PRIOR_HORIZONS_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One forecast of the mixture."""

    name: str
    """As in FORECASTERS; what it forecasts alone."""
    prior_position: tuple[float, ...]
    """Its weights in the prior mixture, by PRIOR_HORIZONS_S; what all of them lack to 1 is held."""
    prior_orientation: tuple[float, ...]
    trust: float
    """Logarithm of its weight as a single forecast beside the mixtures, to begin with; -100 leaves it out."""

    def __post_init__(self) -> None:
        for name in ("prior_position", "prior_orientation"):
            weights = getattr(self, name)
            if len(weights) != _ROWS or not all(abs(weight) <= 1.0 for weight in weights):
                raise ConfigError(f"{name} cannot be used", given=weights, allowed=f"{_ROWS} weights in -1 ... 1")
        check_trust("trust", self.trust)


def check_trust(name: str, trust: float) -> None:
    """Refuse a logarithm that no weight has.

    Raises:
        ConfigError: It is not in -100 ... 10.
    """
    if not -100.0 <= trust <= 10.0 or math.isnan(trust):
        raise ConfigError(f"{name} cannot be used", given=trust, allowed="-100 ... 10")


CANDIDATES = (
    Candidate(name="arma", prior_position=(0.7, 0.7, 0.45), prior_orientation=(0.8, 0.65, 0.35), trust=-1.0),
    Candidate(name="autoreg", prior_position=(0.2, 0.05, 0.0), prior_orientation=(0.15, 0.0, 0.0), trust=-2.0),
    Candidate(name="pooled-fir", prior_position=(0.05, 0.2, 0.25), prior_orientation=(0.0, 0.2, 0.3), trust=-2.0),
    Candidate(
        name="constant-velocity", prior_position=(0.05, 0.0, 0.0), prior_orientation=(0.05, 0.0, 0.0), trust=-3.0
    ),
    Candidate(name="linear", prior_position=(0.0, 0.0, 0.0), prior_orientation=(0.0, 0.0, 0.0), trust=-3.0),
)
"""What is mixed, besides holding the pose."""
