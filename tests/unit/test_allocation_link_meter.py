"""The link meter on the imitated link: it follows a bottleneck down and up, and is not shaken by jitter and loss."""

from __future__ import annotations

import heapq

import numpy as np
import pytest

from teletwin.clock import NS_PER_MS, NS_PER_S
from teletwin.link.delay import DelayLine
from teletwin.messages import LinkSettings
from teletwin.session.allocation.burst_rate import BurstRate
from teletwin.session.allocation.link_meter import LinkMeter
from teletwin.session.allocation.usual_delay import UsualDelay

PIECE_BYTES = 1192
UPDATE_BYTES = 850
FRAME_NS = NS_PER_S // 30
DRAW_MS = 6.0


class Way:
    """Frames and updates through one bottleneck and a delay line each, frames acknowledged over a delay of 10 ms.

    Args:
        mbps: Rate of the bottleneck at a time [s].
        asked_bps: Bit rate of the frames given what the meter thinks.
    """

    def __init__(self, mbps, asked_bps, *, jitter_ms=0.0, loss=0.0, updates_hz=50.0, burst_bytes=0.0, seed=1) -> None:
        self.meter = LinkMeter()
        self._mbps, self._asked_bps, self._burst_bytes = mbps, asked_bps, burst_bytes
        self._bottleneck = DelayLine(LinkSettings(), seed)
        self._line = DelayLine(LinkSettings(delay_ms=10.0, jitter_ms=jitter_ms, loss=loss), seed + 1)
        self._updates_ns = int(NS_PER_S / updates_hz)
        self._acks: list[tuple[int, int, int, float, float]] = []
        self._bucket, self._filled_ns = burst_bytes, 0
        self.rows: list[tuple[float, float, float]] = []
        """Time [s], capacity [Mb/s], queue [ms], every 100 ms."""
        self._under_way = 0

    def run(self, seconds: float) -> np.ndarray:
        frame_id = 0
        for t_ns in range(0, int(seconds * NS_PER_S), NS_PER_MS):
            self._bottleneck.settings = LinkSettings(rate_mbps=self._mbps(t_ns * 1e-9))
            if t_ns % self._updates_ns < NS_PER_MS:
                self._pass(t_ns, UPDATE_BYTES)
            self._hear(t_ns)
            if t_ns % FRAME_NS < NS_PER_MS and self._under_way < 3:
                frame_id += 1
                self._send(frame_id, t_ns)
            if t_ns % (100 * NS_PER_MS) == 0:
                self.rows.append((t_ns * 1e-9, 1e-6 * self.meter.capacity_bps(t_ns), self.meter.queue_ms(t_ns)))
        return np.array(self.rows)

    def _pass(self, t_ns: int, size: int) -> int | None:
        """When a packet arrives [ns]; with a token bucket the first bytes after a pause pass at once."""
        self._bucket = min(
            self._bucket + self._mbps(t_ns * 1e-9) * 1e-3 / 8.0 * (t_ns - self._filled_ns), self._burst_bytes
        )
        self._filled_ns = t_ns
        if self._bucket >= size:
            self._bucket -= size
            size = 1
        left = self._bottleneck.offer(t_ns, size)
        arrived = self._line.offer(left[0], size) if left else []
        return arrived[0] if arrived else None

    def _send(self, frame_id: int, t_ns: int) -> None:
        asked_bps = self._asked_bps(self.meter.capacity_bps(t_ns))
        count = max(int(asked_bps / 30.0 / 8.0 / PIECE_BYTES), 1)
        self.meter.sent(frame_id, count * PIECE_BYTES, t_ns)
        self._under_way += 1
        arrived = [self._pass(t_ns, PIECE_BYTES) for _ in range(count)]
        whole = [each for each in arrived if each is not None]
        if len(whole) < count:
            heapq.heappush(self._acks, (t_ns + NS_PER_S, frame_id, 0, 0.0, 0.0))
            return
        span_ms = (whole[-1] - whole[0]) / NS_PER_MS if count >= 3 else 0.0
        drawn_ns = whole[-1] + int(DRAW_MS * NS_PER_MS)
        burst, arrival_ms = (count - 1) * PIECE_BYTES, (whole[-1] - t_ns) / NS_PER_MS
        heapq.heappush(self._acks, (drawn_ns + 10 * NS_PER_MS, frame_id, burst, span_ms, arrival_ms))

    def _hear(self, t_ns: int) -> None:
        while self._acks and self._acks[0][0] <= t_ns:
            ack_ns, frame_id, burst, span_ms, arrival_ms = heapq.heappop(self._acks)
            self._under_way -= 1
            if arrival_ms:
                self.meter.acknowledged(
                    frame_id, burst_bytes=burst, span_ms=span_ms, arrival_ms=arrival_ms, t_ns=ack_ns
                )


def squeezed(t_s: float) -> float:
    return 1.5 if 3.0 <= t_s < 6.0 else 8.0


def within(rows: np.ndarray, start_s: float, end_s: float) -> np.ndarray:
    return rows[(rows[:, 0] >= start_s) & (rows[:, 0] < end_s)]


