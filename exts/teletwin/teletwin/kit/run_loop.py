"""Kit's run loop while a session runs: so many turns a second, each of that much simulated time.

As it stands in a headless or standalone Isaac Sim nothing limits the loop, and every turn hands on 1/60 s of
simulated time however short it was; in the window the timeline's frame rate counts instead.
"""

from __future__ import annotations

import contextlib
from typing import Any

import omni.timeline

from teletwin.kit.borrowed import borrow_setting, give_back_setting

_MAIN = "main"
_LOOP = f"/app/runLoops/{_MAIN}"


def own_clock(rate_hz: float, stack: contextlib.ExitStack) -> None:
    """Let simulated time run at wall time until the stack unwinds; then all is as it was.

    Args:
        rate_hz: Turns of Kit's loop a second, if the machine holds them.
        stack: Takes what must be put back.
    """
    borrow_setting(stack, f"{_LOOP}/rateLimitFrequency", float(rate_hz))
    borrow_setting(stack, f"{_LOOP}/rateLimitEnabled", True)
    borrow_setting(stack, "/app/player/useFixedTimeStepping", False)  # else the timeline's frame rate is the step
    _own_target(rate_hz, stack)
    _own_step(1.0 / rate_hz, stack)


def _own_target(rate_hz: float, stack: contextlib.ExitStack) -> None:
    """The timeline derives a loop rate of its own from this."""
    timeline: Any = omni.timeline.get_timeline_interface()
    stack.callback(timeline.set_target_framerate, timeline.get_target_framerate())
    timeline.set_target_framerate(rate_hz)


def _own_step(step_s: float, stack: contextlib.ExitStack) -> None:
    """Simulated time of a turn; Kit's plain loop, which knows no such step, hands on the wall time that passed."""
    try:
        from omni.kit.loop import _loop
    except ImportError:
        return
    runner: Any = _loop.acquire_loop_interface()
    give_back_setting(stack, f"{_LOOP}/manualModeEnabled")  # set_manual_mode writes it
    stack.callback(runner.set_manual_mode, runner.get_manual_mode(name=_MAIN), name=_MAIN)
    stack.callback(runner.set_manual_step_size, runner.get_manual_step_size(name=_MAIN), name=_MAIN)
    runner.set_manual_step_size(step_s, name=_MAIN)
    runner.set_manual_mode(True, name=_MAIN)
