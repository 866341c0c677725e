"""Measurements of the running loop in fixed memory: latencies, ticks, errors, lag, jerk."""

from __future__ import annotations

import math
from array import array
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array

OVERRUN_MS = 2.0
"""A tick that starts later than this counts as an overrun."""


class LatencyHistogram:
    """Counts of values in bins of equal ratio; adding is O(1), memory fixed, the same input gives the same output.

    Values may be negative (an effective motion-to-photon time is, when the forecast looks far ahead).
    Quantiles are exact to half a bin, about 0.6 % of the value; count, mean and max are exact.
    """

    _SMALLEST = 1e-3
    _DECADES = 8
    _BINS_PER_DECADE = 200

    def __init__(self) -> None:
        self._zero = self._DECADES * self._BINS_PER_DECADE  # |value| <= _SMALLEST; negative ones below it
        self._counts = [0] * (2 * self._zero + 1)
        self.count = 0
        self.invalid_count = 0
        self.max = -math.inf
        self.min = math.inf
        self._sum = 0.0
        self._smoothed = math.nan
        self.newest: float | None = None
        """The last value that counted."""

    def add(self, value: float) -> None:
        """Count one value; one that is not finite is only counted as invalid."""
        if not math.isfinite(value):
            self.invalid_count += 1
            return
        size = abs(value)
        index = 0
        if size > self._SMALLEST:
            index = min(int(math.log10(size / self._SMALLEST) * self._BINS_PER_DECADE) + 1, self._zero)
        self._counts[self._zero + (index if value >= 0.0 else -index)] += 1
        self.count += 1
        self.newest = value
        self._sum += value
        self._smoothed = value if self.count == 1 else self._smoothed + (value - self._smoothed) / min(self.count, 30)
        self.max = max(self.max, value)
        self.min = min(self.min, value)

    @property
    def mean(self) -> float:
        """Mean of the values; NaN when there are none."""
        return self._sum / self.count if self.count else math.nan

    @property
    def smoothed(self) -> float | None:
        """Average over about the newest 30 values, for a display; None when there are none."""
        return self._smoothed if self.count else None

    def quantile(self, share: float) -> float:
        """The value below which a share 0 ... 1 of the values lies; NaN when there are none."""
        if not self.count:
            return math.nan
        wanted, seen = max(1, math.ceil(share * self.count)), 0
        for position, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(max(self._center(position - self._zero), self.min), self.max)
        return self.max

    def summary(self) -> dict[str, float]:
        """count, mean, p50, p95, p99, max."""
        return {
            "count": self.count,
            "mean": self.mean,
            "p50": self.quantile(0.5),
            "p95": self.quantile(0.95),
            "p99": self.quantile(0.99),
            "max": self.max if self.count else math.nan,
        }

    def _center(self, index: int) -> float:
        if index == 0:
            return 0.0
        size = self._SMALLEST * 10.0 ** ((abs(index) - 0.5) / self._BINS_PER_DECADE)
        return math.copysign(size, index)


