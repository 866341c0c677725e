from __future__ import annotations

import itertools

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.link.delay import DelayLine
from teletwin.messages import LinkSettings

MS = 1_000_000


def _delays_ms(line, *, rate_hz, duration_s, size=900):
    period_ns = round(1e9 / rate_hz)
    times = [k * period_ns for k in range(round(duration_s * rate_hz))]
    return [[(due - t) / MS for due in line.offer(t, size)] for t in times], times


@pytest.mark.parametrize("rate_hz", [50, 500])
@pytest.mark.parametrize(("delay_ms", "jitter_ms"), [(60.0, 10.0), (50.0, 30.0), (12.0, 10.0)])
def test_the_mean_delay_is_what_was_asked_at_every_packet_rate(rate_hz, delay_ms, jitter_ms):
    means, spreads = [], []
    for seed in range(4):
        line = DelayLine(LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms), seed)
        delays = [d[0] for d in _delays_ms(line, rate_hz=rate_hz, duration_s=60.0)[0]]
        means.append(np.mean(delays))
        spreads.append(np.std(delays))
    # The mean of 240 s of a process with 100 ms of memory is known to about 3 % of its deviation.
    assert np.mean(means) == pytest.approx(delay_ms, abs=0.1 * jitter_ms)
    assert 0.7 * jitter_ms < np.mean(spreads) < 1.1 * jitter_ms


def test_packets_leave_in_order_and_never_before_they_entered():
    line = DelayLine(LinkSettings(delay_ms=15.0, jitter_ms=20.0, loss=0.05), 3)
    delays, times = _delays_ms(line, rate_hz=1000, duration_s=10.0)
    dues = [t + d[0] * MS for t, d in zip(times, delays, strict=True) if d]
    assert all(b >= a for a, b in itertools.pairwise(dues))
    assert min(d[0] for d in delays if d) >= 0.0


def test_jitter_is_correlated_over_tens_of_milliseconds():
    line = DelayLine(LinkSettings(delay_ms=60.0, jitter_ms=10.0), 5)
    delays = np.array([d[0] for d in _delays_ms(line, rate_hz=100, duration_s=100.0)[0]])
    centred = delays - delays.mean()

    def correlation(lag):
        return float(centred[:-lag] @ centred[lag:]) / float(centred @ centred)

    assert 0.25 < correlation(10) < 0.55  # exp(-1) = 0.37 after one time constant
    assert abs(correlation(60)) < 0.15


def test_shares_of_loss_and_duplication_are_as_asked():
    line = DelayLine(LinkSettings(delay_ms=5.0, loss=0.1, duplication=0.2), 1)
    counts = [len(d) for d in _delays_ms(line, rate_hz=1000, duration_s=20.0)[0]]
    assert counts.count(0) / len(counts) == pytest.approx(0.1, abs=0.015)
    assert counts.count(2) / len(counts) == pytest.approx(0.18, abs=0.015)


def test_reordered_packets_are_overtaken_and_no_others():
    line = DelayLine(LinkSettings(delay_ms=20.0, reordering=0.1), 1)
    delays, times = _delays_ms(line, rate_hz=100, duration_s=50.0)
    order = np.argsort([t + d[0] * MS for t, d in zip(times, delays, strict=True)], kind="stable")
    overtaken = sum(a > b for a, b in itertools.pairwise(order))
    assert overtaken / len(order) == pytest.approx(0.1, abs=0.03)


def test_the_bottleneck_fills_a_queue_of_200_ms_and_drops_the_rest():
    line = DelayLine(LinkSettings(rate_mbps=1.0), 1)
    delays, _ = _delays_ms(line, rate_hz=2000, duration_s=3.0, size=128)  # 2.05 Mb/s into 1 Mb/s
    through = [d[0] for d in delays if d]
    assert max(through) == pytest.approx(201.0, abs=2.0)
    assert len(through) / len(delays) == pytest.approx(0.52, abs=0.04)


def test_a_free_line_delivers_at_once():
    line = DelayLine(LinkSettings(), 0)
    assert line.offer(123_456_789, 100) == [123_456_789]
    assert line.offer(123_999_999, 100) == [123_999_999]


