"""What a body adds to its intention, slot by slot: tremor, drift, signal-dependent noise, a wrist that sways.

The same spectra as `teletwin.hand.synthetic.body` makes at once in the frequency domain, here as recursions, since a
loop does not know its future: tremor is a resonator, the rest are chains of four low-passes. All begin at zero, so a
hand begins where it is put.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.hand.synthetic.body import BodyCfg

CHANNELS = 12
"""White numbers that a person needs in a slot: three each of effort, drift, sway and tremor."""
TRAITS = ("tremor_hz", "tremor_m", "effort_s", "sway_rad", "wrist_tremor_rad")
"""Fields of BodyCfg that a person draws once."""
_STAGES = 4
_SPACE = 3**-0.5
_TREMOR_WIDTH_HZ = 2.0


class Unrest:
    """Displacements of hands that do not hold still.

    Args:
        persons: Rows.
        body: Spectra; the ranges in TRAITS are drawn by the caller.
        slot_s: Time step [s].
    """

    def __init__(self, *, persons: int, body: BodyCfg, slot_s: float) -> None:
        self._slot_s, self._body = slot_s, body
        effort = [body.effort_cut_hz] * _STAGES
        drift = [0.5 / np.pi / body.drift_s, *[body.drift_cut_hz] * (_STAGES - 1)]
        sway = [0.5 / np.pi / body.sway_s, *[body.drift_cut_hz] * (_STAGES - 1)]
        poles = np.repeat(np.array([effort, drift, sway]).T, 3, axis=1)
        self._open = 1.0 - np.exp(-2.0 * np.pi * slot_s * poles)  # (stages, 9)
        self._unit = 1.0 / _deviation(self._open)  # (9,)
        self._stages = np.zeros((_STAGES, persons, 9))
        self._tremor = np.zeros((2, persons, 3))
        self._turn, self._decay, self._drive = np.zeros((3, persons, 1))
        self._effort, self._sway, self._wrist = np.zeros((3, persons, 1))

    def reset(self, rows: NDArray[np.intp], traits: dict[str, Array]) -> None:
        """Begin at rest in these rows (k,), with traits (k,) by the names in TRAITS."""
        self._stages[:, rows] = 0.0
        self._tremor[:, rows] = 0.0
        angle = 2.0 * np.pi * self._slot_s * traits["tremor_hz"]
        radius = np.exp(-np.pi * self._slot_s * _TREMOR_WIDTH_HZ)
        power = (1.0 + radius**2) / ((1.0 - radius**2) * (1.0 + radius**4 - 2.0 * radius**2 * np.cos(2.0 * angle)))
        self._turn[rows, 0] = 2.0 * radius * np.cos(angle)
        self._decay[rows] = radius**2
        self._drive[rows, 0] = _SPACE * traits["tremor_m"] / np.sqrt(power)
        self._effort[rows, 0] = traits["effort_s"]
        self._sway[rows, 0] = _SPACE * traits["sway_rad"]
        self._wrist[rows, 0] = traits["wrist_tremor_rad"] / np.maximum(traits["tremor_m"], 1e-9)

    def step(self, white: Array, speed: Array) -> tuple[Array, Array]:
        """Displacement (persons, 3) [m] and turn (persons, 3) [rad] of this slot.

        Args:
            white: Standard normal numbers (persons, CHANNELS).
            speed: Intended speed (persons, 1) [m/s].
        """
        level = white[:, :9]
        for stage, share in zip(self._stages, self._open, strict=True):
            stage += share * (level - stage)
            level = stage
        level = level * self._unit
        newer, older = self._tremor
        tremor = self._turn * newer - self._decay * older + self._drive * white[:, 9:12]
        older[:], newer[:] = newer, tremor
        effort, drift, sway = level[:, :3], level[:, 3:6], level[:, 6:9]
        shift = tremor + (_SPACE * self._body.drift_m) * drift + self._effort * speed * effort
        return shift, self._sway * sway + self._wrist * tremor


def _deviation(opening: Array) -> Array:
    """Standard deviation (9,) of unit white noise after the chains (stages, 9), from their impulse responses."""
    state = np.zeros_like(opening)
    total = np.zeros(opening.shape[1])
    pulse = np.ones(opening.shape[1])
    for _ in range(int(40.0 / opening.min())):
        level = pulse
        for stage, share in zip(state, opening, strict=True):
            stage += share * (level - stage)
            level = stage
        total += level**2
        pulse = np.zeros_like(pulse)
    return np.sqrt(total)
