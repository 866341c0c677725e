"""What the controller does when set-points stop coming: brakes at once, and joins them when they come again.

The control program of ur_rtde repeats the last set-point for ever: to the joints that is a dead stop. This is what a
program of our own does in its place, and what the virtual controller and the simulated arm do. It takes nothing that a
program on a UR does not have: the newest set-point, its number, and one memory cell each for speed and acceleration.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from teletwin.arm.stop_plan import STOP_ACCELERATION_RAD_S2, STOP_JERK_RAD_S3, stop_accelerations
from teletwin.geometry import Array

GAP_CYCLES = 10
"""After a longer gap set-points are dropped until the arm stands [cycles of 2 ms]."""
_JOIN_RATE = 12.0
"""How fast the distance to the set-points is made up for [1/s]: all but a twentieth in 0.4 s."""
_JOINED_RAD, _JOINED_RAD_S = 1e-6, 1e-4
_CREDIBLE = 1.5
"""Set-points that ask for more than so many times the braking's acceleration are no motion to go on with."""


class Phase(IntEnum):
    """What the bridge does with set-points."""

    FOLLOW = 0
    """Passes them on as they are."""
    BRAKE = 1
    """There is none: brakes from the motion of the last ones."""
    JOIN = 2
    """They have come again: goes over to them."""


