"""One path from packets to joints: target, motion policy, smoothing, limits.

The control function, the rendering function and their shadows are each one such path with
a state of its own; nothing is shared between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin.messages import ForecastPacket
from teletwin.safety import MotionLimits
from teletwin.twin import MotionPolicy
from teletwin.twin.limits import CommandLimiter
from teletwin.twin.smoothing import Smoothing
from teletwin.twin.target import BoundTarget, PathCfg, TargetStream
from teletwin.twin.worth import ForecastWorth

LEASH_RAD = 0.05
"""The motion policy runs no further ahead of joints that a limit holds back; they come free as soon as it turns."""
_ARRIVED_M = 0.02
"""An approach ends when the tool is this near to where its target was lately."""
_TRAIL_STEP_NS, _TRAIL_COUNT = 10_000_000, 50
"""So often a target is remembered, and so many: half a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathOutput:
    """Joints for this tick and what made them."""

    q: Array
    qd: Array
    bound: BoundTarget | None
    """None while the path holds."""
    is_limited: bool
    reason: str = ""
    """What holds the arm back most; empty when nothing does."""
    is_approaching: bool = False
    """The arm is on its way to the hand, slowly: it was engaged far from it, or comes from an outage."""


class MotionPath:
    """Packets in, joint positions out, at the caller's tick; starts and resumes from where the joints are."""

    def __init__(
        self,
        cfg: PathCfg,
        *,
        policy: MotionPolicy,
        smoothing: Smoothing | None,
        limiter: CommandLimiter,
        tool_pose: Callable[[Array], Array],
    ) -> None:
        self._stream = TargetStream(cfg)
        self._policy, self._smoothing, self._limiter = policy, smoothing, limiter
        self.tool_pose = tool_pose
        self._following = self._approaching = False
        self._trail = np.empty((_TRAIL_COUNT, 3))
        self._trail_taken = self._trail_ns = 0
        self._q = self._qd = np.zeros(0)

    def reset(self, q: Array) -> None:
        """Stand still at q [rad] (n,) and forget every packet."""
        self._stream.reset()
        self.restart(q)

    def restart(self, q: Array) -> None:
        """Stand still at q [rad] (n,), keep the newest packet: the joints were moved by something else."""
        self._limiter.reset(q)
        self._stream.rest()
        self._q, self._qd = q.copy(), np.zeros_like(q)
        self._following = False

    def limit_to(self, limits: MotionLimits) -> None:
        """Keep to other limits of the session from the next tick on."""
        self._policy.limit_to(limits)
        self._limiter.limit_to(limits)

    def learn_from(self, worth: ForecastWorth, bound: BoundTarget, now_ns: int, ahead_s: float) -> None:
        """Tell what is followed for ahead_s [s] after now_ns; follow forecasts as far as they were worth it."""
        if self._stream.packet is not None:
            worth.foresees(now_ns, ahead_s=ahead_s, packet=self._stream.packet, bound=bound)
            self._stream.worth = worth.gains

    @property
    def q(self) -> Array:
        """Joints (n,) [rad] that were last let through."""
        return self._q

    @property
    def is_at_rest(self) -> bool:
        """Whether the last command stands still."""
        return self._limiter.is_at_rest

    def accept(self, packet: ForecastPacket, *, pose_t_ns: int) -> None:
        """Take a packet whose pose was generated at pose_t_ns on this host's clock."""
        self._stream.accept(packet, pose_t_ns=pose_t_ns)

    def follow(self, now_ns: int, dt_s: float, *, downstream_s: float, orientation_extra_s: float = 0.0) -> PathOutput:
        """Move towards the target of now_ns; without one, hold."""
        bound = self._stream.at(now_ns, downstream_s=downstream_s, orientation_extra_s=orientation_extra_s)
        if bound is None:
            return self.hold(dt_s)
        if not self._following:
            self._resume()
        if self._approaching:
            self._approach(now_ns, bound.target.pose)
        policy_q, policy_qd = self._policy.step(bound.target, dt_s)
        q, qd = policy_q, policy_qd
        if self._smoothing is not None:
            self._smoothing.update(now_ns, q, qd)
            q, qd = self._smoothing.at(now_ns)
        out = self._limiter.limit(q, dt_s, qd_desired=qd)
        self._q, self._qd = out.q, out.qd
        if out.flags:
            self._keep_near(policy_q)
        return PathOutput(
            q=out.q,
            qd=out.qd,
            bound=bound,
            is_limited=bool(out.flags),
            reason=out.reason or self._policy.held_by,
            is_approaching=self._approaching,
        )

    def hold(self, dt_s: float) -> PathOutput:
        """Brake within the limits and stay."""
        self._following = False
        self._stream.rest()
        out = self._limiter.hold(dt_s)
        self._q, self._qd = out.q, out.qd
        return PathOutput(q=out.q, qd=out.qd, bound=None, is_limited=False)

    def _resume(self) -> None:
        """Begin from the joints that were last let through: no jump."""
        self._policy.reset(self._q, self._qd)
        if self._smoothing is not None:
            self._smoothing.reset(self._q)
        self._following = self._approaching = True
        self._trail.fill(np.inf)
        self._trail_taken = 0

    def _approach(self, now_ns: int, target: Array) -> None:
        """Go slowly until the tool has come near the way of its target once.

        The way and not the target alone: a path without forecast stays behind a moving hand for good.
        """
        if not self._trail_taken or now_ns - self._trail_ns >= _TRAIL_STEP_NS:
            self._trail_ns = now_ns
            self._trail[self._trail_taken % _TRAIL_COUNT] = target[:3]
            self._trail_taken += 1
        away = self._trail - self.tool_pose(self._q)[:3]
        self._approaching = float((away * away).sum(axis=1).min()) > _ARRIVED_M**2
        self._limiter.set_approach(self._approaching)

    def _keep_near(self, policy_q: Array) -> None:
        """Hold the policy on its leash."""
        ahead = policy_q - self._q
        most = float(np.abs(ahead).max())
        if most > LEASH_RAD:
            self._policy.reset(self._q + ahead * (LEASH_RAD / most), self._qd)
