"""A shadow's own arm: what the same network would have brought an arm that was driven otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from teletwin.arm.resample import CommandResampler
from teletwin.arm.simulated import SimulatedArm
from teletwin.geometry import Array
from teletwin.safety import MotionLimits
from teletwin.session.arm_commands import Taken
from teletwin.twin.limits import CommandLimiter


@dataclass(slots=True, kw_only=True)
class ShadowArm:
    """The same resampling, limits and servo law as the arm's, in this process."""

    arm: SimulatedArm
    resampler: CommandResampler
    limiter: CommandLimiter

    @property
    def q(self) -> Array:
        """Measured joints (n,) [rad]."""
        return self.arm.state().q

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to the limits that the arm keeps to."""
        self.limiter.limit_to(limits)

    def meet(self, q: Array) -> None:
        """Stand where the arm was found, q [rad] (n,)."""
        self.arm.reset(q)
        self.limiter.reset(q)

    def engage(self) -> None:
        """Begin to follow from where it stands."""
        self.resampler.reset(self.q)

    def push(self, taken: Taken, q: Array, qd: Array) -> None:
        """Take its part (n,), (n,) of a command."""
        if taken.begins:
            self.resampler.forget()
        self.resampler.push(taken.hold_ns, q, qd, now_ns=taken.arrived_ns)

    def follow(self, now_ns: int, dt_s: float) -> None:
        """Set-point of this tick."""
        wanted = self.resampler.sample(now_ns)
        self.arm.servo(self.limiter.limit(wanted.q, dt_s, qd_desired=wanted.qd).q)

    def brake(self, dt_s: float) -> None:
        """Come to rest, and stay."""
        rest_q = self.limiter.hold(dt_s).q
        self.resampler.rest_at(rest_q)
        self.arm.servo(rest_q)
