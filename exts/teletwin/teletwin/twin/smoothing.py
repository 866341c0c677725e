"""Smoothing between the motion policy's outputs: q(s) = (1 - a) q_old + a q_new, a = s^2."""

from __future__ import annotations

from typing import Literal

import numpy as np

from teletwin.clock import NS_PER_S
from teletwin.errors import ConfigError
from teletwin.geometry import Array

Reading = Literal["paper", "moving"]

_HOLD_AFTER_INTERVALS = 2.0
"""A policy that fell silent is extrapolated no further than this; then the joints stand still."""


class Smoothing:
    """The blend of arXiv 2407.16591, eq. 11 and 14, written against time instead of steps.

    s rises from 0 to 1 over `interval_s` after an update. The text leaves two readings:

    - "paper": q_old is the smoothed position at the slot's start and q_new the policy's output then,
      both fixed. Updates within a slot are ignored. The speed is a saw-tooth: 0 at each slot's start.
    - "moving" (default): both ends keep moving along their sampled motion, so uniform and uniformly
      accelerated motion pass unchanged and without lag; only what the policy did not announce is blended.

    Path and speed depend on the updates alone, never on how often `at` is called.
    """

    def __init__(self, *, interval_s: float = 0.01, reading: Reading = "moving") -> None:
        if not 0.0 < interval_s <= 1.0:
            raise ConfigError("the smoothing interval cannot be used", given=interval_s, allowed="0 < seconds <= 1")
        if reading not in ("paper", "moving"):
            raise ConfigError("unknown reading of the smoothing", given=reading, allowed="'paper' or 'moving'")
        self.reading: Reading = reading
        self.interval_s = interval_s
        self._silence_s = _HOLD_AFTER_INTERVALS * interval_s
        # A paper slot is closed until its end; a clock tick earlier or later is the same slot.
        self._shortest_ns = round(0.999 * interval_s * NS_PER_S) if reading == "paper" else 1
        self.reset(np.zeros(0))

    def reset(self, q: Array) -> None:
        """Stand at q [rad] (n,) until the next update."""
        self._start_ns: int | None = None
        # Row k holds the coefficient of tau^k: the policy's newest sampled motion, and the blend towards it.
        self._sampled = np.zeros((3, len(q)))
        self._sampled[0] = q
        self._blend = np.zeros((5, len(q)))

    def update(self, t_ns: int, q_new: Array, qd_new: Array) -> None:
        """Take the policy's output (n,) [rad], [rad/s] that holds at t_ns; a time not newer is ignored.

        When "moving", an update before the interval's end starts a new blend from where the path is.
        """
        if self._start_ns is not None and t_ns < self._start_ns + self._shortest_ns:
            return
        old = self._motion_so_far(t_ns)
        new = np.zeros_like(old)
        new[0] = q_new
        if self.reading == "moving":
            new[1] = qd_new
            if self._start_ns is not None:
                new[2] = (qd_new - self._sampled[1]) * (0.5 / self._step_s(t_ns))
        self._begin(t_ns, old, new)

    def at(self, t_ns: int) -> tuple[Array, Array]:
        """Smoothed positions [rad] (n,) and speeds [rad/s] (n,) at t_ns; changes nothing."""
        if self._start_ns is None:
            return self._sampled[0].copy(), np.zeros_like(self._sampled[0])
        tau = max((t_ns - self._start_ns) / NS_PER_S, 0.0)
        if tau < self.interval_s:
            q, qd = _powers(tau) @ self._blend
            return q, qd
        q, qd = _powers(min(tau, self._silence_s))[:, :3] @ self._sampled
        return q, qd if tau <= self._silence_s else np.zeros_like(qd)

    def _step_s(self, t_ns: int) -> float:
        assert self._start_ns is not None
        return min((t_ns - self._start_ns) / NS_PER_S, self._silence_s)

    def _motion_so_far(self, t_ns: int) -> Array:
        """The old end of a blend that starts at t_ns, as coefficients (3, n).

        It starts where the path is, for continuity, with the *sampled* speed and acceleration: the
        path's own speed there contains the blend's slope, and feeding that back diverges.
        """
        old = np.zeros_like(self._sampled)
        old[0] = self.at(t_ns)[0]
        if self._start_ns is not None and self.reading == "moving":
            old[1] = self._sampled[1] + (2.0 * self._step_s(t_ns)) * self._sampled[2]
            old[2] = self._sampled[2]
        return old

    def _begin(self, t_ns: int, old: Array, new: Array) -> None:
        """Set the path (1 - (tau/I)^2) old(tau) + (tau/I)^2 new(tau)."""
        blend = np.zeros_like(self._blend)
        blend[:3] = old
        blend[2:] += (new - old) * (1.0 / self.interval_s**2)
        self._blend, self._sampled, self._start_ns = blend, new, t_ns


def _powers(tau: float) -> Array:
    """Rows that turn polynomial coefficients into value and derivative at tau, shape (2, 5)."""
    square = tau * tau
    cube = square * tau
    return np.array([[1.0, tau, square, cube, square * square], [0.0, 1.0, 2.0 * tau, 3.0 * square, 4.0 * cube]])
