"""A learner for a session that another program runs on this machine, as Isaac Sim does."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from teletwin.session.lesson_cfg import OfferedLesson
from teletwin_training.horizon.live.process import LearnerProcess

_LOOK_S = 0.1


def learn_alone(learner: LearnerProcess, offer: OfferedLesson) -> dict[str, Any] | None:
    """Offer the lesson on standard output, learn until the session ends, and tell what was learned.

    Standard input is the other program's hand: when it ends, or at Ctrl-C, the learner finishes. None when that came
    before it could learn.

    Raises:
        TeletwinError: The learner has ended unexpectedly.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    if not learner.wait_ready(stop):
        return None
    print(offer.to_line(), flush=True)
    while not learner.has_ended and not stop.wait(_LOOK_S):
        pass
    if learner.has_ended and not learner.is_done:
        raise learner.why_ended()
    return learner.finish()


def _watch_input(stop: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
