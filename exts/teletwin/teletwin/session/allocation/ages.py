"""Ages of requests and updates: AoRI and AoSI (MetaLore, arXiv 2510.25705) of a picture and of an arm's state.

A request is a packet of the operator's that a picture answers; an update is a state of the arm that the operator's
side has applied.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.session.allocation.recent import Recent

_FORGET_NS = NS_PER_S


@dataclass(slots=True)
class _Answer:
    """A picture and the oldest packet that it answers."""

    frame_id: int
    input_ns: int
    pose_t_ns: int
    ready_ns: int = 0


class Ages:
    """Follows packets and pictures on the renderer's clock."""

    def __init__(self) -> None:
        self._waiting_ns: int | None = None
        self._answers: deque[_Answer] = deque(maxlen=64)
        self._update_ns: int | None = None
        self.aori_ms, self.aosi_ms = Recent(), Recent()
        """Age of Request Information: packet here to picture on the screen; Age of Sensor Information: what the
        picture's pose and the newest applied state of the arm differ in age."""

    def input(self, t_ns: int) -> None:
        """A packet has arrived; the oldest that no picture shows yet counts."""
        if self._waiting_ns is None:
            self._waiting_ns = t_ns

    def begun(self, frame_id: int, *, pose_t_ns: int, now_ns: int) -> None:
        """A picture begins that contains every packet so far; its pose was generated at pose_t_ns (this clock)."""
        input_ns = now_ns if self._waiting_ns is None else self._waiting_ns
        self._waiting_ns = None
        self._answers.append(_Answer(frame_id, input_ns, pose_t_ns))

    def ready(self, frame_id: int, t_ns: int) -> None:
        """The picture was encoded at t_ns."""
        for answer in self._answers:
            if answer.frame_id == frame_id:
                answer.ready_ns = t_ns

    def drawn(self, frame_id: int, *, latency_ms: float, update_age_ms: float, now_ns: int) -> None:
        """The picture came to the screen latency_ms [ms] after it was ready.

        Args:
            frame_id: Its number; older pictures never came.
            latency_ms: Ready to drawn [ms].
            update_age_ms: Age of the newest state of the arm that the operator's side had then [ms]; 0 unknown.
            now_ns: When this is told.
        """
        while self._answers and self._answers[0].frame_id <= frame_id:
            answer = self._answers.popleft()
            if answer.frame_id != frame_id or not answer.ready_ns:
                continue
            drawn_ns = answer.ready_ns + int(latency_ms * NS_PER_MS)
            self.aori_ms.add((drawn_ns - answer.input_ns) / NS_PER_MS, now_ns)
            if update_age_ms > 0.0:
                self._update_ns = drawn_ns - int(update_age_ms * NS_PER_MS)
                if answer.pose_t_ns:
                    self.aosi_ms.add(abs(answer.pose_t_ns - self._update_ns) / NS_PER_MS, now_ns)

    def request_ms(self, now_ns: int) -> float:
        """Age of the oldest packet that is not on the screen [ms]; 0 when every one is."""
        while self._answers and now_ns - self._answers[0].input_ns > _FORGET_NS:
            self._answers.popleft()
        oldest_ns = self._answers[0].input_ns if self._answers else self._waiting_ns
        return 0.0 if oldest_ns is None else (now_ns - oldest_ns) / NS_PER_MS

    def waiting_ms(self, now_ns: int) -> float:
        """How long the oldest packet waits for a picture to begin [ms]; 0 when none does."""
        return 0.0 if self._waiting_ns is None else (now_ns - self._waiting_ns) / NS_PER_MS

    def update_ms(self, now_ns: int) -> float:
        """Age of the newest state of the arm that the operator's side has told of [ms]; 0 unknown."""
        return 0.0 if self._update_ns is None else (now_ns - self._update_ns) / NS_PER_MS
