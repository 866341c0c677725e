"""A bare sleep loop: how punctual this machine lets any process be, as the baseline of the real loops.

Run as `python -m teletwin.bench.sleep_loop RATE_HZ`; it ticks until standard input ends, then prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading

from teletwin.clock import NS_PER_S, SystemClock
from teletwin.session.realtime import punctual, run_ticks
from teletwin.telemetry import TickStats

_PRIORITY = 10
"""Below the real loops, so that the baseline never costs them anything."""


def run(*, rate_hz: float, stop: threading.Event) -> dict[str, object]:
    """Tick without work until stop, with the same attempt at real-time scheduling as the roles make."""
    clock, ticks = SystemClock(), TickStats()

    def tick(now_ns: int, late_ns: int) -> None:
        ticks.add(start_ns=now_ns, late_ns=late_ns, work_ns=clock.now_ns() - now_ns)

    with punctual(priority=_PRIORITY) as granted:
        run_ticks(tick, clock=clock, period_ns=int(NS_PER_S / rate_hz), stop=stop)
    counts = {"tick_count": ticks.tick_count, "overrun_count": ticks.overrun_count, "fifo_granted": granted}
    return {**ticks.judge(), **counts}


def main() -> None:
    """Entry point of the process."""
    stop = threading.Event()
    threading.Thread(target=_watch_input, args=(stop,), daemon=True).start()
    print(json.dumps(run(rate_hz=float(sys.argv[1]), stop=stop)), flush=True)


def _watch_input(stop: threading.Event) -> None:
    """Stop when the one who started this is gone or says so."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()


if __name__ == "__main__":
    main()
