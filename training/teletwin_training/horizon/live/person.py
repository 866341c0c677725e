"""A made-up person at the page of a running lesson: looks at its pictures, draws with its hand, presses Start.

They use what a browser uses and nothing else: pictures with the pose that they show, the lesson's state, and inputs of
the hand in the axes of the view.
"""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Any, Self

import numpy as np

from teletwin.clock import NS_PER_MS, NS_PER_S, SystemClock, Ticker
from teletwin.geometry import Array
from teletwin.hand.drawing_task import DrawingTask
from teletwin.view.camera import Camera
from teletwin.view.viewer import HeadlessViewer, ShownFrame
from teletwin_training.horizon.person import PersonCfg, SimulatedPersons

_SLOT_S = 0.01
_SLOT_NS = round(_SLOT_S * NS_PER_S)
_CATCH_UP = 20
"""Slots that are made up for when the thread was not let run for a while."""
_SPEED_SPAN_S = 0.01
"""The dot's velocity is a difference over this [s]."""
_ASK_NS = NS_PER_S


class PersonAtPage:
    """One simulated person on a thread of their own; a context manager.

    Args:
        url: The page's address.
        task: The drawing task, as the session has it.
        seed: Who it is.
    """

    def __init__(self, url: str, task: DrawingTask, *, seed: int, cfg: PersonCfg | None = None) -> None:
        self._clock = SystemClock()
        self._task, self._to_view = task, Camera().view_to_base.T
        self._person = SimulatedPersons(persons=1, cfg=cfg, rng=np.random.default_rng([29, seed]), slot_s=_SLOT_S)
        self._shown: Array | None = None
        self._seq = 0
        self._asked_ns = 0
        self._viewer = HeadlessViewer(url, self._clock, self._see, drives=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="person", daemon=True)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._stack.enter_context(self._viewer)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(1.0)
        self._stack.close()

    def _see(self, frame: ShownFrame) -> None:
        self._shown = self._to_view @ frame.shown_pose[:3]

    def _live(self) -> None:
        """Look and move, slot by slot; press Start when the dot stands."""
        ticker = Ticker(self._clock, period_ns=_SLOT_NS)
        is_here, before_ns = False, 0
        while not self._stop.is_set():
            woken_ns, late_ns = ticker.wait()
            due_ns = woken_ns - late_ns % _SLOT_NS  # a hand moves evenly, however late this thread wakes
            lesson: dict[str, Any] | None = self._viewer.telemetry.get("lesson")
            if lesson is None or self._shown is None:
                continue
            dot, velocity = self._dot(lesson, due_ns)
            if not is_here:
                is_here, before_ns = True, due_ns - _SLOT_NS
                self._person.reset(np.zeros(1, dtype=np.intp), dot[None], dot[None])
            for _ in range(min((due_ns - before_ns) // _SLOT_NS, _CATCH_UP)):
                pose = self._person.step(self._shown[None], dot[None], velocity[None])[0]
                before_ns += _SLOT_NS
                self._move(pose, before_ns)
            before_ns = due_ns
            self._press_start(lesson, due_ns)

    def _dot(self, lesson: dict[str, Any], now_ns: int) -> tuple[Array, Array]:
        """Place (3,) [m] and velocity (3,) [m/s] of the dot in the view's axes, as the page draws it."""
        ahead_s = max(now_ns - lesson["go_ns"], 0) * 1e-9 if lesson["state"] == "running" else 0.0
        t_s = lesson["kept_s"] + ahead_s
        here, next_ = (self._to_view @ self._task.target(t_s + span_s) for span_s in (0.0, _SPEED_SPAN_S))
        return here, (next_ - here) / _SPEED_SPAN_S if ahead_s > 0.0 else np.zeros(3)

    def _move(self, pose: Array, t_ns: int) -> None:
        self._seq += 1
        self._viewer.say(
            {
                "type": "input",
                "seq": self._seq,
                "t_ms": t_ns / NS_PER_MS,
                "server_ns": t_ns,
                "hand": pose.tolist(),
                "clutch": True,
                "device": "mouse",
            }
        )

    def _press_start(self, lesson: dict[str, Any], now_ns: int) -> None:
        """Once a second while it helps: the arm may not be there yet."""
        if lesson["state"] in ("ready", "paused") and now_ns - self._asked_ns > _ASK_NS:
            self._asked_ns = now_ns
            self._viewer.say({"type": "command", "name": "lesson_start", "values": {}})
