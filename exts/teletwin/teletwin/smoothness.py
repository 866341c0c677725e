"""How smoothly an arm moves: what its set-points ask of the joints, what the tool does that the hand never did."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.geometry import Array
from teletwin.telemetry import LatencyHistogram

REVERSAL_SHARE = 0.25
"""A reversal counts from this share of the acceleration limit on, on both sides."""
AT_LIMIT_SHARE = 0.995
"""Acceleration or speed of this share of its limit is at the limit."""
SHAKE_HZ = 8.0
"""A hand's own motion is slower than this; what the error contains above it is shaking."""
GRID_S = 0.01
"""Hand and tool are compared on a grid of this step, that of a 100 Hz hand."""
ACCELERATION_STEP_S = 0.02
"""Accelerations are second differences over this step, for hand and tool alike: both in a band up to 16 Hz (-3 dB)."""

RUNNING_SHARE = 0.005
"""Weight of the newest grid point in what is running: a mean over two seconds."""
_GAP_NS = 100_000_000
"""A longer silence starts anew; a shorter one is bridged by a straight line, which hides what shook within it."""
_SETTLE_COUNT = 25
_BUTTERWORTH_Q = (0.5411961, 1.3065630)
"""Of the two sections of a fourth order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPointReport:
    """What the set-points of a run asked of the joints."""

    tick_count: int
    duration_s: float
    reversal_count: int
    """Changes of sign of a joint's acceleration with the peaks before and after above 25 % of its limit; of the joint
    that reverses most."""
    reversal_all_count: int
    """The same of all joints together."""
    limit_count: int
    """Ticks with a joint at its limit of acceleration or speed."""
    jerk_p99_rad_s3: float
    """Of the joint that jerks most in a tick [rad/s^3]."""
    jerk_max_rad_s3: float


class SetPointTrack:
    """Follows set-points tick by tick; plain floats, as it runs at the servo rate."""

    def __init__(self, *, acceleration: Array, speed: Array) -> None:
        self._acceleration, self._speed = acceleration.tolist(), speed.tolist()
        self._jerk = LatencyHistogram()
        self.tick_count = self.limit_count = 0
        self.duration_s = 0.0
        joints = len(acceleration)
        self._reversals = [0] * joints
        self._peak, self._peak_before = [0.0] * joints, [0.0] * joints  # of this half wave, and of the last one
        self.pause()

    def pause(self) -> None:
        """What comes next does not go on from what was before."""
        self._q: list[float] | None = None
        self._v: list[float] | None = None
        self._a: list[float] | None = None

    def add(self, q: Array, dt_s: float) -> None:
        """Take a set-point (n,) [rad], dt_s [s] after the last."""
        if dt_s <= 0.0:
            return
        now, before = q.tolist(), self._q
        self._q = now
        if before is None:
            return
        v, last_v = [(a - b) / dt_s for a, b in zip(now, before, strict=True)], self._v
        self._v = v
        if last_v is None:
            return
        a, last_a = [(x - y) / dt_s for x, y in zip(v, last_v, strict=True)], self._a
        self._a = a
        self.duration_s += dt_s
        self._judge(v, a)
        if last_a is not None:
            self._jerk.add(max(abs(x - y) for x, y in zip(a, last_a, strict=True)) / dt_s)

    def _judge(self, v: list[float], a: list[float]) -> None:
        self.tick_count += 1
        at_limit = False
        for i, (speed, change) in enumerate(zip(v, a, strict=True)):
            most = self._acceleration[i]
            at_limit |= abs(change) >= AT_LIMIT_SHARE * most or abs(speed) >= AT_LIMIT_SHARE * self._speed[i]
            self._wave(i, change, REVERSAL_SHARE * most)
        self.limit_count += at_limit

    def _wave(self, joint: int, change: float, least: float) -> None:
        """Follow a joint's half waves; a reversal counts once its second peak is high enough."""
        peak = self._peak[joint]
        if change * peak < 0.0:
            self._peak_before[joint], self._peak[joint] = abs(peak), change
            peak = 0.0
        elif abs(change) > abs(peak):
            self._peak[joint] = change
        if abs(peak) <= least < abs(change) and self._peak_before[joint] > least:
            self._reversals[joint] += 1

    def report(self) -> SetPointReport:
        """The run so far."""
        jerk = self._jerk
        return SetPointReport(
            tick_count=self.tick_count,
            duration_s=self.duration_s,
            reversal_count=max(self._reversals),
            reversal_all_count=sum(self._reversals),
            limit_count=self.limit_count,
            jerk_p99_rad_s3=jerk.quantile(0.99) if jerk.count else 0.0,
            jerk_max_rad_s3=jerk.max if jerk.count else 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolReport:
    """How much of the tool's motion is not the hand's."""

    shake_m: float
    """Distance of tool and hand above 8 Hz, root mean square [m]."""
    tool_m_s2: float
    """Acceleration of the tool, root mean square [m/s^2]."""
    hand_m_s2: float
    """The same of the hand, in the same band."""


class ToolTrack:
    """Compares positions of hand and tool on an even grid, in fixed memory."""

    def __init__(self) -> None:
        self._filter = _HighPass(SHAKE_HZ)
        self._recent: deque[Array] = deque(maxlen=2 * round(ACCELERATION_STEP_S / GRID_S) + 1)
        self._sums, self._count = np.zeros(3), 0
        self._running_shake = 0.0
        self._last: tuple[int, Array] | None = None
        self._restart(0)

    def _restart(self, t_ns: int) -> None:
        self._grid_ns = t_ns
        self._since = 0
        self._filter.reset()
        self._recent.clear()

    def add(self, t_ns: int, hand: Array, tool: Array) -> None:
        """Take the positions (3,) [m] of hand and tool at t_ns [ns]; a gap starts anew."""
        pair, last = np.concatenate([hand, tool]), self._last
        if last is not None and t_ns <= last[0]:
            return
        self._last = (t_ns, pair)
        if last is None or t_ns - last[0] > _GAP_NS:
            self._restart(t_ns)
            return
        while self._grid_ns <= t_ns:
            share = (self._grid_ns - last[0]) / (t_ns - last[0])
            self._take(last[1] + share * (pair - last[1]))
            self._grid_ns += round(GRID_S * NS_PER_S)

    def _take(self, pair: Array) -> None:
        shake = self._filter.step(pair[3:] - pair[:3])
        self._recent.append(pair)
        self._since += 1
        if self._since <= _SETTLE_COUNT:
            return
        middle = self._recent[len(self._recent) // 2]
        change = (self._recent[0] - 2.0 * middle + pair) / ACCELERATION_STEP_S**2
        self._running_shake += RUNNING_SHARE * (float(shake @ shake) - self._running_shake)
        self._sums += (shake @ shake, change[3:] @ change[3:], change[:3] @ change[:3])
        self._count += 1

    @property
    def running_shake_m(self) -> float | None:
        """Distance of tool and hand above 8 Hz over the last seconds, root mean square [m]; None at first."""
        return math.sqrt(self._running_shake) if self._count else None

    def report(self) -> ToolReport | None:
        """The run so far; None before anything was compared."""
        if not self._count:
            return None
        shake, tool, hand = np.sqrt(self._sums / self._count).tolist()
        return ToolReport(shake_m=shake, tool_m_s2=tool, hand_m_s2=hand)


class _HighPass:
    """A Butterworth high-pass of fourth order for vectors (3,) on the grid."""

    def __init__(self, corner_hz: float) -> None:
        k = math.tan(math.pi * corner_hz * GRID_S)
        self._sections = []
        for q in _BUTTERWORTH_Q:
            scale = 1.0 / (1.0 + k / q + k * k)
            self._sections.append((scale, 2.0 * (k * k - 1.0) * scale, (1.0 - k / q + k * k) * scale))
        self.reset()

    def reset(self) -> None:
        self._state: Array | None = None

    def step(self, x: Array) -> Array:
        if self._state is None:  # as if x had been there forever
            self._state = np.zeros((2, 2, 3))
            self._state[0, 0], self._state[0, 1] = -self._sections[0][0] * x, self._sections[0][0] * x
        for (b, a1, a2), state in zip(self._sections, self._state, strict=True):
            y = b * x + state[0]
            state[0] = -2.0 * b * x - a1 * y + state[1]
            state[1] = b * x - a2 * y
            x = y
        return x
