"""Offset and drift between two clocks, from the stamps that the messages carry anyway.

Each arrival closes a four-stamp exchange as in NTP (RFC 5905, section 8): with my packet sent at t1, heard
by the peer at t2, the peer's packet sent at t3 and heard by me at t4, the round trip is
(t4 - t1) - (t3 - t2) and the peer's clock is ahead of mine by ((t2 - t1) + (t3 - t4)) / 2. Half of what
the two ways differ in delay is an error that no exchange of stamps can see.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S

WINDOW_NS = 10 * NS_PER_S
_EPOCH_NS = 50 * NS_PER_MS
_ANCHOR_NS = 5 * NS_PER_S
_ANCHORS = 24
_LEAST_ANCHORS = 4
_LOCK_EPOCHS = 20
_BEST_SHARE = 0.5
_DRIFT_PRIOR = 50e-6
_SLEW = 2e-3
_STEP_NS = 5 * NS_PER_MS
_STEP_EPOCHS = 4


class _Sample(NamedTuple):
    t_ns: int
    round_trip_ns: int
    offset_ns: float


class ClockSync:
    """Follows (peer's clock - own clock).

    The exchange with the shortest round trip of every 50 ms is kept for 10 s. The half of them with the
    shortest round trips, where queueing disturbed least (and enough of them to average what remains),
    gives a line through offset over time. Its slope is drawn towards that of the last two minutes, for
    which the best exchange of every 5 s is enough, as far as the scatter demands (prior: 50 ppm), so
    noise is not read as drift. Once locked (1 s of exchanges) the estimate moves by at most 2 ms a second,
    unless the last four exchanges say that a clock was set anew.
    """

    def __init__(self) -> None:
        self._window: deque[_Sample] = deque()
        self._anchors: deque[_Sample] = deque(maxlen=_ANCHORS)
        self._next_anchor: _Sample | None = None
        self._long_drift = 0.0
        self._best: _Sample | None = None
        self._epoch = 0
        self._offset_ns = 0.0
        self._drift = 0.0
        self._at_ns = 0
        self._is_doubted = False

    @property
    def is_known(self) -> bool:
        """Whether at least one exchange was seen."""
        return self._best is not None or bool(self._window)

    @property
    def is_locked(self) -> bool:
        """Whether the estimate rests on a second of exchanges or more."""
        return len(self._window) >= _LOCK_EPOCHS

    @property
    def drift_ppm(self) -> float:
        """How much faster the peer's clock runs [ppm]."""
        return self._drift * 1e6

    @property
    def round_trip_ns(self) -> int:
        """Shortest round trip in the window [ns]; 0 until known."""
        return min((sample.round_trip_ns for sample in self._window), default=0)

    def offset_ns(self, t_ns: int) -> int:
        """Peer's clock minus own clock [ns] at own time t_ns."""
        return round(self._offset_ns + self._drift * (t_ns - self._at_ns))

    def doubt(self) -> None:
        """The peer has started again: its clock may be another one, which the next exchange tells."""
        self._is_doubted = True

    def observe(self, *, sent_ns: int, heard_ns: int, replied_ns: int, arrived_ns: int) -> None:
        """Take in one exchange [ns]: t1 and t4 on the own clock, t2 and t3 on the peer's."""
        round_trip_ns = (arrived_ns - sent_ns) - (replied_ns - heard_ns)
        if round_trip_ns < -NS_PER_MS or replied_ns < heard_ns:  # a little below zero is drift, not a lie
            return
        sample = _Sample(arrived_ns, round_trip_ns, 0.5 * ((heard_ns - sent_ns) + (replied_ns - arrived_ns)))
        if self._is_doubted and self._contradicts(sample):
            self._forget(keep=0)
            self._best = None
        self._is_doubted = False
        if not self.is_known:
            self._offset_ns, self._at_ns = sample.offset_ns, arrived_ns
        epoch = arrived_ns // _EPOCH_NS
        if epoch != self._epoch and self._best is not None:
            self._close_epoch(self._best)
            self._best = None
        self._epoch = epoch
        if self._best is None or sample.round_trip_ns < self._best.round_trip_ns:
            self._best = sample

    def _close_epoch(self, sample: _Sample) -> None:
        window = self._window
        window.append(sample)
        while window[0].t_ns < sample.t_ns - WINDOW_NS:
            window.popleft()
        if self._was_set_anew():
            self._forget(keep=1)
        self._anchor(sample)
        self._estimate(sample.t_ns)

    def _forget(self, *, keep: int) -> None:
        """Another clock from now on: only the newest exchange is of it for certain."""
        while len(self._window) > keep:
            self._window.popleft()
        self._anchors.clear()
        self._next_anchor, self._drift, self._long_drift = None, 0.0, 0.0

    def _anchor(self, sample: _Sample) -> None:
        """Keep the best exchange of every five seconds for the drift over minutes."""
        best = self._next_anchor
        if best is not None and sample.t_ns // _ANCHOR_NS != best.t_ns // _ANCHOR_NS:
            self._anchors.append(best)
            self._long_drift = self._drift_over_minutes()
            best = None
        if best is None or sample.round_trip_ns < best.round_trip_ns:
            self._next_anchor = sample

    def _was_set_anew(self) -> bool:
        """Whether every recent exchange contradicts the estimate by more than its round trip can hide."""
        recent = list(self._window)[-_STEP_EPOCHS:]
        return len(self._window) > _STEP_EPOCHS and all(self._contradicts(sample) for sample in recent)

    def _contradicts(self, sample: _Sample) -> bool:
        """Whether no way of sharing out the round trip's delay explains an exchange by the present estimate."""
        apart_ns = abs(sample.offset_ns - self.offset_ns(sample.t_ns))
        return apart_ns > max(_STEP_NS, 0.5 * sample.round_trip_ns)

    def _drift_over_minutes(self) -> float:
        """Drift over the last two minutes [ns/s]; 0 before twenty seconds are known."""
        if len(self._anchors) < _LEAST_ANCHORS:
            return 0.0
        newest_ns = self._anchors[-1].t_ns
        times_s = np.array([(sample.t_ns - newest_ns) / NS_PER_S for sample in self._anchors])
        offsets_ns = np.array([sample.offset_ns for sample in self._anchors])
        return _shrunk_slope(times_s - times_s.mean(), offsets_ns - offsets_ns.mean(), towards=0.0, correlation=1.0)

    def _estimate(self, now_ns: int) -> None:
        best = sorted(self._window, key=lambda sample: sample.round_trip_ns)
        best = _agreeing(best[: max(1, round(_BEST_SHARE * len(best)))])
        times_s = np.array([(sample.t_ns - now_ns) / NS_PER_S for sample in best])
        offsets_ns = np.array([sample.offset_ns for sample in best])
        mean_s, mean_ns = float(times_s.mean()), float(offsets_ns.mean())
        drift_ns_per_s = _shrunk_slope(times_s - mean_s, offsets_ns - mean_ns, towards=self._long_drift)
        target_ns = mean_ns - drift_ns_per_s * mean_s
        if self.is_locked:
            held_ns = self._offset_ns + self._drift * (now_ns - self._at_ns)
            reach_ns = _SLEW * (now_ns - self._at_ns)
            target_ns = held_ns + min(max(target_ns - held_ns, -reach_ns), reach_ns)
        self._offset_ns, self._drift, self._at_ns = target_ns, drift_ns_per_s / NS_PER_S, now_ns


def _agreeing(samples: list[_Sample]) -> list[_Sample]:
    """Those that the round trip's delay can explain; an exchange during which a clock was set anew looks quick."""
    middle_ns = float(np.median([sample.offset_ns for sample in samples]))
    return [s for s in samples if abs(s.offset_ns - middle_ns) <= max(_STEP_NS, 0.5 * s.round_trip_ns)] or samples


def _shrunk_slope(times_s: np.ndarray, offsets_ns: np.ndarray, *, towards: float, correlation: float = 4.0) -> float:
    """Slope [ns/s] by least squares with a Gaussian prior of 50 ppm around `towards` [ns/s].

    `correlation` is the count of neighbours that scatter alike; queues outlast several exchanges.
    """
    offsets_ns = offsets_ns - towards * times_s
    spread = float(times_s @ times_s)
    product = float(times_s @ offsets_ns)
    plain = product / spread if spread > 0.0 else 0.0
    residual = offsets_ns - plain * times_s
    variance = correlation * float(residual @ residual) / max(len(offsets_ns) - 2, 1)
    prior = _DRIFT_PRIOR * NS_PER_S
    return towards + (product / (spread + variance / prior**2) if spread > 0.0 else 0.0)