class SetPointBridge:
    """Set-points to the servo law, one controller cycle at a time.

    The first cycle without a set-point begins a stop within STOP_ACCELERATION_RAD_S2 and STOP_JERK_RAD_S3: the very
    stop from the last set-point that the limits stage has found free. Set-points that come again within GAP_CYCLES are
    joined under the same two limits; later ones are dropped until the arm stands. A set-point that no motion leads to
    is passed on as it is: a controller does what it is told.
    """

    def __init__(self, *, cycle_s: float, speed_limit: Array) -> None:
        self._cycle_s, self._credible_rad_s = cycle_s, _CREDIBLE * speed_limit
        # The arrays of its state are replaced, never written to: they may be shared.
        self.reset(np.zeros(len(speed_limit)))

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (n,); forget all set-points."""
        self.phase = Phase.FOLLOW
        self.q, self._qd, self._qdd = q.copy(), np.zeros(len(q)), np.zeros(len(q))
        self._asked, self._asked_qd, self._asked_qdd = q.copy(), np.zeros(len(q)), np.zeros(len(q))
        self._asked_qdd_before, self._knows_qd, self._jumps = self._asked_qdd, True, False
        self._knows_jerk, self._uneven_s = False, 0.0
        self._plan = np.zeros((0, len(q)))
        self._planned = self._missed = 0

    @property
    def is_stopping(self) -> bool:
        """True from a gap that is too long to be bridged until the arm is at rest: set-points are dropped."""
        return self.phase is Phase.BRAKE and self._missed > GAP_CYCLES and self._planned < len(self._plan)

    def step(self, q: Array | None, *, steps: int = 1, period_cycles: int = 1) -> Array:
        """Advance one cycle; return what the servo law is to follow (n,) [rad], a view.

        Args:
            q: Set-point that came in this cycle (n,) [rad]; None when none did.
            steps: How many periods after the one before it was made, by its number.
            period_cycles: Cycles between set-points.
        """
        if q is not None:
            is_due = self._missed < period_cycles and steps == 1
            self._note(q, steps * period_cycles, is_due=is_due)
            if not self.is_stopping:
                self._take(is_due=is_due)
                self._missed = 0
                return self.q
        self._missed += 1
        if self._missed >= period_cycles or self.phase is Phase.BRAKE:
            self._brake()
        elif self.phase is Phase.FOLLOW:
            self.q = self.q + self._qd * self._cycle_s
        else:
            self._approach(self._asked + self._asked_qd * (self._missed * self._cycle_s))
        return self.q

    def _note(self, q: Array, cycles: int, *, is_due: bool) -> None:
        """What a set-point asks that was made so many cycles after the one before."""
        qd = (q - self._asked) / (cycles * self._cycle_s)
        self._jumps = np.count_nonzero(np.abs(qd) > self._credible_rad_s) > 0
        if not is_due:  # of a time that is not quite known: no speed that the arm could not have come to since
            reach = STOP_ACCELERATION_RAD_S2 * cycles * self._cycle_s
            qd = np.clip(qd, self._asked_qd - reach, self._asked_qd + reach)
        is_known, self._knows_qd = is_due and self._knows_qd, is_due
        self._asked_qdd_before, self._knows_jerk = self._asked_qdd, is_known
        self._asked_qdd = is_known * (qd - self._asked_qd) / (cycles * self._cycle_s)
        self._asked, self._asked_qd = q.copy(), qd
        self._uneven_s = cycles * self._cycle_s * (cycles > 1)

    def _take(self, *, is_due: bool) -> None:
        """Follow the set-point that was noted, or join it."""
        if self._jumps and (self.phase is Phase.FOLLOW or not self._qd.any()):
            self.reset(self._asked)
        elif is_due and self.phase is Phase.FOLLOW:
            self.q, self._qd, self._qdd = self._asked, self._asked_qd, self._asked_qdd
        else:
            self._join()

    def _brake(self) -> None:
        if self.phase is not Phase.BRAKE:
            if not self._is_motion():
                self._qd, self._qdd = np.zeros(len(self.q)), np.zeros(len(self.q))
            self._plan = stop_accelerations(self._qd, self._qdd, most=STOP_ACCELERATION_RAD_S2, cycle_s=self._cycle_s)
            self.phase, self._planned = Phase.BRAKE, 0
        if self._planned < len(self._plan):
            self._move(self._plan[self._planned])
            self._planned += 1
        else:
            self._qd, self._qdd = np.zeros(len(self.q)), np.zeros(len(self.q))

    def _is_motion(self) -> bool:
        """Whether the last set-points were a motion to brake from, and not one place far from another."""
        is_slow = (np.abs(self._qd) <= self._credible_rad_s).all()
        return bool(is_slow and (np.abs(self._qdd) <= _CREDIBLE * 2.0 * STOP_ACCELERATION_RAD_S2).all())

    def _join(self) -> None:
        """Go over to the set-point that has come, which is reached when no more is left than is between two of them."""
        self.phase = Phase.JOIN
        away, away_qd = self._away(self._asked)
        between_qd = np.abs(self._asked_qdd) * self._uneven_s
        near_rad, near_rad_s = _JOINED_RAD + between_qd * self._uneven_s, _JOINED_RAD_S + between_qd
        if max((np.abs(away) / near_rad).max(), (np.abs(away_qd) / near_rad_s).max()) < 1.0:
            self.phase = Phase.FOLLOW
            self.q, self._qd, self._qdd = self._asked, self._asked_qd, self._asked_qdd
            return
        self._approach(self._asked)

    def _away(self, asked: Array) -> tuple[Array, Array]:
        """How far from what is asked in this cycle the motion would be without a change [rad], and its rate."""
        qd = self._qd + self._asked_qdd * self._cycle_s
        return self.q + qd * self._cycle_s - asked, qd - self._asked_qd

    def _approach(self, asked: Array) -> None:
        """Make up for the distance to what is asked as a critically damped spring, within acceleration and jerk."""
        away, away_qd = self._away(asked)
        # What the set-points themselves ask beyond the limits is theirs.
        asked_jerk = np.abs(self._asked_qdd - self._asked_qdd_before) * self._knows_jerk
        reach = np.maximum(STOP_JERK_RAD_S3 * self._cycle_s, asked_jerk)
        most = np.maximum(STOP_ACCELERATION_RAD_S2, np.abs(self._asked_qdd))
        wanted = np.clip(self._asked_qdd - _JOIN_RATE * (2.0 * away_qd + _JOIN_RATE * away), -most, most)
        self._move(self._qdd + np.clip(wanted - self._qdd, -reach, reach))

    def _move(self, qdd: Array) -> None:
        self._qdd = np.array(qdd)
        self._qd = self._qd + self._qdd * self._cycle_s
        self.q = self.q + self._qd * self._cycle_s