class TickStats:
    """How punctual a loop is: period and lateness [ms], work [us], ticks and overruns."""

    def __init__(self, *, overrun_ms: float = OVERRUN_MS) -> None:
        self._overrun_ns = round(overrun_ms * NS_PER_MS)
        self._last_ns: int | None = None
        self.period_ms = LatencyHistogram()
        self.late_ms = LatencyHistogram()
        self.work_us = LatencyHistogram()
        self.tick_count = 0
        self.overrun_count = 0
        self.work_smoothed_us = 0.0
        """Work of a tick, averaged over about 50 ticks."""

    def add(self, *, start_ns: int, late_ns: int, work_ns: int) -> None:
        """Note one tick: when it started, how late that was, how long it worked [ns]."""
        if self._last_ns is not None:
            self.period_ms.add((start_ns - self._last_ns) / NS_PER_MS)
        self._last_ns = start_ns
        self.late_ms.add(late_ns / NS_PER_MS)
        work_us = work_ns / 1000.0
        self.work_us.add(work_us)
        self.tick_count += 1
        self.overrun_count += late_ns > self._overrun_ns
        self.work_smoothed_us += (work_us - self.work_smoothed_us) / min(self.tick_count, 50)

    def judge(self) -> dict[str, float]:
        """Percentiles of all ticks so far, by the names that messages carry them under; too slow for every tick."""
        periods = self.period_ms
        if not periods.count:
            return {}
        return {
            "tick_p50_us": self.work_us.quantile(0.5),
            "tick_p99_us": self.work_us.quantile(0.99),
            "period_p50_ms": periods.quantile(0.5),
            "period_p99_ms": periods.quantile(0.99),
            "period_max_ms": periods.max,
        }

    def summary(self) -> dict[str, object]:
        """Numbers for a report."""
        return {
            "ticks": self.tick_count,
            "overruns": self.overrun_count,
            "period_ms": self.period_ms.summary(),
            "late_ms": self.late_ms.summary(),
            "work_us": self.work_us.summary(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rmse:
    """Root mean square error between two pose streams at the same instants."""

    position_m: float
    orientation_rad: float
    count: int

    @classmethod
    def of(cls, sums: tuple[float, float, int]) -> Rmse:
        """From sums of squares of position [m^2] and orientation [rad^2] over a count of instants."""
        position, orientation, count = sums
        if not count:
            return cls(position_m=math.nan, orientation_rad=math.nan, count=0)
        return cls(
            position_m=math.sqrt(max(position, 0.0) / count),
            orientation_rad=math.sqrt(max(orientation, 0.0) / count),
            count=count,
        )


class ErrorTrack:
    """Error between a reference (the hand) and a follower (the arm's tool, the frame shown) at equal instants."""

    def __init__(self, *, window_s: float = 2.0) -> None:
        if not window_s > 0.0:
            raise ConfigError("the error's window cannot be used", given=window_s, allowed="seconds > 0")
        self._window_ns = round(window_s * NS_PER_S)
        self._recent: deque[tuple[int, float, float]] = deque()
        self._recent_sums = (0.0, 0.0, 0)
        self._sums = (0.0, 0.0, 0)
        self._second, self._second_sums = 0, (0.0, 0.0, 0)
        self._past_seconds = array("d")
        """Second, sums and count, flat: objects would cost a long session megabytes."""
        self.skipped_count = 0

    def running(self) -> Rmse:
        """Over the last window."""
        return Rmse.of(self._recent_sums)

    def whole(self) -> Rmse:
        """Over everything so far."""
        return Rmse.of(self._sums)

    def per_second(self) -> dict[int, Rmse]:
        """By whole second of the follower's time."""
        flat = iter([*self._past_seconds, self._second, *self._second_sums])
        seconds: dict[int, tuple[float, float, int]] = {}
        for second, position, orientation, count in zip(flat, flat, flat, flat, strict=True):
            sums = (position, orientation, round(count))
            seconds[round(second)] = _plus(seconds.get(round(second), (0.0, 0.0, 0)), sums)
        return {second: Rmse.of(sums) for second, sums in sorted(seconds.items()) if sums[2]}

    def add_pair(self, t_ns: int, reference: Array, pose: Array) -> None:
        """Note reference and follower (7,) at the same instant t_ns [ns]; what is not finite is skipped."""
        position = math.dist(reference[:3], pose[:3])
        orientation = _angle_rad(reference[3:].tolist(), pose[3:].tolist())
        if not (math.isfinite(position) and math.isfinite(orientation)):
            self.skipped_count += 1
            return
        squares = (position * position, orientation * orientation, 1)
        self._sums = _plus(self._sums, squares)
        self._add_to_second(t_ns // NS_PER_S, squares)
        self._recent.append((t_ns, squares[0], squares[1]))
        self._recent_sums = _plus(self._recent_sums, squares)
        while self._recent[0][0] < t_ns - self._window_ns:
            _, old_position, old_orientation = self._recent.popleft()
            self._recent_sums = _plus(self._recent_sums, (-old_position, -old_orientation, -1))

    def _add_to_second(self, second: int, squares: tuple[float, float, int]) -> None:
        if second != self._second:
            if self._second_sums[2]:
                self._past_seconds.extend((self._second, *self._second_sums))
            self._second, self._second_sums = second, (0.0, 0.0, 0)
        self._second_sums = _plus(self._second_sums, squares)


def _angle_rad(a: list[float], b: list[float]) -> float:
    """Angle between unit quaternions: |a - b| = 2 sin(angle / 4) on the same hemisphere; plain floats are faster."""
    chord = min(math.dist(a, b), math.dist(a, [-x for x in b]))
    return 4.0 * math.asin(min(0.5 * chord, 1.0))


def _plus(a: tuple[float, float, int], b: tuple[float, float, int]) -> tuple[float, float, int]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def best_lag_ms(
    times_ns: Array,
    hand: Array,
    arm: Array,
    *,
    min_lag_ms: float = -100.0,
    max_lag_ms: float = 600.0,
    step_ms: float = 2.0,
) -> float:
    """The lag [ms], min_lag_ms ... max_lag_ms, by which the arm's positions (n, 3) trail the hand's (n, 3) best.

    Negative where the arm is ahead. Both are resampled evenly; the lag with the least variance of
    arm(t) - hand(t - lag) wins, refined by a parabola through it and its neighbours. A constant offset does
    not matter. NaN when the series is shorter than twice the range or the hand rests.
    """
    t_ms = (np.asarray(times_ns, dtype=np.float64) - float(times_ns[0])) / NS_PER_MS if len(times_ns) else np.zeros(1)
    if t_ms[-1] < 2.0 * (max_lag_ms - min_lag_ms) or float(np.ptp(hand, axis=0).max()) < 1e-6:
        return math.nan
    grid = np.arange(0.0, t_ms[-1], step_ms)
    h, a = (np.stack([np.interp(grid, t_ms, np.asarray(p)[:, i]) for i in range(3)], axis=-1) for p in (hand, arm))
    least, most = round(min_lag_ms / step_ms), round(max_lag_ms / step_ms)
    first, last = most, len(grid) + least  # every lag is judged on the same part of the arm's path
    part = a[first:last]
    cost = np.array([np.var(part - h[first - k : last - k], axis=0).sum() for k in range(least, most + 1)])
    return step_ms * (least + _refined_minimum(cost))


def _refined_minimum(cost: Array) -> float:
    """Index of the smallest value, between indices by the parabola through its neighbours."""
    k = int(np.argmin(cost))
    if k in (0, len(cost) - 1):
        return float(k)
    left, here, right = cost[k - 1 : k + 2]
    bend = left - 2.0 * here + right
    return k + (0.5 * float((left - right) / bend) if bend > 0.0 else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class JerkReport:
    """Jerk of the joint that jerks most, over the instants [rad/s^3]."""

    p50: float
    p95: float
    max: float


def jerk_report(times_ns: NDArray[np.int64], q: Array) -> JerkReport:
    """Jerk of joint positions q (n, joints) [rad] at increasing times (n,) [ns], by third differences."""
    t = np.asarray(times_ns, dtype=np.float64) / NS_PER_S
    if len(t) < 4:
        return JerkReport(p50=math.nan, p95=math.nan, max=math.nan)
    values = np.asarray(q, dtype=np.float64)
    for _ in range(3):
        values = np.diff(values, axis=0) / np.diff(t)[:, None]
        t = 0.5 * (t[1:] + t[:-1])
    size = np.abs(values).max(axis=1)
    p50, p95 = np.percentile(size, [50, 95])
    return JerkReport(p50=float(p50), p95=float(p95), max=float(size.max()))
