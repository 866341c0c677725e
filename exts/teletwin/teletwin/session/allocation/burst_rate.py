"""Capacity of a bottleneck from how far apart it lets the pieces of one message arrive."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from teletwin.clock import NS_PER_S

_LEAST_SPAN_MS = 0.05
_MOST_DOUBLINGS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BurstRateCfg:
    """How many bursts are averaged."""

    count: int = 7
    """Newest bursts that count; of five or more the fastest and the slowest are left out."""
    age_s: float = 1.5
    """No older ones [s]."""
    drop_share: float = 0.75
    """A burst below this share of the estimate, in a message that came late, begins the estimate anew."""


class BurstRate:
    """Bytes over spans of the newest bursts (packet dispersion): jitter widens one span and narrows another alike."""

    def __init__(self, cfg: BurstRateCfg | None = None) -> None:
        self._cfg = cfg or BurstRateCfg()
        self._bursts: deque[tuple[int, int, float]] = deque(maxlen=self._cfg.count)
        self._last: tuple[int, float] | None = None

    def add(self, byte_count: int, span_ms: float, t_ns: int, *, is_late: bool) -> None:
        """Note the bytes after a burst's first piece and the time over which they came [ms].

        A fall is believed at once where the message was late too, else when two bursts in a row tell it; a rise when
        most of the newest do.
        """
        burst = (t_ns, byte_count, max(span_ms, _LEAST_SPAN_MS))
        known_bps = self.rate_bps(t_ns)
        if known_bps is not None:
            low_bps = self._cfg.drop_share * known_bps
            is_low = _rate_bps([burst]) < low_bps
            again = bool(self._bursts) and _rate_bps([self._bursts[-1]]) < low_bps
            if is_low and (is_late or again):
                kept = [self._bursts[-1]] if again else []
                self._bursts.clear()
                self._bursts.extend(kept)
        self._bursts.append(burst)
        self._last = t_ns, self._newest_bps()

    def rate_bps(self, now_ns: int) -> float | None:
        """Bit rate of the bottleneck [bit/s]; None before the first burst.

        Small messages come in one piece and tell nothing: the last estimate then stands, and doubles every second once
        it is old, until messages are large enough to tell again.
        """
        while self._bursts and now_ns - self._bursts[0][0] > self._cfg.age_s * NS_PER_S:
            self._bursts.popleft()
        if self._bursts:
            return self._newest_bps()
        if self._last is None:
            return None
        t_ns, last_bps = self._last
        return last_bps * 2.0 ** min((now_ns - t_ns) / NS_PER_S - self._cfg.age_s, _MOST_DOUBLINGS)

    def _newest_bps(self) -> float:
        bursts = list(self._bursts)
        if len(bursts) >= 5:
            bursts = sorted(bursts, key=lambda each: each[1] / each[2])[1:-1]
        return _rate_bps(bursts)


def _rate_bps(bursts: list[tuple[int, int, float]]) -> float:
    return 8e3 * sum(count for _, count, _ in bursts) / sum(span_ms for _, _, span_ms in bursts)
