"""How long the twin's command still takes to become motion: the link to the arm and the arm's own lag."""

from __future__ import annotations

import numpy as np

from teletwin.geometry import Array

_RING = 1024


class DownstreamEstimate:
    """Learns the way to the arm from what the arm reports.

    Two parts: the one-way age of commands on arrival, averaged over about one second, and the lag of
    the measured joints behind the commanded ones, by least squares on the joint velocity: where
    q_measured(t) = q_command(t - L), the error at a guess L is qd (L_true - L).
    """

    def __init__(self, *, joint_count: int, servo_lag_s: float, memory_s: float = 4.0) -> None:
        self._t_ns = np.zeros(_RING, dtype=np.int64)
        self._q = np.zeros((_RING, joint_count))
        self._count = 0
        self._memory_s = memory_s
        self._prior_s = servo_lag_s
        self._numerator = self._denominator = 0.0
        self._last_ns = 0
        self.link_s = 0.0
        """Averaged age of commands on arrival at the arm [s]."""
        self.servo_lag_s = servo_lag_s
        """Lag of the arm behind its commands [s]."""

    @property
    def total_s(self) -> float:
        """Link and lag together [s]."""
        return self.link_s + self.servo_lag_s

    def commanded(self, t_ns: int, q: Array) -> None:
        """Remember a command whose joints hold at t_ns on this host's clock."""
        slot = self._count % _RING
        self._t_ns[slot], self._q[slot] = t_ns, q
        self._count += 1

    def reported(self, t_ns: int, q: Array, *, command_age_s: float, follows: bool = True) -> None:
        """Learn from joints measured at t_ns (this host's clock) and a command's age on arrival [s].

        Joints of an arm that does not follow, being on its way to the commands, tell no lag.
        """
        dt_s = min(max((t_ns - self._last_ns) * 1e-9, 0.0), 0.1)
        self._last_ns = t_ns
        if command_age_s >= 0.0:
            first = self.link_s == 0.0
            self.link_s += (command_age_s - self.link_s) * (1.0 if first else dt_s / (1.0 + dt_s))
        lag_ns = int(1e9 * self.servo_lag_s)
        around = self._around(t_ns - lag_ns) if follows else None
        if around is None:
            return
        expected, velocity = around
        keep = 1.0 - dt_s / self._memory_s
        # Around the present guess the true lag is guess + e.v / v.v; the prior weighs like slow motion.
        seen = self.servo_lag_s + float((expected - q) @ velocity) / max(float(velocity @ velocity), 1e-9)
        weight = float(velocity @ velocity) * dt_s
        if abs(seen - self._prior_s) > 0.15:
            return
        self._numerator = keep * self._numerator + weight * seen
        self._denominator = keep * self._denominator + weight
        prior = 0.02
        self.servo_lag_s = (prior * self._prior_s + self._numerator) / (prior + self._denominator)

    def _around(self, t_ns: int) -> tuple[Array, Array] | None:
        """Commanded joints at t_ns and their velocity [rad/s]; None outside what is kept."""
        if self._count < 8:
            return None
        size = min(self._count, _RING)
        newest = (self._count - 1) % _RING
        if t_ns > self._t_ns[newest]:
            return None
        order = (np.arange(self._count - size, self._count)) % _RING
        times = self._t_ns[order]
        right = int(np.searchsorted(times, t_ns))
        if right == 0 or right >= size:
            return None
        a, b = order[right - 1], order[right]
        span_s = (self._t_ns[b] - self._t_ns[a]) * 1e-9
        if span_s <= 0.0 or span_s > 0.05:
            return None
        velocity = (self._q[b] - self._q[a]) / span_s
        return self._q[a] + velocity * ((t_ns - self._t_ns[a]) * 1e-9), velocity