def test_it_follows_a_link_down_within_three_ticks_and_up_within_a_second_and_a_half():
    rows = Way(squeezed, lambda capacity_bps: min(0.7 * capacity_bps, 5e6)).run(9.0)
    assert within(rows, 1.0, 3.0)[:, 1] == pytest.approx(8.0, rel=0.15)
    assert within(rows, 3.3, 6.0)[:, 1] == pytest.approx(1.5, rel=0.25)
    assert within(rows, 7.5, 9.0)[:, 1] == pytest.approx(8.0, rel=0.15)
    assert within(rows, 3.1, 3.3)[:, 1].max() < 5.0, "known before the first late frame has come"
    assert within(rows, 4.0, 6.0)[:, 2].max() == 0.0, "the queue is gone"


def test_jitter_and_lost_frames_do_not_shake_it():
    way = Way(lambda _: 8.0, lambda _: 4e6, jitter_ms=8.0, loss=0.003)
    rows = within(way.run(9.0), 1.0, 9.0)
    assert way.meter.lost_count > 1
    assert np.quantile(rows[:, 1], [0.1, 0.5, 0.9]) == pytest.approx(8.0, rel=0.3)
    assert np.mean(rows[:, 2] > 0.0) < 0.1, "jitter is no queue"


def test_where_bursts_pass_faster_than_a_stream_could_the_queue_tells_the_truth():
    rows = Way(lambda _: 2.0, lambda capacity_bps: 0.8 * min(capacity_bps, 8e6), burst_bytes=15_000.0).run(12.0)
    late = within(rows, 3.0, 12.0)
    assert np.median(late[:, 1]) < 5.0, "not the 24 Mb/s at which pieces come"
    assert np.mean(late[:, 2]) < 60.0


def test_a_link_that_nothing_limits_is_as_good_as_unlimited():
    meter = LinkMeter()
    assert meter.capacity_bps(0) == 200e6
    assert not meter.is_known(0)
    for k in range(10):
        meter.sent(k, 9000, k * FRAME_NS)
        meter.acknowledged(k, burst_bytes=8000, span_ms=0.0, arrival_ms=7.0, t_ns=k * FRAME_NS + 8_000_000)
    assert meter.capacity_bps(10 * FRAME_NS) == 200e6
    assert meter.queue_ms(10 * FRAME_NS) == meter.backlog_bytes(10 * FRAME_NS) == 0.0
    assert not meter.is_known(12 * NS_PER_S), "without any word nothing is known"


def test_small_frames_without_a_burst_still_tell_a_queue():
    meter = LinkMeter()
    for k in range(40):
        late_ms = 90.0 if k >= 30 else 0.0
        t_ns = k * FRAME_NS
        meter.sent(k, 900, t_ns)
        ack_ns = t_ns + int((17.0 + late_ms) * NS_PER_MS)
        meter.acknowledged(k, burst_bytes=0, span_ms=0.0, arrival_ms=7.0 + late_ms, t_ns=ack_ns)
    assert meter.queue_ms(40 * FRAME_NS) == pytest.approx(90.0, abs=1.0)
    assert meter.capacity_bps(40 * FRAME_NS) < 0.5e6, "what is delivered under a queue is all there is"


def test_acknowledgements_of_unknown_or_old_frames_change_nothing():
    meter = LinkMeter()
    meter.sent(5, 1000, 0)
    for frame_id in (4, 6, 6, -1):
        meter.acknowledged(frame_id, burst_bytes=900, span_ms=1.0, arrival_ms=5.0, t_ns=10)
    assert not meter.is_known(20)
    assert meter.lost_count == 1


def test_one_slow_burst_is_noise_and_two_are_a_slower_link():
    rate = BurstRate()
    for k in range(6):
        rate.add(10_000, 10.0, k, is_late=False)
    rate.add(10_000, 60.0, 6, is_late=False)
    assert rate.rate_bps(6) == pytest.approx(8e6)
    rate.add(10_000, 60.0, 7, is_late=False)
    assert rate.rate_bps(7) == pytest.approx(8e6 / 6)
    assert rate.rate_bps(4 * NS_PER_S) == pytest.approx(8e6 / 6 * 2**2.5), "old: believed less and less"


def test_the_usual_delay_is_neither_its_shortest_nor_that_of_a_queue():
    usual = UsualDelay()
    assert not usual.is_known
    for k in range(100):
        usual.add(1.0 if k == 50 else 20.0 + (100.0 if k > 70 else 0.0), k * FRAME_NS)
    assert usual.base_ms == 20.0
    assert usual.spread_ms == 0.0


def test_the_meter_starts_on_a_clock_that_has_run_for_a_year():
    meter, t_ns = LinkMeter(), 400 * 86_400 * NS_PER_S
    for number in range(20):
        meter.sent(number, 10_000, t_ns)
        t_ns += 40 * NS_PER_MS
        meter.acknowledged(number, burst_bytes=8_800, span_ms=8.8, arrival_ms=15.0, t_ns=t_ns)
    assert meter.capacity_bps(t_ns) == pytest.approx(8e6)


def test_a_link_of_which_small_pictures_tell_nothing_is_trusted_again_step_by_step():
    bursts = BurstRate()
    assert bursts.rate_bps(0) is None
    for k in range(10):
        bursts.add(1_000, 8.0, k * 30 * NS_PER_MS, is_late=False)
    last_ns = 9 * 30 * NS_PER_MS
    assert bursts.rate_bps(last_ns + NS_PER_S) == pytest.approx(1e6)
    assert bursts.rate_bps(last_ns + int(2.5 * NS_PER_S)) == pytest.approx(2e6)
    assert bursts.rate_bps(last_ns + 10**6 * NS_PER_S) < float("inf")
