"""Losses that come in bursts: the Gilbert-Elliott model in continuous time.

The path is good or bad. A good one lets everything through, a bad one nothing; both last exponentially
long, the bad one `burst` on average, and the share of time in which the path is bad is the share of loss.
Because the state lives in time and not on the packets, a burst is as long for a stream of 500 packets a
second as for one of 30, and two lines with one seed lose in the same moments.
"""

from __future__ import annotations

import numpy as np

_MANY = 100.0


class BurstLoss:
    """The state of one hop over time; its draws depend on the seed, on time and on the settings."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._bad_s = self._good_s = 0.0
        self._share = 0.0
        self._is_bad = False
        self._until_s = -np.inf

    def configure(self, *, loss: float, burst_s: float) -> None:
        """From now on lose a share `loss` in bursts of mean length burst_s [s]."""
        if (loss, burst_s) == (self._share, self._bad_s):
            return
        self._share, self._bad_s = loss, burst_s
        self._good_s = burst_s * (1.0 - loss) / loss if loss > 0.0 else np.inf
        self._until_s = -np.inf

    def is_lost(self, t_s: float) -> bool:
        """Whether what passes at t_s [s] is lost; times must not decrease."""
        if self._share in (0.0, 1.0):
            return self._share == 1.0
        if t_s - self._until_s > _MANY * (self._bad_s + self._good_s):  # at first, and after a long silence
            self._is_bad = bool(self._rng.random() < self._share)
            self._until_s = t_s + self._stay_s()
        while self._until_s <= t_s:
            self._is_bad = not self._is_bad
            self._until_s += self._stay_s()
        return self._is_bad

    def _stay_s(self) -> float:
        return float(self._rng.exponential(self._bad_s if self._is_bad else self._good_s))
