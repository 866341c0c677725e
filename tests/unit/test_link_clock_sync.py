from __future__ import annotations

import bisect

import numpy as np
import pytest

from teletwin.link.clock_sync import ClockSync
from teletwin.link.delay import DelayLine
from teletwin.messages import LinkSettings

MS = 1_000_000
S = 1_000_000_000


def _errors_ms(up_ns, down_ns, peer_clock, *, duration_s=30.0, rate_hz=100):
    """Times [s] and errors [ms] of the estimate; up_ns and down_ns give arrival times of what is sent at t."""
    sync = ClockSync()
    sends = [round(k * S / rate_hz) for k in range(round(duration_s * rate_hz))]
    ups = [(due, t) for t in sends for due in up_ns(t)]
    downs = [(due, t) for t in sends for due in down_ns(t)]
    arrivals = [due for due, _ in ups]
    rows = []
    for arrived, replied in downs:
        newest = bisect.bisect_right(arrivals, replied) - 1
        if newest < 0:
            continue
        heard, sent = ups[newest]
        sync.observe(sent_ns=sent, heard_ns=peer_clock(heard), replied_ns=peer_clock(replied), arrived_ns=arrived)
        rows.append((arrived / S, (sync.offset_ns(arrived) - (peer_clock(arrived) - arrived)) / MS))
    return np.array(rows), sync


def _line(seed, **settings):
    line = DelayLine(LinkSettings(**settings), seed)
    return lambda t: line.offer(t, 300)


def _lying(t_ns):
    return round(t_ns * (1.0 + 100e-6)) + 3 * S


def test_a_clock_that_is_three_seconds_off_and_drifts_is_followed():
    rows, sync = _errors_ms(_line(1, delay_ms=60.0), _line(2, delay_ms=60.0), _lying)
    assert abs(rows[:, 1]).max() < 0.1
    assert sync.drift_ppm == pytest.approx(100.0, abs=5.0)
    assert sync.round_trip_ns == pytest.approx(120 * MS, abs=MS)


def test_jitter_is_averaged_out_and_the_locked_estimate_does_not_jump():
    jitter = {"delay_ms": 60.0, "jitter_ms": 10.0, "loss": 0.02}
    rows, _ = _errors_ms(_line(1, **jitter), _line(2, **jitter), _lying)
    settled = rows[rows[:, 0] > 10.0]
    assert np.sqrt(np.mean(settled[:, 1] ** 2)) < 4.0
    a_second_later = np.interp(settled[:-200, 0] + 1.0, settled[:, 0], settled[:, 1])
    assert abs(a_second_later - settled[:-200, 1]).max() < 2.4  # ms: the slew and the drift itself


def test_queueing_in_one_direction_only_leaves_a_small_share_of_itself():
    rng = np.random.default_rng(3)
    last = [0]

    def queued(t):
        last[0] = max(last[0], t + 40 * MS + round(rng.exponential(10.0) * MS))
        return [last[0]]

    rows, _ = _errors_ms(queued, _line(2, delay_ms=40.0), _lying)
    settled = rows[rows[:, 0] > 10.0]
    assert abs(settled[:, 1]).max() < 2.5  # the plain mean would be off by 5 and more


def test_a_clock_that_is_set_anew_is_found_again():
    def stepping(t_ns):
        return t_ns + (5 * S if t_ns > 15 * S else 0)

    rows, _ = _errors_ms(_line(1, delay_ms=20.0), _line(2, delay_ms=20.0), stepping)
    assert abs(rows[rows[:, 0] > 17.0][:, 1]).max() < 1.0


def test_nothing_is_claimed_before_the_first_exchange_and_one_is_enough_for_a_start():
    sync = ClockSync()
    assert not sync.is_known
    assert sync.offset_ns(123) == 0
    sync.observe(sent_ns=0, heard_ns=S + 10 * MS, replied_ns=S + 15 * MS, arrived_ns=25 * MS)
    assert sync.is_known
    assert sync.offset_ns(25 * MS) == S


def test_impossible_stamps_are_ignored():
    sync = ClockSync()
    sync.observe(sent_ns=0, heard_ns=50 * MS, replied_ns=10 * MS, arrived_ns=60 * MS)
    sync.observe(sent_ns=50 * MS, heard_ns=0, replied_ns=40 * MS, arrived_ns=60 * MS)
    assert not sync.is_known
