"""When a page began to show that something had happened."""

from __future__ import annotations

import threading

from teletwin.clock import NS_PER_MS, Clock
from teletwin.view.viewer import HeadlessViewer

_STEP_NS = 2 * NS_PER_MS
_COUNTERS = ("held", "arm_held", "arm_hiccups", "arm_stalls")


class PageWatch:
    """Looks at what a page is told of states, faults, approaches and outages. A context manager."""

    def __init__(self, viewer: HeadlessViewer, clock: Clock) -> None:
        self._viewer, self._clock = viewer, clock
        self._before, self._told_ns = self._seen(), 0
        self.approach_ns: tuple[int, int] | None = None
        """When the page began and ceased to show an approach [ns]; None when it never did."""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> PageWatch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.set()
        self._thread.join()

    def told_ms(self, since_ns: int) -> float | None:
        """How long after since_ns [ns] that was [ms], 0 when before; None when never."""
        return max(0.0, (self._told_ns - since_ns) / NS_PER_MS) if self._told_ns else None

    def _run(self) -> None:
        while not self._ends.is_set():
            self._clock.sleep_until(self._clock.now_ns() + _STEP_NS)
            now_ns = self._clock.now_ns()
            if not self._told_ns and self._seen() != self._before:
                self._told_ns = now_ns
            if self._viewer.telemetry.get("is_approaching"):
                self.approach_ns = (self.approach_ns[0] if self.approach_ns else now_ns, now_ns)

    def _seen(self) -> tuple[object, ...]:
        row = self._viewer.telemetry
        counters = row.get("counters", {})
        return (row.get("state"), row.get("fault"), *(counters.get(name, 0) for name in _COUNTERS))
