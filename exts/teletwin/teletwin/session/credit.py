"""How many pictures may be under way to the operator."""

from __future__ import annotations

import math
from collections import deque

from teletwin.clock import NS_PER_MS, NS_PER_S

_CREDIT = 2
_LOST_TRIPS = 3.0
_LOST_NS = (150 * NS_PER_MS, NS_PER_S)
_TRIP_SMOOTHING = 0.1


class Credit:
    """Frames under way: two beyond what the round trip itself holds, so that no queue can grow.

    With a plain window of two, a round trip of 120 ms would leave 16 frames a second; the smallest
    round trip seen is the path's own and may be filled. A frame is lost when a later one is acknowledged,
    or after three usual round trips (150 ms ... 1 s); when nobody acknowledged anything for a second, one
    second: then nobody draws.
    """

    def __init__(self) -> None:
        self._sent: deque[tuple[int, int]] = deque()
        self._trips_ns: deque[int] = deque(maxlen=100)
        self._usual_ns = 0.0
        self._heard_ns = 0
        self.lost_count = 0
        """Frames that nobody acknowledged."""

    def sent(self, frame_id: int, now_ns: int) -> None:
        """Note a frame that leaves."""
        self._sent.append((frame_id, now_ns))

    def acknowledged(self, frame_id: int, now_ns: int) -> None:
        """Give the credit of this frame and of older ones back."""
        while self._sent and self._sent[0][0] <= frame_id:
            sent_id, t_ns = self._sent.popleft()
            if sent_id == frame_id:
                self._heard(now_ns - t_ns, now_ns)
            else:
                self.lost_count += 1

    def is_open(self, now_ns: int, rate_hz: float) -> bool:
        """Whether another frame may be started."""
        lost_ns = self._lost_ns(now_ns)
        while self._sent and now_ns - self._sent[0][1] > lost_ns:
            self._sent.popleft()
            self.lost_count += 1
        trip_s = min(self._trips_ns) * 1e-9 if self._trips_ns else 0.0
        return len(self._sent) < _CREDIT + math.floor(trip_s * rate_hz)

    def _heard(self, trip_ns: int, now_ns: int) -> None:
        self._trips_ns.append(trip_ns)
        self._usual_ns += (_TRIP_SMOOTHING if self._usual_ns else 1.0) * (trip_ns - self._usual_ns)
        self._heard_ns = now_ns

    def _lost_ns(self, now_ns: int) -> float:
        """How long to wait for a frame's acknowledgement [ns]."""
        least_ns, most_ns = _LOST_NS
        if not self._usual_ns or now_ns - self._heard_ns > most_ns:
            return most_ns
        return min(max(_LOST_TRIPS * self._usual_ns, least_ns), most_ns)
