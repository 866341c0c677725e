"""The rendering function as Kit needs it: stepped by physics, looked at by pictures that come later."""

from __future__ import annotations

from collections import deque

from teletwin.geometry import Array
from teletwin.messages import ForecastPacket
from teletwin.safety import MotionLimits
from teletwin.twin.rendering import RenderingFunction, Shown


class SteppedRendering:
    """Has the face of `RenderingFunction` towards the renderer's loop.

    A picture that Kit delivers now was rendered `delay_updates` updates ago: what it shows is the state that
    was noted then.
    """

    def __init__(self, rendering: RenderingFunction, *, delay_updates: int) -> None:
        self._rendering = rendering
        self._steps = 0
        self._downstream_s = 0.05
        self._past: deque[Shown] = deque(maxlen=delay_updates + 1)

    @property
    def tick_s(self) -> float:
        """Step of path and target [s]; Kit's own physics has another."""
        return self._rendering.tick_s

    @tick_s.setter
    def tick_s(self, tick_s: float) -> None:
        self._rendering.tick_s = tick_s

    def step(self, now_ns: int) -> None:
        """Advance path and target to a physics step's instant."""
        self._steps += self._rendering.advance(now_ns, downstream_s=self._downstream_s)

    def note(self) -> None:
        """Keep the present state for the picture that shows it."""
        self._past.append(self._rendering.shown())

    def accept(self, packet: ForecastPacket, *, pose_t_ns: int, now_ns: int) -> bool:
        """Take a packet; see `RenderingFunction.accept`."""
        return self._rendering.accept(packet, pose_t_ns=pose_t_ns, now_ns=now_ns)

    def advance(self, now_ns: int, *, downstream_s: float) -> int:
        """Learn how long a picture still takes to the screen; physics does the advancing: its steps since the last."""
        self._downstream_s = downstream_s
        steps, self._steps = self._steps, 0
        return steps

    def shown(self) -> Shown:
        """What the picture that Kit delivers now shows."""
        return self._past[0] if self._past else self._rendering.shown()

    def reset(self) -> None:
        """Arm at home, every object at its place."""
        self._rendering.reset()
        self._past.clear()

    def limit_to(self, limits: MotionLimits) -> None:
        """Show an arm that keeps to the session's limits."""
        self._rendering.limit_to(limits)

    def start_at(self, q: Array) -> None:
        """Take the real arm's joints [rad] (6,) for home."""
        self._rendering.start_at(q)
        self._past.clear()
