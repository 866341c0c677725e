"""The rendering function as Kit needs it: stepped by physics, looked at by pictures that come later."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from teletwin.geometry import Array
from teletwin.messages import ForecastPacket
from teletwin.safety import MotionLimits
from teletwin.twin.rendering import RenderingFunction, Shown

_NOTES = 32
"""States that are kept, one an update of Kit's: no picture comes later than that."""
_SAME_S = 1e-4
"""Simulated times nearer than this are of the same physics step [s]."""


class SteppedRendering:
    """Has the face of `RenderingFunction` towards the renderer's loop.

    A picture is delivered some updates after it was rendered. It shows the state that was noted at its own
    simulated time, so `show` is told that time before the picture is begun.
    """

    def __init__(self, rendering: RenderingFunction) -> None:
        self._rendering = rendering
        self._steps = 0
        self._downstream_s = 0.05
        self._past: deque[tuple[float, Callable[[], Shown]]] = deque(maxlen=_NOTES)
        self._shown: Shown | None = None

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

    def note(self, simulation_s: float) -> None:
        """Keep the present state, of a simulated time [s], for the picture that shows it."""
        if self._past and simulation_s < self._past[-1][0]:
            self.forget()
        self._past.append((simulation_s, self._rendering.noted()))

    def show(self, simulation_s: float) -> None:
        """Turn to what a picture of this simulated time [s] shows: the newest state that is not younger."""
        older = [look for noted_s, look in self._past if noted_s <= simulation_s + _SAME_S]
        look = older[-1] if older else self._past[0][1] if self._past else self._rendering.noted()
        self._shown = look()

    def forget(self) -> None:
        """Simulated time begins anew."""
        self._past.clear()
        self._shown = None

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
        return self._shown or self._rendering.shown()

    def reset(self) -> None:
        """Arm at home, every object at its place."""
        self._rendering.reset()
        self.forget()

    def limit_to(self, limits: MotionLimits) -> None:
        """Show an arm that keeps to the session's limits."""
        self._rendering.limit_to(limits)

    def start_at(self, q: Array) -> None:
        """Take the real arm's joints [rad] (6,) for home."""
        self._rendering.start_at(q)
        self.forget()
