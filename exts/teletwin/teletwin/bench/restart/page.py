"""What a page says of the arm, against what the arm does."""

from __future__ import annotations

from teletwin.clock import NS_PER_MS
from teletwin.safety import FRESH_MS, SafetyState
from teletwin.session.virtual import VirtualSession


class PageClaims:
    """For how long in one piece a page says *engaged* of an arm that is not."""

    def __init__(self, virtual: VirtualSession) -> None:
        self._virtual = virtual
        self._row_ns, self._says = virtual.clock.now_ns(), False
        self._wrong_ns: int | None = None
        self.longest_ms = 0.0

    def look(self) -> None:
        """Compare at this instant; the page drops what the operator told FRESH_MS ago."""
        virtual, now_ns = self._virtual, self._virtual.clock.now_ns()
        if "operator" not in virtual.suspended:
            self._row_ns, self._says = now_ns, virtual.operator.state.shown() is SafetyState.ENGAGED
        says = self._says and now_ns - self._row_ns <= FRESH_MS * NS_PER_MS
        is_engaged = "arm" not in virtual.suspended and virtual.arm.state is SafetyState.ENGAGED
        if not says or is_engaged:
            self._wrong_ns = None
            return
        self._wrong_ns = now_ns if self._wrong_ns is None else self._wrong_ns
        self.longest_ms = max(self.longest_ms, (now_ns - self._wrong_ns) / NS_PER_MS)
