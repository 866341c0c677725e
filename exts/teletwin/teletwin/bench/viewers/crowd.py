"""Observers as a process of their own: they take and acknowledge pictures as pages do, but decode none.

Its lines on standard output are JSON: `{"ready": n}`, then the figures when standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from urllib.parse import urlsplit

from teletwin.bench.viewers.slow_link import slow_link
from teletwin.clock import NS_PER_MS, NS_PER_S, SystemClock
from teletwin.telemetry import LatencyHistogram
from teletwin.view.viewer import HeadlessViewer, ShownFrame

_SETTLE_NS = 5 * NS_PER_S
"""Of each observer: until then a slow link still carries pictures from before it was found to be slow."""
_LATER = 10
"""Niceness: in earnest these viewers sit at other machines."""


class Watcher:
    """Counts what one observer gets."""

    def __init__(self) -> None:
        self.age_ms = LatencyHistogram()
        self.picture_count = self.small_count = self.byte_count = 0
        self._came_ns = self.first_ns = self.last_ns = 0

    def take(self, frame: ShownFrame) -> None:
        """One picture; the renderer's clock is this machine's."""
        self._came_ns = self._came_ns or frame.received_ns
        if frame.received_ns - self._came_ns < _SETTLE_NS:
            return
        self.first_ns = self.first_ns or frame.received_ns
        self.last_ns = frame.received_ns
        self.picture_count += 1
        self.small_count += frame.width <= 320
        self.byte_count += frame.byte_count
        self.age_ms.add((frame.received_ns - frame.t_ready_ns) / NS_PER_MS)

    def figures(self) -> dict[str, float]:
        """Pictures a second, their age on arrival, kilobits a second."""
        span_s = max((self.last_ns - self.first_ns) * 1e-9, 1e-3)
        return {
            "rate_hz": self.picture_count / span_s,
            "small_share": self.small_count / max(self.picture_count, 1),
            "kbps": 8e-3 * self.byte_count / span_s,
            "age_p50_ms": self.age_ms.quantile(0.5) if self.picture_count else -1.0,
            "age_p95_ms": self.age_ms.quantile(0.95) if self.picture_count else -1.0,
        }


def main() -> int:
    """`crowd.py URL COUNT SLOW_KBPS`: COUNT observers, the last of them behind a slow link."""
    url, count, slow_kbps = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    os.nice(_LATER)
    port = urlsplit(url).port or 80
    clock, watchers = SystemClock(), [Watcher() for _ in range(count)]
    with contextlib.ExitStack() as stack:
        slow_port = stack.enter_context(slow_link(port, rate_bps=1e3 * slow_kbps))
        for number, watcher in enumerate(watchers, 1):
            address = url.replace(f":{port}", f":{slow_port}", 1) if number == count else url
            stack.enter_context(HeadlessViewer(address, clock, watcher.take, decodes=False))
        print(json.dumps({"ready": count}), flush=True)
        sys.stdin.read()
        print(json.dumps([watcher.figures() for watcher in watchers]), flush=True)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
