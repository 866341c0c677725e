"""A UR3e in this process: the demo's arm, the shadows', and that of the loop on a virtual clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from teletwin.arm import NO_PROGRAM, WATCHDOG_S, MeasuredJoints
from teletwin.arm.dynamics import CYCLE_NS, CYCLE_S, ReferenceDynamics, UrDynamics
from teletwin.arm.servo_law import ServoLawCfg
from teletwin.arm.set_point_number import SetPointTimes
from teletwin.arm.stop_plan import OWN_STOP_RAD_S2
from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q

START_Q: tuple[float, ...] = tuple(HOME_Q.tolist())
"""Where a new arm stands [rad]."""
_MOST_CYCLES = 500
"""Of 2 ms, at one look: whoever did not look for longer finds the arm at rest."""
_LOST_CYCLES = 50
"""A longer way at once is that of a clock that was set anew: to the program it is one cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedArmCfg:
    """A simulated arm that answers as the one behind RTDE does."""

    lookahead_s: float = 0.03
    gain: float = 1200.0
    period_s: float = CYCLE_S
    """Between set-points [s], as told with each servoj."""
    transport_delay_s: float = 0.004
    """From `servo` to the controller's use of the set-point [s]; two cycles stand for RTDE there and back."""
    stop_deceleration: float = OWN_STOP_RAD_S2
    """[rad/s^2]."""
    watchdog_s: float = WATCHDOG_S
    """Silence of the arm's role after which the control program ends [s]; 0: any is borne."""
    bridges: bool = True
    """False: the last set-point is held when none follows, as by ur_rtde's own program or a driver of ROS 2."""
    q_start: tuple[float, ...] = START_Q
    physics: bool = True
    """False: the joints are the controller's reference itself, without masses and drives."""
    scene: str = "table"
    """What it collides with: "table", "bare" or the path of an MJCF file."""
    follows_clock: bool = False
    """Time passes with the clock at every look (`state`), without anybody's call of `advance`: for a live session."""

    def __post_init__(self) -> None:
        ServoLawCfg(lookahead_s=self.lookahead_s, gain=self.gain)
        if not 0.0 <= self.transport_delay_s <= 0.1:
            raise ConfigError("transport_delay_s cannot be used", given=self.transport_delay_s, allowed="0 to 0.1 s")
        if not 0.0 <= self.watchdog_s <= 10.0:
            raise ConfigError("watchdog_s cannot be used", given=self.watchdog_s, allowed="0 to 10 s")
        if len(self.q_start) != 6 or not np.isfinite(self.q_start).all():
            raise ConfigError("q_start cannot be used", given=self.q_start, allowed="six finite joint positions")


