"""A recorded hand as the live loop meets it: one window every 10 ms, made of past samples only.

Two things that are easily mixed up are kept apart here. What a forecaster is given in a slot is what the queue of
the live loop holds at that moment (`PoseHistory.window`): an even grid that ends at the newest sample, linear
between samples that had already come. What its forecast is compared with is the recorded motion itself,
interpolated, of course with samples from after that moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array, quat_normalize
from teletwin.hand.recording import HandRecording

SLOT_NS = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampledHand:
    """Slots of a recording; made by `resample`."""

    name: str
    slot_ns: NDArray[np.int64]
    """(n,) when each slot begins, from the recording's first sample on."""
    newest_ns: NDArray[np.int64]
    """(n,) time of the newest sample that has come by then; forecasts count from here."""
    sample_ns: NDArray[np.int64]
    """(samples,) as recorded, from 0 on."""
    sample_poses: Array
    """(samples, 7)."""

    def __len__(self) -> int:
        return len(self.slot_ns)

    def windows(self, slots: NDArray[np.int64], *, count: int, step_ns: int = SLOT_NS) -> Array:
        """Windows (len(slots), count, 7) as the live queue gives them, oldest pose first.

        Where the past does not reach back far enough the oldest pose is repeated.
        """
        back = step_ns * np.arange(1 - count, 1, dtype=np.int64)
        return self._at(self.newest_ns[slots][:, None] + back)

    def newest(self) -> Array:
        """The newest pose (n, 7) that has come by each slot."""
        return self._at(self.newest_ns)

    @property
    def age_s(self) -> Array:
        """(n,) how old that is then [s]."""
        return (self.slot_ns - self.newest_ns) / NS_PER_S

    def truth(self, slots: NDArray[np.int64], horizons_s: Array) -> Array:
        """Recorded poses (len(slots), len(horizons_s), 7) at these horizons after each slot's newest sample."""
        ahead = np.round(np.asarray(horizons_s) * NS_PER_S).astype(np.int64)
        return self._at(self.newest_ns[slots][:, None] + ahead)

    def even(self) -> Array:
        """The recorded motion (n, 7) at the slots' own times: to fit models on and to draw, never a window."""
        return self._at(self.slot_ns[:, None])[:, 0]

    def whole(self, *, past_s: float, horizon_s: float) -> NDArray[np.int64]:
        """Slots that have this much past before them and this much truth after them."""
        enough = self.newest_ns >= round(past_s * NS_PER_S)
        return np.flatnonzero(enough & (self.newest_ns + round(horizon_s * NS_PER_S) <= self.sample_ns[-1]))

    def _at(self, t_ns: NDArray[np.int64]) -> Array:
        """Poses (..., 7) at times (...,); the ends are held. Linear, as PoseHistory interpolates."""
        right = np.clip(np.searchsorted(self.sample_ns, t_ns), 1, len(self.sample_ns) - 1)
        left = right - 1
        span = self.sample_ns[right] - self.sample_ns[left]
        share = np.clip((t_ns - self.sample_ns[left]) / span, 0.0, 1.0)[..., None]
        poses = (1.0 - share) * self.sample_poses[left] + share * self.sample_poses[right]
        poses[..., 3:] = quat_normalize(poses[..., 3:])
        return poses


class HandWindows:
    """Windows (count, 7) of a hand's slots, the first whose past is whole and those after it, made when asked for."""

    def __init__(self, hand: ResampledHand, *, count: int) -> None:
        self._hand, self._count = hand, count

    def __len__(self) -> int:
        return max(len(self._hand) - self._count + 1, 0)

    def __getitem__(self, rows: int | slice) -> Array:
        """One window (count, 7), or some (n, count, 7)."""
        if isinstance(rows, slice):
            slots = np.arange(len(self), dtype=np.int64)[rows] + self._count - 1
            return self._hand.windows(slots, count=self._count)
        return self[rows : rows + 1][0]


def resample(recording: HandRecording, *, slot_ns: int = SLOT_NS) -> ResampledHand:
    """The slots of a recording.

    Raises:
        ConfigError: A slot is not between 1 and 100 ms.
    """
    if not 1_000_000 <= slot_ns <= 100_000_000:
        raise ConfigError("the slot is out of range", given=f"{slot_ns} ns", allowed="1 ... 100 ms")
    sample_ns = recording.t_ns - recording.t_ns[0]
    slots = np.arange(0, int(sample_ns[-1]) + 1, slot_ns, dtype=np.int64)
    newest = np.searchsorted(sample_ns, slots, side="right") - 1
    return ResampledHand(
        name=recording.name,
        slot_ns=slots,
        newest_ns=sample_ns[newest],
        sample_ns=sample_ns,
        sample_poses=recording.poses,
    )
