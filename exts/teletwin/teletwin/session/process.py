"""A role as a process: reads its configuration from standard input, runs, stops when told or left alone."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import signal
import sys
import threading
import traceback
from types import ModuleType

from teletwin.errors import TeletwinError
from teletwin.left_alone import end_when_left_alone

_CONTROLLER_GRACE_S = 0.9
"""The arm's role takes its leave of the controller; were that gone first, it would wait for answers."""
_LIMITS_MOTION = ("twin", "arm", "renderer")
READY = "ready"
"""The line on standard output that tells the launcher that the role runs."""


def main() -> int:
    """Run the role that one line of JSON on standard input describes; stop at the end of standard input.

    The arm's role brakes then. Whatever hangs in a role, its process is gone within `left_alone.LIMIT_S`.
    """
    end_when_left_alone()
    # Ctrl-C reaches the whole group; the launcher decides the order in which roles stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    role = sys.argv[1]
    from teletwin.session.realtime import begin_first

    begin_first(role)
    module = _load(role)  # while the launcher may still wait for what this role needs
    from teletwin.session.role_cfg import from_json

    logging.basicConfig(level=logging.WARNING, format="teletwin %(name)s: %(message)s")
    told = sys.stdin.readline()
    if not told:  # the launcher has ended before it came to this role
        return 0
    cfg = from_json(told)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    grace_s = _CONTROLLER_GRACE_S if cfg.role == "controller" else 0.0
    threading.Thread(target=_watch_launcher, args=(stop, grace_s), daemon=True).start()
    try:
        module.run(cfg, stop=stop, on_ready=_say_ready)
    except TeletwinError as error:
        if stop.is_set():  # told to stop while it was starting: what that broke is no news
            return 0
        print(f"teletwin {cfg.role}: {error}", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _load(role: str) -> ModuleType:
    """A role's module, with the libraries and kernels that it will need; what is wrong with those shows in its run."""
    module = importlib.import_module(f"teletwin.session.role_{role}")
    if role in _LIMITS_MOTION:
        from teletwin.twin.self_test import require_sound_kernels

        with contextlib.suppress(Exception):
            require_sound_kernels()
    return module


def _say_ready(text: str = "") -> None:
    """Tell the launcher."""
    print(f"{READY} {text}".strip(), flush=True)


def _watch_launcher(stop: threading.Event, grace_s: float) -> None:
    """Stop when standard input ends, grace_s [s] later: the launcher is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.wait(grace_s)
    stop.set()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # native threads of the robot and graphics libraries must not delay the end
