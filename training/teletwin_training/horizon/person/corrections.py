"""Corrections in submovements: bumps of velocity that start one after the other and add up.

Minimum-jerk bumps that superpose (Flash and Henis 1991, Burdet and Milner 1998), started by an error that is worth
it and not before a refractory time has passed (Meyer et al. 1988). A person takes off the error what is under way
and not seen yet, or they would correct the same error twice (a Smith predictor: Miall et al. 1993).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teletwin.geometry import Array
from teletwin.hand.synthetic.strokes import minimum_jerk
from teletwin_training.horizon.person.cfg import PersonCfg
from teletwin_training.horizon.person.seen import Seen

CHANNELS = 3
"""White numbers that a person needs in a slot: a submovement's duration, size and the wait after it."""
_REMEMBERED_S = 1.5


class Corrections:
    """The submovements of all persons, at most two at once for each.

    Args:
        persons: Rows.
        cfg: Times and scatter.
        slot_s: Time step [s].
    """

    def __init__(self, *, persons: int, cfg: PersonCfg, slot_s: float) -> None:
        self._cfg, self._slot_s = cfg, slot_s
        self._past = Seen(persons=persons, channels=3, slots=round(_REMEMBERED_S / slot_s))
        self._finished = np.zeros((persons, 3))
        self._way = np.zeros((2, persons, 3))
        self._age_s = np.zeros((2, persons, 1))
        self._duration_s = np.ones((2, persons, 1))
        self._turn = np.zeros(persons, dtype=np.intp)
        self._wait_s = np.zeros(persons)
        self._done = np.zeros((persons, 3))

    def reset(self, rows: NDArray[np.intp], wait: Array) -> None:
        """Forget all submovements of rows (k,); the first may start after this share (k,) of the longest wait."""
        self._finished[rows] = self._done[rows] = 0.0
        self._way[:, rows] = 0.0
        self._past.reset(rows, np.zeros((len(rows), 3)))
        self._wait_s[rows] = wait * self._cfg.refractory_s[1]

    def unseen(self, slots: NDArray[np.intp]) -> Array:
        """Way (persons, 3) [m] decided upon, but not yet made this many slots (persons,) ago."""
        return self._finished + self._way[0] + self._way[1] - self._past.ago(slots)

    def start(self, rows: NDArray[np.intp], error: Array, rate: Array, white: Array) -> None:
        """Let rows (k,) that may start a submovement do so.

        Args:
            rows: Persons.
            error: Error to correct (k, 3) [m].
            rate: Share of an error corrected per second (k, 1) [1/s]: crossover.
            white: Standard normal numbers (k, CHANNELS).
        """
        turn = self._turn[rows] = 1 - self._turn[rows]
        wait_s = _within(white[:, 0], self._cfg.refractory_s)
        self._finished[rows] += self._way[turn, rows]
        size = np.minimum(rate * wait_s[:, None], 1.0) * (1.0 + self._cfg.scatter * white[:, 1:2])
        self._way[turn, rows] = size * error
        self._age_s[turn, rows] = 0.0
        self._duration_s[turn, rows, 0] = _within(white[:, 2], self._cfg.submovement_s)
        self._wait_s[rows] = wait_s

    def ready(self) -> NDArray[np.bool_]:
        """Who (persons,) has waited long enough."""
        return self._wait_s <= 0.0

    def step(self) -> Array:
        """Way (persons, 3) [m] that the submovements make in this slot."""
        self._age_s += self._slot_s
        self._wait_s -= self._slot_s
        share = minimum_jerk(np.minimum(self._age_s / self._duration_s, 1.0)) * self._way
        done = self._finished + share[0] + share[1]
        way = done - self._done
        self._done = done
        self._past.push(done)
        return way


def _within(white: Array, bounds: tuple[float, float]) -> Array:
    """Values that spread over a range, most of them in its middle."""
    low, high = bounds
    return np.clip(0.5 * (low + high) + 0.3 * (high - low) * white, low, high)
