"""What the way to the operator carries and what waits on it, from pictures that were sent and acknowledged."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.session.allocation.burst_rate import BurstRate
from teletwin.session.allocation.usual_delay import UsualDelay

_NEXT_MOST_MS = 50.0
_MOST_DOUBLINGS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMeterCfg:
    """How a queue is told from noise, and how fast an estimate may be doubted."""

    window_s: float = 0.3
    """Time over which the rate of delivery is counted [s]."""
    forget_s: float = 1.0
    """A frame that nothing is heard of for so long was lost; without any word for so long nothing is known [s]."""
    queue_ms: float = 30.0
    """Delays beyond the usual one are a queue from here on [ms]."""
    noise_factor: float = 4.0
    """The same in spreads of the delay, where that is more."""
    lie_share: float = 0.6
    """While a queue stands the link delivers all it can: bursts that promise more than delivery over this are lies."""
    doubling_s: float = 0.5
    """Without a queue a doubted estimate doubles in this time [s]."""
    overdue_share: float = 0.15
    """A frame that does not come bounds the rate to no less than this share of what was promised: it may be lost."""
    least_bps: float = 50e3
    most_bps: float = 200e6


@dataclass(slots=True)
class _Sent:
    frame_id: int
    byte_count: int
    before: int
    """Bytes under way when it was sent."""
    t_ns: int


class LinkMeter:
    """Capacity, queue and backlog of the way to the operator.

    Pieces of one frame leave together, so the bottleneck spaces them by its rate: that tells the capacity whatever is
    sent. Two things correct it. A frame that is overdue bounds the rate before its acknowledgement comes; and while a
    queue stands, the rate of delivery is the truth, where bursts pass faster than a steady stream could.
    """

    def __init__(self, cfg: LinkMeterCfg | None = None) -> None:
        self._cfg = cfg or LinkMeterCfg()
        self._sent: deque[_Sent] = deque()
        self._delivered: deque[tuple[int, int]] = deque()
        self._bursts = BurstRate()
        self._usual, self._usual_trip = UsualDelay(), UsualDelay()
        self._ceiling_bps = self._cfg.most_bps
        self._queue_ms = 0.0
        self._heard_ns = self._calm_ns = self._busy_ns = 0
        self.lost_count = 0
        """Frames of which nothing was heard."""

    def sent(self, frame_id: int, byte_count: int, now_ns: int) -> None:
        """Note a frame that took byte_count bytes of the link."""
        self._sent.append(_Sent(frame_id, byte_count, sum(each.byte_count for each in self._sent), now_ns))

    def acknowledged(self, frame_id: int, *, burst_bytes: int, span_ms: float, arrival_ms: float, t_ns: int) -> None:
        """Note that a frame has arrived.

        Args:
            frame_id: Its number; older ones that nothing was heard of are lost.
            burst_bytes: Bytes of its pieces after the first one.
            span_ms: Time from its first to its last piece [ms]; 0 for fewer than three pieces.
            arrival_ms: Ready to last piece [ms]; 0 when unknown. What a slow viewer adds is no queue.
            t_ns: Arrival of the acknowledgement [ns].
        """
        lost_count, found = self.lost_count, self._take(frame_id)
        if found is None:
            return
        self._heard_ns = t_ns
        self._delivered.append((t_ns, found.byte_count))
        if arrival_ms > 0.0:
            self._usual.add(arrival_ms - span_ms, t_ns)
            self._usual_trip.add((t_ns - found.t_ns) / NS_PER_MS - span_ms, t_ns)
            self._queue_ms = max(arrival_ms - span_ms - self._usual.base_ms, 0.0)
        stands = self._queue_ms > self._threshold_ms
        if self.lost_count > lost_count:
            self._busy_ns = t_ns  # what was lost is missing in the rate of delivery
        if span_ms > 0.0 and burst_bytes > 0:
            self._bursts.add(burst_bytes, span_ms, t_ns, is_late=stands)
        self._doubt(t_ns, stands=stands)

    def _take(self, frame_id: int) -> _Sent | None:
        """The frame of this number, no longer under way; older ones are lost."""
        while self._sent and self._sent[0].frame_id <= frame_id:
            each = self._sent.popleft()
            if each.frame_id == frame_id:
                return each
            self.lost_count += 1
        return None

    def _doubt(self, t_ns: int, *, stands: bool) -> None:
        """Hold what bursts promise against what is delivered; believe them again step by step."""
        cfg = self._cfg
        promised_bps = self._bursts.rate_bps(t_ns)
        if not stands:
            doublings = min((t_ns - self._calm_ns) / NS_PER_S / cfg.doubling_s, _MOST_DOUBLINGS)
            self._ceiling_bps = min(self._ceiling_bps * 2.0**doublings, cfg.most_bps)
            self._calm_ns = self._busy_ns = t_ns
        elif t_ns - self._busy_ns > cfg.window_s * NS_PER_S:
            self._calm_ns = t_ns
            delivered_bps = self.delivered_bps(t_ns)
            if 0.0 < delivered_bps < cfg.lie_share * min(promised_bps or cfg.most_bps, self._ceiling_bps):
                self._ceiling_bps = max(delivered_bps, cfg.least_bps)
        if self._ceiling_bps > (promised_bps or cfg.most_bps):
            self._ceiling_bps = cfg.most_bps

    @property
    def _threshold_ms(self) -> float:
        """Delay beyond the usual one that is a queue [ms]."""
        return max(self._cfg.queue_ms, self._cfg.noise_factor * self._usual.spread_ms)

    def is_known(self, now_ns: int) -> bool:
        """Whether acknowledgements come, so that what is told here is of now."""
        return bool(self._heard_ns) and now_ns - self._heard_ns < self._cfg.forget_s * NS_PER_S

    def delivered_bps(self, now_ns: int) -> float:
        """Rate of delivery over the newest window [bit/s]."""
        window_ns = int(self._cfg.window_s * NS_PER_S)
        while self._delivered and now_ns - self._delivered[0][0] > window_ns:
            self._delivered.popleft()
        return 8.0 * sum(count for _, count in self._delivered) / self._cfg.window_s

    def capacity_bps(self, now_ns: int) -> float:
        """What the way carries, pictures and updates together [bit/s]; `most_bps` while nothing limits it."""
        cfg = self._cfg
        burst_bps = self._bursts.rate_bps(now_ns)
        promised_bps = self._ceiling_bps if burst_bps is None else min(burst_bps, self._ceiling_bps)
        reached_bps = max(self._overdue_bps(now_ns), cfg.overdue_share * promised_bps)
        return min(max(min(promised_bps, reached_bps), cfg.least_bps), cfg.most_bps)

    def _overdue_bps(self, now_ns: int) -> float:
        """The rate that the oldest frame under way has not even reached [bit/s]."""
        over_ms = self._over_ms(now_ns)
        return 8e3 * (self._sent[0].byte_count + self._sent[0].before) / over_ms if over_ms else self._cfg.most_bps

    def _over_ms(self, now_ns: int) -> float:
        """How much longer than usual the oldest frame under way takes already [ms]; 0 while it may just be lost.

        Were it lost, the next one would soon tell.
        """
        self._forget(now_ns)
        if not self._sent or not self._usual_trip.is_known:
            return 0.0
        next_ns = self._sent[1].t_ns if len(self._sent) > 1 else now_ns
        next_ms = min((next_ns - self._sent[0].t_ns) / NS_PER_MS, _NEXT_MOST_MS)
        over_ms = (now_ns - self._sent[0].t_ns) / NS_PER_MS - self._usual_trip.base_ms
        return over_ms if over_ms > self._threshold_ms + next_ms else 0.0

    def _forget(self, now_ns: int) -> None:
        while self._sent and now_ns - self._sent[0].t_ns > self._cfg.forget_s * NS_PER_S:
            self._sent.popleft()
            self.lost_count += 1

    def queue_ms(self, now_ns: int) -> float:
        """How long something that is sent now waits on the way [ms], noise left out."""
        is_new = now_ns - self._heard_ns < self._cfg.window_s * NS_PER_S
        measured_ms = self._queue_ms if is_new and self._queue_ms > self._threshold_ms else 0.0
        return max(measured_ms, self._over_ms(now_ns))

    def backlog_bytes(self, now_ns: int) -> float:
        """Bytes that wait on the way: those under way beyond what a usual round trip holds, or the measured queue."""
        capacity_bps = self.capacity_bps(now_ns)
        held = capacity_bps * 1e-3 * self._usual_trip.base_ms / 8.0
        under_way = sum(each.byte_count for each in self._sent)
        newest = self._sent[-1].byte_count if self._sent else 0
        queued = capacity_bps * 1e-3 * self.queue_ms(now_ns) / 8.0
        return max(under_way - newest - held, queued, 0.0)
