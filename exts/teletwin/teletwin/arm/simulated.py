"""A UR3e in this process: for the shadow loop and for the loop on a virtual clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from teletwin.arm import MeasuredJoints
from teletwin.arm.dynamics import CYCLE_NS, ReferenceDynamics, UrDynamics
from teletwin.arm.servo_law import ServoLawCfg
from teletwin.clock import NS_PER_S, Clock
from teletwin.errors import ConfigError
from teletwin.geometry import Array
from teletwin.robot.ur3e import HOME_Q

START_Q: tuple[float, ...] = tuple(HOME_Q.tolist())
"""Where a new arm stands [rad]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedArmCfg:
    """A simulated arm that answers as the one behind RTDE does."""

    lookahead_s: float = 0.03
    gain: float = 1200.0
    transport_delay_s: float = 0.004
    """From `servo` to the controller's use of the set-point [s]; two cycles stand for RTDE there and back."""
    stop_deceleration: float = 8.0
    """[rad/s^2]."""
    q_start: tuple[float, ...] = START_Q
    physics: bool = True
    """False: the joints are the controller's reference itself, without masses and drives."""
    scene: str = "table"
    """What it collides with: "table", "bare" or the path of an MJCF file."""

    def __post_init__(self) -> None:
        ServoLawCfg(lookahead_s=self.lookahead_s, gain=self.gain)
        if not 0.0 <= self.transport_delay_s <= 0.1:
            raise ConfigError("transport_delay_s cannot be used", given=self.transport_delay_s, allowed="0 to 0.1 s")
        if len(self.q_start) != 6 or not np.isfinite(self.q_start).all():
            raise ConfigError("q_start cannot be used", given=self.q_start, allowed="six finite joint positions")


class SimulatedArm:
    """An `arm.Arm` in process: same servo law, same physics as the virtual controller.

    Time passes only in `advance`, which steps whole cycles of 2 ms up to the time given, so that the same
    calls give the same bytes.
    """

    def __init__(self, clock: Clock, cfg: SimulatedArmCfg | None = None) -> None:
        self._clock = clock
        self._cfg = cfg or SimulatedArmCfg()
        self._delay_ns = round(self._cfg.transport_delay_s * NS_PER_S)
        self._dynamics = UrDynamics(scene=self._cfg.scene) if self._cfg.physics else ReferenceDynamics()
        self._pending: deque[tuple[int, Array | None]] = deque()
        self._t_ns = clock.now_ns()
        self.refused_count = 0
        self.reset(np.array(self._cfg.q_start))

    @property
    def busy(self) -> bool:
        """Never: it takes set-points even while it comes to rest."""
        return False

    def reset(self, q: Array) -> None:
        """Rest at q [rad] (6,) now; forget set-points that are under way."""
        self._pending.clear()
        self._dynamics.reset(q)
        self._t_ns = self._clock.now_ns()

    def state(self) -> MeasuredJoints:
        """The joints at the end of the newest cycle; t_ns is the time of that cycle."""
        return MeasuredJoints(t_ns=self._t_ns, q=self._dynamics.q.copy(), qd=self._dynamics.qd.copy())

    def servo(self, q: Array) -> None:
        """Take a set-point [rad] (6,); a non-finite one is counted and dropped."""
        if not np.isfinite(q).all():
            self.refused_count += 1
            return
        self._pending.append((self._clock.now_ns() + self._delay_ns, np.array(q, dtype=np.float64)))

    def stop(self) -> None:
        """Bring the arm to rest."""
        self._pending.append((self._clock.now_ns() + self._delay_ns, None))

    def advance(self, now_ns: int | None = None) -> None:
        """Step whole cycles up to now_ns [ns], by default the clock's now."""
        end_ns = self._clock.now_ns() if now_ns is None else now_ns
        while self._t_ns + CYCLE_NS <= end_ns:
            self._t_ns += CYCLE_NS
            self._take_due()
            self._dynamics.step()

    def _take_due(self) -> None:
        motion, cfg = self._dynamics.motion, self._cfg
        while self._pending and self._pending[0][0] <= self._t_ns:
            _, q = self._pending.popleft()
            if q is None:
                motion.stop(deceleration=cfg.stop_deceleration)
            else:
                motion.servo(q, lookahead_s=cfg.lookahead_s, gain=cfg.gain)

    def __enter__(self) -> SimulatedArm:
        self._t_ns = self._clock.now_ns()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
