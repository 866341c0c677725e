"""Pictures that cost less and less: smaller, then without shadow, then fewer; never more than was asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from teletwin.messages import ViewSettings

SCALES = (1.0, 0.75, 0.5)
"""Sides of a picture over those asked for."""
RATE_SHARES = (1.0, 2.0 / 3.0, 0.5, 1.0 / 3.0)
"""Of the frame rate asked for: 30, 20, 15, 10 Hz."""
FIXED_COST = 0.5
"""Part of a picture's cost that does not grow with its pixels (software GL: the meshes' corners, the shadow's map)."""
SHADOWLESS = 0.7
"""Cost without shadow over that with one."""
MeasuredCosts = Mapping[tuple[int, int, bool], float]
"""Width, height, with shadow or not -> what drawing and encoding such a picture took here [ms]."""
_LEAST_WIDTH, _LEAST_HEIGHT, _LEAST_RATE_HZ = 160, 90, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One step of the ladder."""

    width: int
    height: int
    shadow: bool
    rate_hz: float
    relative: float
    """Cost of a picture over one as it was asked for."""

    @property
    def pixel_rate(self) -> float:
        """Pixels a second."""
        return self.width * self.height * self.rate_hz


def ladder(asked: ViewSettings, costs: MeasuredCosts | None = None) -> tuple[Rung, ...]:
    """Rungs from the picture that was asked for downwards; widths divisible by 16, heights even.

    Args:
        asked: The whole picture.
        costs: Measured ones; where one is missing the constants above stand in for all.
    """
    whole = Rung(width=asked.width, height=asked.height, shadow=asked.shadow, rate_hz=asked.rate_hz, relative=1.0)
    rungs = [whole]
    for scale in SCALES[1:]:
        width, height = _scaled(asked, scale)
        cost = FIXED_COST + (1.0 - FIXED_COST) * width * height / (asked.width * asked.height)
        if width < rungs[-1].width:
            rungs.append(dataclasses.replace(whole, width=width, height=height, relative=cost))
    if asked.shadow:
        rungs.append(dataclasses.replace(rungs[-1], shadow=False, relative=SHADOWLESS * rungs[-1].relative))
    for share in RATE_SHARES[1:]:
        rate_hz = max(share * asked.rate_hz, min(_LEAST_RATE_HZ, asked.rate_hz))
        if rate_hz < rungs[-1].rate_hz:
            rungs.append(dataclasses.replace(rungs[-1], rate_hz=rate_hz))
    return _measured(rungs, costs or {})


def _measured(rungs: list[Rung], costs: MeasuredCosts) -> tuple[Rung, ...]:
    """The rungs with what they cost here, none more than the one before it."""
    known = [costs.get((rung.width, rung.height, rung.shadow), 0.0) for rung in rungs]
    if min(known) <= 0.0:
        return tuple(rungs)
    least = [min(known[: number + 1]) / known[0] for number in range(len(known))]
    return tuple(dataclasses.replace(rung, relative=cost) for rung, cost in zip(rungs, least, strict=True))


def _scaled(asked: ViewSettings, scale: float) -> tuple[int, int]:
    """Size at about this scale that the encoder takes and that keeps the picture's shape; never a larger one."""
    width = max(16 * round(scale * asked.width / 16.0), min(_LEAST_WIDTH, asked.width))
    height = max(2 * round(width * asked.height / asked.width / 2.0), min(_LEAST_HEIGHT, asked.height))
    return min(width, asked.width), min(height, asked.height)
