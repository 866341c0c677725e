"""What the operator's side says of a picture: that it was drawn or not, and how it came."""

from __future__ import annotations

from collections import OrderedDict

from teletwin.clock import NS_PER_MS
from teletwin.link import ONE_PIECE, Burst
from teletwin.messages import FrameAck

_MOST = 64
_UNKNOWN = ONE_PIECE, 0.0


class FrameAcks:
    """Remembers how the newest 64 pictures and the newest state of the arm came, until the pictures are drawn."""

    def __init__(self) -> None:
        self._bursts: OrderedDict[int, tuple[Burst, float]] = OrderedDict()
        self._state_ns: int | None = None

    def arrived(self, frame_id: int, burst: Burst, *, arrival_ms: float) -> None:
        """A picture came in these pieces, the last of them arrival_ms [ms] after it was ready."""
        self._bursts[frame_id] = burst, max(arrival_ms, 0.0)
        while len(self._bursts) > _MOST:
            self._bursts.popitem(last=False)

    def state(self, t_ns: int) -> None:
        """A state of the arm came that holds for t_ns (own clock)."""
        self._state_ns = t_ns if self._state_ns is None else max(t_ns, self._state_ns)

    def drawn(self, frame_id: int, t_ns: int, *, need_key: bool, latency_ms: float) -> FrameAck:
        """The word that a picture came to the screen at t_ns, latency_ms [ms] after it was ready."""
        age_ms = 0.0 if self._state_ns is None else max((t_ns - self._state_ns) / NS_PER_MS, 0.0)
        burst, arrival_ms = self._bursts.pop(frame_id, _UNKNOWN)
        return FrameAck(
            frame_id=frame_id,
            need_key=need_key,
            latency_ms=latency_ms,
            byte_count=burst.byte_count,
            span_ms=burst.span_ms,
            arrival_ms=arrival_ms,
            update_age_ms=age_ms,
        )

    def skipped(self, frame_id: int, *, need_key: bool) -> FrameAck:
        """The word that a picture came and will not be drawn."""
        burst, arrival_ms = self._bursts.pop(frame_id, _UNKNOWN)
        return FrameAck(
            frame_id=frame_id,
            drawn=False,
            need_key=need_key,
            byte_count=burst.byte_count,
            span_ms=burst.span_ms,
            arrival_ms=arrival_ms,
        )
