"""What a run on the virtual clock did, seen from outside on the true clock: set-points, states, silences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from teletwin.clock import NS_PER_MS
from teletwin.geometry import Array
from teletwin.link import Received
from teletwin.messages import ArmState, ForecastPacket, JointCommand, TwinStatus
from teletwin.safety import MotionLimits, SafetyState
from teletwin.session.arm import ArmLoop
from teletwin.session.twin import TwinLoop
from teletwin.session.virtual import VirtualSession

HEARD: dict[str, tuple[tuple[str, str, type], ...]] = {
    "twin": (("up", "operator", ForecastPacket), ("state", "arm", ArmState)),
    "arm": (("command", "twin", JointCommand),),
    "operator": (("down", "twin", TwinStatus),),
}
"""Role to the hops that it must hear: their names, senders and messages."""


@dataclass(slots=True, kw_only=True)
class SetPoint:
    """What the arm was told in one servo tick."""

    t_ns: int
    arm_ns: int
    """The same on the arm's own clock."""
    q: Array
    q_measured: Array
    limits: MotionLimits


@dataclass(slots=True, kw_only=True)
class Silence:
    """How a hop was listened to."""

    heard_ns: int = 0
    follows: bool = False
    to_hold_ms: list[float] = field(default_factory=list)
    """From the last word to the hold that its absence brought about."""
    longest_engaged_ms: float = 0.0
    """The longest time without a word in which the listener still followed."""


class RunWatch:
    """Hooks into a session before it runs."""

    def __init__(self, virtual: VirtualSession) -> None:
        self._virtual = virtual
        self.set_points: list[SetPoint] = []
        self.silences = {hop: Silence() for hops in HEARD.values() for hop, _, _ in hops}
        self._servo = virtual.physical.servo
        virtual.physical.servo = self._note_set_point  # type: ignore[method-assign]
        for role, hops in HEARD.items():
            self._listen(role, hops)
        self._after(virtual.twin, lambda: virtual.twin.state, ("up", "state"))
        self._after(virtual.arm, lambda: virtual.arm.state, ("command",))

    def _note_set_point(self, q: Array) -> None:
        virtual = self._virtual
        measured, limits = virtual.physical.state().q, virtual.arm.limits.now
        times = {"t_ns": virtual.clock.now_ns(), "arm_ns": virtual.clocks["arm"].now_ns()}
        self.set_points.append(SetPoint(**times, q=np.array(q), q_measured=measured, limits=limits))
        self._servo(q)

    def _listen(self, role: str, hops: tuple[tuple[str, str, type], ...]) -> None:
        """Note when the words of each hop come out of the role's link."""
        link = self._virtual.links[role]
        receive = link.receive

        def noted() -> list[Received]:
            received = receive()
            for item in received:
                for hop, sender, kind in hops:
                    if item.peer == sender and isinstance(item.message, kind):
                        self.silences[hop].heard_ns = self._virtual.clock.now_ns()
            return received

        link.receive = noted  # type: ignore[method-assign]

    def _after(self, loop: TwinLoop | ArmLoop, state: Callable[[], SafetyState], hops: tuple[str, ...]) -> None:
        """Judge the silence of the hops after each tick of a loop."""
        tick = loop.tick

        def noted(now_ns: int, late_ns: int = 0) -> None:
            tick(now_ns, late_ns)
            self._judge(state() is SafetyState.ENGAGED, hops)

        loop.tick = noted  # type: ignore[method-assign]

    def _judge(self, follows: bool, hops: tuple[str, ...]) -> None:
        now_ns = self._virtual.clock.now_ns()
        silent = {hop: (now_ns - self.silences[hop].heard_ns) / NS_PER_MS for hop in hops}
        longest = max(silent, key=silent.__getitem__)
        for hop in hops:
            each = self.silences[hop]
            if follows:
                each.longest_engaged_ms = max(each.longest_engaged_ms, silent[hop])
            elif each.follows and hop == longest and silent[hop] > _ASKED_MS:
                each.to_hold_ms.append(silent[hop])
            each.follows = follows


_ASKED_MS = 60.0
"""A hold after a shorter silence was asked for, or comes of a clock that was set anew."""
