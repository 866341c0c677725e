"""Whether an observer keeps up with the operator's pictures, or takes the slow stream's for a while."""

from __future__ import annotations

PATIENCE_NS, PATIENCE_MAX_NS = 10_000_000_000, 160_000_000_000
PROMPT_NS = 100_000_000
"""An observer that takes a small picture no quicker than this would fall behind with large ones again."""
_KEPT = 16


class Pace:
    """Falls behind once, waits; tries again when small pictures are taken promptly, each time after twice as long."""

    def __init__(self) -> None:
        self.is_slow = False
        self._since_ns, self._patience_ns = 0, PATIENCE_NS // 2
        self._sent_ns: dict[int, int] = {}
        self._is_prompt = True

    def slow_down(self, now_ns: int) -> None:
        """It has fallen behind."""
        self.is_slow, self._since_ns = True, now_ns
        self._patience_ns = min(2 * self._patience_ns, PATIENCE_MAX_NS)
        self._sent_ns.clear()

    def sent(self, frame_id: int, now_ns: int) -> None:
        """A small picture was sent."""
        self._sent_ns[frame_id] = now_ns
        if len(self._sent_ns) > _KEPT:
            del self._sent_ns[next(iter(self._sent_ns))]

    def acknowledged(self, frame_id: int, now_ns: int) -> None:
        """It came back."""
        sent_ns = self._sent_ns.pop(frame_id, None)
        if sent_ns is not None:
            self._is_prompt = now_ns - sent_ns <= PROMPT_NS

    def may_try(self, now_ns: int) -> bool:
        """Whether all pictures are worth another try."""
        return self._is_prompt and now_ns - self._since_ns > self._patience_ns

    def speed_up(self) -> None:
        """It gets all pictures again."""
        self.is_slow = False
        self._sent_ns.clear()
