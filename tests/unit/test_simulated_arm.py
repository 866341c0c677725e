from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.simulated import START_Q, SimulatedArm, SimulatedArmCfg
from teletwin.clock import VirtualClock


def drive(seed):
    clock, rng = VirtualClock(), np.random.default_rng(seed)
    arm = SimulatedArm(clock)
    q, out = np.array(START_Q), []
    for k in range(300):
        q = q + rng.normal(0.0, 0.001, 6)
        arm.servo(q)
        clock.sleep_until(2_000_000 * (k + 1))
        arm.advance()
        out.append(arm.state().q.tobytes())
    return b"".join(out)


def test_the_same_calls_give_the_same_bytes():
    assert drive(5) == drive(5)
    assert drive(5) != drive(6)


def test_time_passes_only_in_whole_cycles_of_advance():
    clock = VirtualClock()
    arm = SimulatedArm(clock)
    arm.servo(np.array(START_Q) + 0.1)
    clock.sleep_until(50_000_000)
    assert arm.state().t_ns == 0
    arm.advance(5_000_000)
    assert arm.state().t_ns == 4_000_000
    arm.advance()
    assert arm.state().t_ns == 50_000_000


def test_longer_transport_makes_a_later_arm():
    moved = []
    for delay_s in (0.0, 0.02):
        clock = VirtualClock()
        arm = SimulatedArm(clock, SimulatedArmCfg(transport_delay_s=delay_s))
        arm.servo(np.array(START_Q) + 0.1)
        clock.sleep_until(40_000_000)
        arm.advance()
        moved.append(arm.state().q[0] - START_Q[0])
    assert moved[0] > moved[1] + 0.01


def test_reset_puts_the_arm_at_rest_where_told():
    clock = VirtualClock()
    arm = SimulatedArm(clock)
    arm.servo(np.array(START_Q) + 0.3)
    clock.sleep_until(100_000_000)
    arm.advance()
    arm.reset(np.array(START_Q))
    clock.sleep_until(200_000_000)
    arm.advance()
    np.testing.assert_allclose(arm.state().q, START_Q, atol=1e-6)


def moving_with_the_clock(step_rad):
    clock = VirtualClock()
    arm = SimulatedArm(clock, SimulatedArmCfg(follows_clock=True, watchdog_s=0.0))
    for k in range(100):
        arm.servo(np.array(START_Q) + step_rad * k)
        clock.sleep_until(2_000_000 * (k + 1))
        assert arm.state().t_ns == clock.now_ns()
    return arm, clock


def test_an_arm_that_follows_the_clock_has_moved_whenever_somebody_looks():
    arm, _ = moving_with_the_clock(0.0005)
    assert arm.state().qd[0] > 0.1


def test_who_has_not_looked_for_a_minute_finds_it_at_rest_at_once():
    arm, clock = moving_with_the_clock(0.002)
    clock.sleep_until(60_000_000_000)
    seen = arm.state()
    assert seen.t_ns == clock.now_ns()
    assert seen.fault == ""
    np.testing.assert_allclose(seen.qd, 0.0, atol=1e-3)


def test_set_points_at_half_the_rate_are_no_gaps():
    """Between two of them the arm goes on as at the full rate: nothing brakes, nothing has to be joined."""
    ways = []
    for cycles in (1, 2):
        clock = VirtualClock()
        arm = SimulatedArm(clock, SimulatedArmCfg(period_s=0.002 * cycles))
        way = []
        for k in range(400):
            if k % cycles == 0:
                arm.servo(np.array(START_Q) + 0.2 * (1.0 - np.cos(0.01 * k)))
            clock.sleep_until(2_000_000 * (k + 1))
            arm.advance()
            way.append(arm.state().q[0])
        ways.append(way)
    np.testing.assert_allclose(ways[1], ways[0], atol=1e-4)


@pytest.mark.parametrize("cycles", [1, 2, 4])
def test_an_arm_in_this_process_does_not_mind_ticks_that_are_late_by_a_part_of_their_period(cycles):
    """A late tick is no gap in the stream: braking, and joining again, would leave the arm behind for half a second."""
    period_ns, errors_rad = 2_000_000 * cycles, []
    for late_share in (0.0, 0.4):
        clock, rng = VirtualClock(), np.random.default_rng(3)
        arm = SimulatedArm(clock, SimulatedArmCfg(period_s=1e-9 * period_ns, follows_clock=True, watchdog_s=0.0))
        squares = []
        for due_ns in range(period_ns, 3_000_000_000, period_ns):
            clock.sleep_until(due_ns + int(late_share * period_ns * rng.exponential()) % (9 * period_ns // 10))
            arm.servo(np.array(START_Q) + 0.2 * (1.0 - np.cos(3e-9 * due_ns)))
            seen = arm.state()
            squares.append((seen.q[0] - START_Q[0] - 0.2 * (1.0 - np.cos(3e-9 * seen.t_ns))) ** 2)
        errors_rad.append(np.sqrt(np.mean(squares)))
    assert errors_rad[1] < 1.1 * errors_rad[0]
