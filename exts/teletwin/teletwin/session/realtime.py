"""Fixed-rate loops as punctual as the machine allows."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from teletwin.clock import Clock, Ticker

TWIN_PRIORITY, ARM_PRIORITY = 20, 30
"""Under SCHED_FIFO: what moves a robot goes first."""
_PR_SET_TIMERSLACK = 29
_NICE = -10
_STANDING_NICE = {"controller": _NICE, "arm": _NICE, "twin": _NICE, "operator": _NICE, "renderer": -3}
"""Of a whole process, where that is permitted: control before pictures, both before other work."""
_YIELDING_NICE = 2
"""Of pictures where nothing can be put before other work."""
_SWITCH_S = 0.0002
"""A recorder's thread gives the interpreter back within this [s], not within the usual 5 ms."""


@contextlib.contextmanager
def punctual(*, priority: int) -> Iterator[bool]:
    """Run the block under SCHED_FIFO where that is permitted, without garbage collection pauses.

    Yields whether real-time scheduling was granted. Threads and processes started inside run normally.
    """
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.disable()
    granted = False
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))
        granted = True
    try:
        yield granted
    finally:
        if granted:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        gc.enable()
        gc.unfreeze()


def _set_nice(nice: int) -> bool:
    """Of this thread, and of those that it starts; False, and all stays as it is, where that is refused."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
    except (OSError, AttributeError):
        return False
    return True


def favour_this_thread(*, nice: int = _NICE) -> None:
    """Let this thread go before ordinary work where that is permitted: the operator's slots feed all the rest."""
    sys.setswitchinterval(_SWITCH_S)
    _set_nice(nice)


def take_standing(role: str) -> None:
    """Give this process the priority of its role, silently where that is refused; to be called before threads start.

    Control goes before pictures: those are what a busy machine takes from first. The page is the operator's, whose
    threads choose their own (`favour_this_thread`).
    """
    nice = _STANDING_NICE.get(role, 0)
    if not _set_nice(nice):
        nice = _YIELDING_NICE if role == "renderer" else 0
        _set_nice(nice)
    with contextlib.suppress(OSError):
        if os.getsid(0) == os.getpid():  # a session of its own has a share of its own, where the kernel groups by them
            Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Start a session before ordinary work, where that is permitted; what starts inside inherits it, and chooses anew."""
    before = os.getpriority(os.PRIO_PROCESS, 0) if hasattr(os, "getpriority") else 0
    _set_nice(_NICE)
    try:
        yield
    finally:
        _set_nice(before)


@contextlib.contextmanager
def shared_with_threads(*, priority: int) -> Iterator[None]:
    """Threads that start inside, a native library's too, run under SCHED_FIFO where that is permitted.

    What waits for a thread is no earlier than the thread: an arm whose reports are read at leisure looks silent.
    """
    granted = False
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        granted = True
    try:
        yield
    finally:
        if granted:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def run_ticks(tick: Callable[[int, int], None], *, clock: Clock, period_ns: int, stop: threading.Event) -> None:
    """Call tick(now_ns, late_ns) every period until stop; late ticks are counted and skipped, never made up."""
    ticker = Ticker(clock, period_ns=period_ns)
    collect_in = _COLLECT_TICKS
    while not stop.is_set():
        now_ns, late_ns = ticker.wait()
        tick(now_ns, late_ns)
        collect_in -= 1
        if collect_in == 0:
            gc.collect(0)  # the youngest generation only: some 50 us, in the slack of a tick
            collect_in = _COLLECT_TICKS


_COLLECT_TICKS = 500
