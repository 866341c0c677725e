"""A hand that the page reports, led by a script: at any speed, where recordings enter at 0.4 m/s at most."""

from __future__ import annotations

import threading

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S, Clock
from teletwin.geometry import Array, quat_conjugate, quat_rotate
from teletwin.session.build import hand_to_base
from teletwin.view.viewer import HeadlessViewer

_PERIOD_NS = 8 * NS_PER_MS


class PageHand:
    """Inputs of a page with its clutch closed, 125 a second, from a thread of its own. A context manager.

    Places are those of the tool [m], UR base frame, from where the clutch closed.
    """

    def __init__(self, viewer: HeadlessViewer, clock: Clock) -> None:
        self._viewer, self._clock = viewer, clock
        self._to_hand = quat_conjugate(hand_to_base())
        self._path: tuple[int, Array, float, float] = (clock.now_ns(), np.zeros((2, 3)), 1.0, 0.0)
        self._seq = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PageHand:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.set()
        self._thread.join()

    def go(self, way: Array, *, speed_m_s: float, ramp_s: float) -> None:
        """Begin to move along a way (3,) [m] from where the hand is."""
        start = self._place(self._clock.now_ns())
        self._path = (self._clock.now_ns(), np.array([start, start + way]), speed_m_s, ramp_s)

    def go_to(self, place: Array, *, speed_m_s: float, ramp_s: float) -> None:
        """Begin to move straight to a place (3,) [m]."""
        self.go(place - self._place(self._clock.now_ns()), speed_m_s=speed_m_s, ramp_s=ramp_s)

    def _place(self, now_ns: int) -> Array:
        """Where the hand is: evenly faster within the ramp's time, then at its speed, to the end."""
        since_ns, (start, end), speed, ramp_s = self._path
        length, t_s = float(np.linalg.norm(end - start)), (now_ns - since_ns) / NS_PER_S
        if length == 0.0:
            return end
        done = speed * (t_s * t_s / (2.0 * ramp_s) if t_s < ramp_s else t_s - 0.5 * ramp_s)
        return start + min(max(done / length, 0.0), 1.0) * (end - start)

    def _run(self) -> None:
        due_ns = self._clock.now_ns()
        while not self._ends.is_set():
            due_ns = max(due_ns + _PERIOD_NS, self._clock.now_ns())
            self._clock.sleep_until(due_ns)
            self._say(self._clock.now_ns())

    def _say(self, now_ns: int) -> None:
        self._seq += 1
        hand = [*quat_rotate(self._to_hand, self._place(now_ns)).tolist(), 1.0, 0.0, 0.0, 0.0]
        times = {"t_ms": now_ns / NS_PER_MS, "server_ns": now_ns}
        self._viewer.say({"type": "input", "seq": self._seq, "hand": hand, "clutch": True, "device": "xr", **times})
