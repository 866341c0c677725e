"""The joint reference inside the controller: at rest, servoed, at a speed, on a move, or braking."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from teletwin.arm.bridge import Phase, SetPointBridge
from teletwin.arm.servo_law import ServoLaw, ServoLawCfg
from teletwin.arm.stop_plan import OWN_STOP_RAD_S2, stop_accelerations
from teletwin.geometry import Array
from teletwin.robot.ur3e import JointLimits

SPEED_LIMIT_RAD_S = JointLimits().velocity
"""Joint speed limits of the UR3e; no reference is faster, whatever the set-points ask."""
RANGE_LIMIT_RAD = np.array([2.0, 2.0, 1.0, 2.0, 2.0, 2.0]) * np.pi
"""The controller's own joint range: the whole one, a little more than teletwin asks for."""


class MotionMode(IntEnum):
    """What shapes the reference."""

    STOP = 0
    SERVO = 1
    SPEED = 2
    MOVE = 3


class JointMotion:
    """Reference joint positions and velocities, one controller cycle at a time."""

    def __init__(self, *, cycle_s: float = 0.002) -> None:
        self._cycle_s, self._reach = cycle_s, SPEED_LIMIT_RAD_S * cycle_s
        self._law = ServoLaw(ServoLawCfg(cycle_s=cycle_s))
        self._bridge = SetPointBridge(cycle_s=cycle_s, speed_limit=SPEED_LIMIT_RAD_S)
        self._fresh: tuple[Array, int] | None = None
        self._is_numbered = False
        self._period_cycles = 1
        self.mode = MotionMode.STOP
        self.q = np.zeros(6)
        self.qd = np.zeros(6)
        self.qdd = np.zeros(6)
        self._stop = np.zeros((0, 6))
        self._stopped = 0
        self._target = np.zeros(6)
        self._acceleration = 2.0
        self._speed = np.zeros(6)
        self._start = np.zeros(6)
        self._move = (0.0, 1.0, 1.0)
        self._elapsed_s = 0.0
        self._left_s = 0.0

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (6,)."""
        self.mode = MotionMode.STOP
        self.q[:] = q
        self.qd[:] = self.qdd[:] = 0.0
        self._stop = self._stop[:0]
        self._law.reset(self.q)

    def servo(
        self, q: Array, *, lookahead_s: float, gain: float, steps: int = 0, period_s: float | None = None
    ) -> None:
        """Set-point (6,) of servoj, new in this cycle.

        Args:
            q: Where to be [rad].
            lookahead_s: servoj's lookahead_time [s].
            gain: servoj's gain.
            steps: How many periods after the one before it was made, by its number: a gap in the stream is bridged
                (`bridge`). 0: set-points bear no number, and the last is held when none follows, as by ur_rtde's own
                program.
            period_s: Time between set-points [s]; one cycle when None.
        """
        if self.mode != MotionMode.SERVO:
            self._law.reset(self.q)
            self._bridge.reset(self.q)
            self.mode = MotionMode.SERVO
        known = self._law.cfg
        if lookahead_s != known.lookahead_s or gain != known.gain:
            self._law.configure(ServoLawCfg(lookahead_s=lookahead_s, gain=gain, cycle_s=self._cycle_s))
        np.maximum(q, -RANGE_LIMIT_RAD, out=self._target)
        np.minimum(self._target, RANGE_LIMIT_RAD, out=self._target)
        self._is_numbered = steps > 0
        self._period_cycles = 1 if period_s is None else max(1, round(period_s / self._cycle_s))
        if steps > 0:
            self._fresh = (self._target.copy(), steps)

    def speed(self, qd: Array, *, acceleration: float, duration_s: float) -> None:
        """speedj: ramp to qd [rad/s] (6,) at acceleration [rad/s^2]; duration_s 0 means until told otherwise."""
        self.mode = MotionMode.SPEED
        np.clip(qd, -SPEED_LIMIT_RAD_S, SPEED_LIMIT_RAD_S, out=self._speed)
        self._acceleration = max(acceleration, 0.01)
        self._left_s = duration_s if duration_s > 0.0 else np.inf

    def move(self, q: Array, *, speed: float, acceleration: float) -> None:
        """movej: straight line in joint space with a trapezoid of speed along the leading joint."""
        self.mode = MotionMode.MOVE
        self._start[:] = self.q
        np.clip(q, -RANGE_LIMIT_RAD, RANGE_LIMIT_RAD, out=self._target)
        distance = float(np.abs(self._target - self._start).max())
        acceleration = max(acceleration, 0.01)
        peak = min(max(speed, 0.01), float(np.sqrt(acceleration * distance)), float(SPEED_LIMIT_RAD_S[0]))
        self._move = (distance, max(peak, 1e-6), acceleration)
        self._elapsed_s = 0.0

    def stop(self, *, deceleration: float) -> None:
        """stopj: bring the reference to rest, no joint harder than deceleration [rad/s^2] nor than the arm may."""
        most = min(max(deceleration, 0.1), OWN_STOP_RAD_S2)
        self.mode, self._stopped = MotionMode.STOP, 0
        self._stop = stop_accelerations(self.qd, self.qdd, most=most, cycle_s=self._cycle_s)

    @property
    def is_bridging(self) -> bool:
        """True while set-points are dropped because too long a gap in them brings the arm to rest."""
        return self.mode == MotionMode.SERVO and self._is_numbered and self._bridge.is_stopping

    @property
    def is_braking(self) -> bool:
        """True while the controller itself brings the arm to rest, or has: a stop, or a gap in the set-points."""
        gap = self.mode == MotionMode.SERVO and self._is_numbered and self._bridge.phase is Phase.BRAKE
        return gap or self.mode == MotionMode.STOP

    @property
    def at_rest(self) -> bool:
        """True when the reference stands still and nothing asks it to move."""
        return self.mode == MotionMode.STOP and not self.qd.any()

    def step(self) -> None:
        """Advance the reference by one cycle."""
        before = self.qd.copy()
        if self.mode == MotionMode.SERVO:
            self._follow()
        elif self.mode == MotionMode.MOVE:
            self._advance_move()
        elif self.mode == MotionMode.SPEED:
            self._ramp()
        else:
            self._brake()
        np.divide(self.qd - before, self._cycle_s, out=self.qdd)

    def _follow(self) -> None:
        target = self._target
        if self._is_numbered:
            fresh, self._fresh = self._fresh, None
            q, steps = fresh or (None, 1)
            target = self._bridge.step(q, steps=steps, period_cycles=self._period_cycles)
        reach = self._reach
        change = np.minimum(np.maximum(self._law.step(target) - self.q, -reach), reach)
        self.q += change
        np.divide(change, self._cycle_s, out=self.qd)

    def _ramp(self) -> None:
        reach = self._acceleration * self._cycle_s
        self.qd += np.clip(self._speed - self.qd, -reach, reach)
        self._advance()
        self._left_s -= self._cycle_s
        if self._left_s <= 0.0:
            self.stop(deceleration=self._acceleration)

    def _brake(self) -> None:
        """The next cycle of a stop; the last one ends at rest exactly."""
        if self._stopped < len(self._stop):
            self.qd += self._stop[self._stopped] * self._cycle_s
            self._stopped += 1
        if self._stopped >= len(self._stop):
            self.qd[:] = 0.0
        self._advance()

    def _advance(self) -> None:
        self.q += self.qd * self._cycle_s
        np.clip(self.q, -RANGE_LIMIT_RAD, RANGE_LIMIT_RAD, out=self.q)

    def _advance_move(self) -> None:
        distance, peak, acceleration = self._move
        self._elapsed_s += self._cycle_s
        share, rate = _trapezoid(self._elapsed_s, distance, peak, acceleration)
        span = self._target - self._start
        self.q[:] = self._start + share * span
        self.qd[:] = rate * span
        if share >= 1.0:
            self.q[:] = self._target
            self.qd[:] = 0.0
            self.mode = MotionMode.STOP


def _trapezoid(t_s: float, distance: float, peak: float, acceleration: float) -> tuple[float, float]:
    """Share of the way done, 0 ... 1, and its rate [1/s] at t_s [s]."""
    if distance < 1e-9:
        return 1.0, 0.0
    ramp_s = peak / acceleration
    total_s = distance / peak + ramp_s
    if t_s >= total_s:
        return 1.0, 0.0
    if t_s < ramp_s:
        return 0.5 * acceleration * t_s * t_s / distance, acceleration * t_s / distance
    if t_s < total_s - ramp_s:
        return (peak * t_s - 0.5 * peak * ramp_s) / distance, peak / distance
    left_s = total_s - t_s
    return 1.0 - 0.5 * acceleration * left_s * left_s / distance, acceleration * left_s / distance