def test_settings_change_while_packets_flow_and_order_is_kept():
    line = DelayLine(LinkSettings(delay_ms=100.0), 0)
    dues = []
    for k in range(100):
        if k == 50:
            line.settings = LinkSettings(delay_ms=10.0)
        dues += line.offer(k * 10 * MS, 100)
    assert dues == sorted(dues)
    assert dues[0] == 100 * MS
    assert dues[-1] - 99 * 10 * MS == pytest.approx(10 * MS, abs=MS // 100)


def test_one_seed_gives_one_fate_and_another_seed_another():
    settings = LinkSettings(delay_ms=60.0, jitter_ms=10.0, loss=0.05, duplication=0.02, reordering=0.05)

    def fate(seed):
        return _delays_ms(DelayLine(settings, seed), rate_hz=200, duration_s=5.0)[0]

    assert fate(4) == fate(4)
    assert fate(4) != fate(5)


def test_losses_do_not_depend_on_the_delay_that_is_imitated():
    def lost(delay_ms, jitter_ms):
        line = DelayLine(LinkSettings(delay_ms=delay_ms, jitter_ms=jitter_ms, loss=0.2), 9)
        return [not d for d in _delays_ms(line, rate_hz=200, duration_s=5.0)[0]]

    assert lost(0.0, 0.0) == lost(80.0, 20.0)


def test_delay_after_a_long_silence_is_still_jittered_and_cheap():
    line = DelayLine(LinkSettings(delay_ms=60.0, jitter_ms=10.0), 2)
    delays = [line.offer(k * 3600 * 1_000 * MS, 100)[0] / MS - k * 3_600_000 for k in range(50)]
    assert 4.0 < np.std(delays) < 16.0


@pytest.mark.parametrize(
    "settings",
    [
        LinkSettings(delay_ms=-1.0),
        LinkSettings(jitter_ms=float("nan")),
        LinkSettings(loss=1.5),
        LinkSettings(rate_mbps=float("inf")),
        LinkSettings(delay_ms=1e9),
    ],
)
def test_an_impossible_network_is_refused(settings):
    with pytest.raises(ConfigError, match="allowed"):
        DelayLine(settings, 0)


@pytest.mark.parametrize("rate_hz", [100, 500])
def test_losses_in_bursts_take_the_share_that_was_asked_and_last_as_long_at_every_packet_rate(rate_hz):
    period_ms, shares, lengths_ms = 1e3 / rate_hz, [], []
    for seed in range(3):
        line = DelayLine(LinkSettings(delay_ms=5.0, loss=0.1, burst_ms=60.0), seed)
        delays, _ = _delays_ms(line, rate_hz=rate_hz, duration_s=250.0)
        runs = [(lost, sum(1 for _ in group)) for lost, group in itertools.groupby(delays, key=lambda d: not d)]
        shares.append(sum(count for lost, count in runs if lost) / len(delays))
        lengths_ms += [count * period_ms for lost, count in runs if lost]
    # 750 s hold about 1200 bursts; those shorter than the packets' spacing are seen as longer, or not at all.
    assert np.mean(shares) == pytest.approx(0.1, abs=0.015)
    assert np.mean(lengths_ms) == pytest.approx(60.0, rel=0.15)


def test_bursts_leave_the_other_draws_alone_and_total_loss_is_total():
    plain = LinkSettings(delay_ms=60.0, jitter_ms=10.0, duplication=0.2, reordering=0.1)
    bursty = LinkSettings(delay_ms=60.0, jitter_ms=10.0, duplication=0.2, reordering=0.1, loss=0.3, burst_ms=40.0)
    whole, holed = (_delays_ms(DelayLine(s, 7), rate_hz=200, duration_s=20.0)[0] for s in (plain, bursty))
    assert sum(not delays for delays in holed) > 500
    assert np.mean([len(a) == len(b) for a, b in zip(whole, holed, strict=True) if b]) == 1.0
    line = DelayLine(LinkSettings(loss=1.0, burst_ms=40.0), 0)
    assert not any(line.offer(k * MS, 100) for k in range(1000))
    line.settings = LinkSettings(burst_ms=40.0)
    assert all(line.offer((1000 + k) * MS, 100) for k in range(1000))
