"""Lets a slow forecaster run beside the loop: the loop never waits for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from multiprocessing.connection import Connection

import numpy as np

from teletwin.forecast import build_forecaster
from teletwin.geometry import Array
from teletwin.messages import CURVE_KNOTS, CURVE_STEP_S


class BackgroundForecaster:
    """Runs a forecaster by name in a process of its own on the newest window.

    Until it answers, its last curve goes on: shifted by the slots that have passed since its window and moved to
    the newest pose. Before the first answer the pose is held.

    Attributes:
        answer_count: Curves that the slow forecaster has finished.
        slots_behind: Age of the curve in use, in slots.
    """

    def __init__(self, name: str, *, slot_s: float = 0.01) -> None:
        build_forecaster(name)  # complain here, not in the process
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(name, theirs), name=f"forecast-{name}", daemon=True)
        self._process.start()
        theirs.close()
        self._slot_s = slot_s
        self._horizons_s = CURVE_STEP_S * np.arange(CURVE_KNOTS)
        self._curve: Array | None = None
        self._asked_slots = 0
        self._waiting = False
        self._ticket = 0
        self.answer_count = 0
        self.slots_behind = 0

    def forecast(self, window: Array, *, out: Array) -> None:
        """Write the shifted last curve for past poses (n, 7) into out (CURVE_KNOTS, 7); never waits."""
        self.slots_behind += 1
        self._asked_slots += 1
        with contextlib.suppress(OSError, EOFError):  # the process died: the curve fades into holding
            self._take_answer()
            if not self._waiting:
                self._pipe.send((self._ticket, window.copy()))
                self._waiting, self._asked_slots = True, 0
        self._shifted(window[-1], out)

    def reset(self) -> None:
        """Forget the curve in use; an answer under way is thrown away."""
        self._curve = None
        self._ticket += 1

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.terminate()
        self._process.join(timeout=2.0)

    def _take_answer(self) -> None:
        if self._waiting and self._pipe.poll(0):
            ticket, curve = self._pipe.recv()
            self._waiting = False
            if ticket == self._ticket:
                self._curve = curve
                self.slots_behind = self._asked_slots
                self.answer_count += 1

    def _shifted(self, newest: Array, out: Array) -> None:
        if self._curve is None:
            out[:] = newest
        else:
            at_s = self._horizons_s + self.slots_behind * self._slot_s
            for channel in range(7):
                out[:, channel] = np.interp(at_s, self._horizons_s, self._curve[:, channel])
            sign = 1.0 if float(out[0, 3:] @ newest[3:]) >= 0.0 else -1.0
            out[:, 3:] *= sign
            out += newest - out[0]
        out[:, 3:] /= np.maximum(np.linalg.norm(out[:, 3:], axis=1), 1e-12)[:, None]


def _end_with_parent() -> None:
    """End this process with the one that started it, also within a slow forecast."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _serve(name: str, pipe: Connection) -> None:
    """The process: answer windows with curves until the pipe closes."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    forecaster = build_forecaster(name)
    out = np.empty((CURVE_KNOTS, 7))
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            ticket, window = pipe.recv()
            forecaster.forecast(window, out=out)
            pipe.send((ticket, out))
