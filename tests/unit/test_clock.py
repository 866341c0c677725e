"""Clocks and pacing."""

from teletwin.clock import NS_PER_MS, SystemClock, Ticker, VirtualClock


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