class SimulatedArm:
    """A `ClearableArm` in process: same servo law, bridge, stops, watchdog and physics as the virtual controller.

    Time passes only in `advance`, which steps whole cycles of 2 ms up to the time given, so that the same
    calls give the same bytes; `follows_clock` has `state` call it. `servo`, `stop` and `state` are signs of life of the
    role that calls them.
    """

    def __init__(self, clock: Clock, cfg: SimulatedArmCfg | None = None) -> None:
        self._clock = clock
        self._cfg = cfg or SimulatedArmCfg()
        self._delay_ns = round(self._cfg.transport_delay_s * NS_PER_S)
        self._period_ns = round(self._cfg.period_s * NS_PER_S)
        self._times = SetPointTimes(period_ns=self._period_ns)
        self._dynamics = UrDynamics(scene=self._cfg.scene) if self._cfg.physics else ReferenceDynamics()
        self._pending: deque[tuple[int, Array | None]] = deque()
        self._t_ns = clock.now_ns()
        self._silent_s = 0.0
        self._served_ns: int | None = None
        self._steps = 0
        self._fault = ""
        self.refused_count = 0
        self.reset(np.array(self._cfg.q_start))

    @property
    def busy(self) -> bool:
        """True while set-points are dropped because a gap in them brings the arm to rest."""
        return self._dynamics.motion.is_bridging

    @property
    def dynamics(self) -> UrDynamics | ReferenceDynamics:
        """What moves, to be looked at from outside: no sign of life."""
        return self._dynamics

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (6,) now; forget set-points that are under way."""
        self._pending.clear()
        self._dynamics.reset(q)
        self._t_ns = self._clock.now_ns()

    def state(self) -> MeasuredJoints:
        """The joints at the end of the newest cycle; t_ns is the time of that cycle."""
        if self._cfg.follows_clock:
            self._catch_up()
        self._silent_s = 0.0
        dynamics = self._dynamics
        return MeasuredJoints(t_ns=self._t_ns, q=dynamics.q.copy(), qd=dynamics.qd.copy(), fault=self._fault)

    def servo(self, q: Array) -> None:
        """Take a set-point [rad] (6,); one that is not finite, or comes while the arm is stopped, is dropped.

        It counts from when its tick was due: that this computer was late by a part of a period is no gap in the stream.
        """
        self._silent_s = 0.0
        if self._fault or self.busy or not np.isfinite(q).all():
            self.refused_count += 1
            return
        self._times.next(self._clock.now_ns())
        assert self._times.due_ns is not None
        self._pending.append((self._times.due_ns + self._delay_ns, np.array(q, dtype=np.float64)))

    def stop(self) -> None:
        """Bring the arm to rest."""
        self._silent_s = 0.0
        self._pending.append((self._clock.now_ns() + self._delay_ns, None))

    def clear_fault(self) -> None:
        """A person says that the arm may move again: the control program is started anew."""
        self._fault, self._silent_s = "", 0.0

    def _catch_up(self) -> None:
        """Advance to the clock's now; of a long time without a look only the end is stepped through."""
        most_ns = _MOST_CYCLES * CYCLE_NS
        self._t_ns = max(self._t_ns, self._clock.now_ns() - most_ns)
        self.advance()

    def advance(self, now_ns: int | None = None) -> None:
        """Step whole cycles up to now_ns [ns], by default the clock's now."""
        end_ns = self._clock.now_ns() if now_ns is None else now_ns
        cycles = (end_ns - self._t_ns) // CYCLE_NS
        for _ in range(cycles):
            self._t_ns += CYCLE_NS
            self._take_due()
            self._watch(CYCLE_S if cycles <= _LOST_CYCLES else CYCLE_S / cycles)
            self._dynamics.step()

    def _watch(self, cycle_s: float) -> None:
        """The controller's watchdog: a silent role ends the control program."""
        self._silent_s += cycle_s
        if 0.0 < self._cfg.watchdog_s < self._silent_s:
            self.end_program(NO_PROGRAM)

    def end_program(self, fault: str) -> None:
        """End the control program, as the controller's own stops do; it brings the arm to rest itself."""
        if not self._fault:
            self._fault = fault
            self._pending.clear()
            self._dynamics.motion.stop(deceleration=OWN_STOP_RAD_S2)

    def _take_due(self) -> None:
        motion, cfg = self._dynamics.motion, self._cfg
        while self._pending and self._pending[0][0] <= self._t_ns:
            due_ns, q = self._pending.popleft()
            if q is None:
                motion.stop(deceleration=cfg.stop_deceleration)
                self._served_ns = None
                continue
            since_ns = self._period_ns if self._served_ns is None else due_ns - self._served_ns
            self._steps += max(1, round(since_ns / self._period_ns))
            self._served_ns = due_ns
            steps = self._steps * cfg.bridges
            motion.servo(q, lookahead_s=cfg.lookahead_s, gain=cfg.gain, steps=steps, period_s=cfg.period_s)
        self._steps = 0

    def __enter__(self) -> SimulatedArm:
        self._t_ns = self._clock.now_ns()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
