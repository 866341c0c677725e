"""Fixed-rate loops as punctual as the machine allows."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator

from teletwin.clock import Clock, Ticker

TWIN_PRIORITY, ARM_PRIORITY = 20, 30
"""Under SCHED_FIFO: what moves a robot goes first."""
_LAUNCH_PRIORITY = 1
_RESET_ON_FORK: int = getattr(os, "SCHED_RESET_ON_FORK", 0)
_PR_SET_TIMERSLACK = 29
_NICE = -10
_PICTURES_NICE, _YIELDING_NICE = -3, 2
"""Of pictures once they have come up: after control, before other work; after both where nothing goes before that."""
_SWITCH_S = 0.0002
"""A recorder's thread gives the interpreter back within this [s], not within the usual 5 ms."""
_switching = threading.Lock()
_switched: list[float] = []
"""One entry for every block that wants quick switching; the first is the host's own interval [s]."""


@contextlib.contextmanager
def quick_switching() -> Iterator[None]:
    """A thread that waits for the interpreter gets it within _SWITCH_S in the block.

    Blocks may overlap on several threads. When the last ends the interval is what it was: a host's is not ours.
    """
    with _switching:
        _switched.append(_switched[0] if _switched else sys.getswitchinterval())
        sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        with _switching:
            before_s = _switched.pop()
            if not _switched:
                sys.setswitchinterval(before_s)


@contextlib.contextmanager
def punctual(*, priority: int) -> Iterator[bool]:
    """Run the block under SCHED_FIFO where that is permitted, without garbage collection pauses.

    Yields whether real-time scheduling was granted. Threads and processes started inside run normally.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    try:
        with quick_switching(), _fifo(priority, _RESET_ON_FORK) as granted:
            yield granted
    finally:
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
    _set_nice(nice)


def begin_first(role: str) -> None:
    """Let this process, a role's, go before ordinary work where that is permitted; to be called before all else.

    On a busy machine libraries take long to load. What runs in it inherits this, or asks for its own priority.
    """
    if not _set_nice(_NICE) and role == "renderer":
        _set_nice(_YIELDING_NICE)


def give_way() -> None:
    """Pictures have come up, and go after control: it is from them that a busy machine takes first."""
    _set_nice(_PICTURES_NICE)


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Let the launcher's own second of work go before ordinary work where that is permitted; not for longer work.

    Roles that start inside run normally and choose their own priority.
    """
    with _fifo(_LAUNCH_PRIORITY, _RESET_ON_FORK):
        yield


@contextlib.contextmanager
def shared_with_threads(*, priority: int) -> Iterator[None]:
    """Threads that start inside, a native library's too, run under SCHED_FIFO where that is permitted.

    What waits for a thread is no earlier than the thread: an arm whose reports are read at leisure looks silent.
    """
    with _fifo(priority, 0):
        yield


@contextlib.contextmanager
def _fifo(priority: int, flags: int) -> Iterator[bool]:
    """Run the block under SCHED_FIFO where that is permitted; yields whether it is."""
    granted = False
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO | flags, os.sched_param(priority))
        granted = True
    try:
        yield granted
    finally:
        if granted:  # who may only ask for real time may not take the flag back
            os.sched_setscheduler(0, os.SCHED_OTHER | flags, os.sched_param(0))


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
