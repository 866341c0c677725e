"""Clocks and pacing."""

import pytest

from teletwin.clock import NS_PER_MS, ShiftedClock, SystemClock, Ticker, TickLength, VirtualClock


class Late(VirtualClock):
    """Wakes this much too late, once."""

    late_ns = 0

    def sleep_until(self, t_ns):
        super().sleep_until(t_ns + self.late_ns)
        self.late_ns = 0


def test_a_virtual_clock_moves_only_forward():
    clock = VirtualClock(start_ns=5)
    clock.sleep_until(3)
    assert clock.now_ns() == 5
    clock.sleep_until(9)
    assert clock.now_ns() == 9


def test_a_lying_clock_is_off_by_what_it_was_told():
    assert 2_900 < (SystemClock(offset_ns=3_000 * NS_PER_MS).now_ns() - SystemClock().now_ns()) / NS_PER_MS < 3_100


def test_ticks_keep_their_period():
    ticker = Ticker(VirtualClock(), period_ns=2 * NS_PER_MS)
    assert [ticker.wait() for _ in range(3)] == [(2 * NS_PER_MS, 0), (4 * NS_PER_MS, 0), (6 * NS_PER_MS, 0)]


def test_a_late_tick_skips_and_never_piles_up():
    clock = Late()
    ticker = Ticker(clock, period_ns=2 * NS_PER_MS)
    clock.late_ns = 7 * NS_PER_MS
    assert ticker.wait() == (9 * NS_PER_MS, 7 * NS_PER_MS)
    assert ticker.wait() == (10 * NS_PER_MS, 0)


def test_a_clock_that_is_too_fast_drifts_off_and_wakes_when_it_says():
    true = VirtualClock(start_ns=5_000 * NS_PER_MS)
    fast = ShiftedClock(true, offset_ns=7 * NS_PER_MS, drift_ppm=200.0)
    true.sleep_until(15_000 * NS_PER_MS)
    assert fast.now_ns() == 15_009 * NS_PER_MS
    fast.sleep_until(25_011 * NS_PER_MS)
    assert abs(true.now_ns() - 25_000 * NS_PER_MS) <= 1
    assert SystemClock(drift_ppm=-1e5).now_ns() <= SystemClock().now_ns()


def test_a_clock_that_is_set_back_stands_still_and_never_decreases():
    true = VirtualClock(start_ns=NS_PER_MS)
    clock = ShiftedClock(true, offset_ns=0)
    before_ns = clock.now_ns()
    clock.step(-2 * NS_PER_MS)
    true.sleep_until(2 * NS_PER_MS)
    assert clock.now_ns() == before_ns
    true.sleep_until(9 * NS_PER_MS)
    assert clock.now_ns() == 7 * NS_PER_MS


def test_a_tick_is_as_long_as_it_was_but_for_the_first_and_where_the_clock_was_set_anew():
    def seconds(*times_ms):
        length = TickLength(usual_s=0.002)
        return [length.since_last(round(t_ms * NS_PER_MS)) for t_ms in times_ms][-1]

    assert seconds(9) == 0.002
    assert seconds(1, 4) == 0.003
    assert seconds(1, 1.000001) == 1e-4
    assert seconds(1, 2_001) == seconds(3, 1) == 0.002
    assert seconds(1, 3, 3, 3.3) == 0.002, "what is left of a tick after the clock stood still is not told"
    assert seconds(1, 3, 3, 3.3, 5.4) == pytest.approx(0.0021)
