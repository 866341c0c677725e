from __future__ import annotations

import numpy as np
import pytest

from teletwin.arm.resample import CommandResampler, ResamplerCfg
from teletwin.errors import ConfigError

MS = 1_000_000


def drive(
    resampler, *, stop_ms, send_every_ms=4, transit_ms=lambda k: 20.0, motion, start_ms=0, sending=lambda t: True
):
    """Commands every send_every_ms with a transit, sampled every 2 ms; returns times [s] and set-points."""
    arrivals = []
    for k, t_ms in enumerate(range(start_ms, stop_ms, send_every_ms)):
        if sending(t_ms):
            arrivals.append((round((t_ms + transit_ms(k)) * MS), t_ms * MS))
    arrivals.sort()
    out, index = [], 0
    for now_ms in range(start_ms, stop_ms, 2):
        now = now_ms * MS
        while index < len(arrivals) and arrivals[index][0] <= now:
            stamp = arrivals[index][1]
            q, qd = motion(stamp / 1e9)
            resampler.push(stamp, q, qd, now_ns=arrivals[index][0])
            index += 1
        out.append((now_ms / 1e3, resampler.sample(now)))
    return out


def sine(t):
    return 0.2 * np.sin(3.0 * t) * np.ones(6), 0.6 * np.cos(3.0 * t) * np.ones(6)


def test_a_steady_link_gives_the_motion_delayed_by_the_transit_only():
    result = drive(CommandResampler(), stop_ms=2000, motion=sine)
    error = [abs(item.q[0] - sine(t - 0.020)[0][0]) for t, item in result if t > 0.5]
    assert max(error) < 1e-4


def test_jitter_is_smoothed_away():
    rng = np.random.default_rng(3)
    jitter = 20.0 + np.abs(rng.normal(0.0, 4.0, 1000))
    result = drive(CommandResampler(), stop_ms=3000, motion=sine, transit_ms=lambda k: jitter[k])
    tail = [(t, item.q[0]) for t, item in result if t > 1.5]
    error = np.array([q - sine(t - 0.0232)[0][0] for t, q in tail])
    assert np.abs(error).max() < 0.004
    steps = np.abs(np.diff([q for _, q in tail]))
    assert steps.max() < 0.6 * 0.002 * 3.0


def test_a_silent_link_brings_the_arm_to_rest_within_100_ms_and_counts_one_hold():
    resampler = CommandResampler()
    result = drive(resampler, stop_ms=1500, motion=sine, sending=lambda t: t < 500)
    q = np.array([item.q[0] for _, item in result])
    silent = [k for k, (t, _) in enumerate(result) if t > 0.52 + 0.1]
    assert np.ptp(q[silent]) == 0.0
    assert result[-1][1].held
    assert resampler.held_count == 1
    braking = q[[k for k, (t, _) in enumerate(result) if t > 0.3]]
    assert np.abs(np.diff(braking, 2)).max() / 0.002**2 < 40.0


def test_the_link_comes_back_without_a_jump():
    resampler = CommandResampler()
    result = drive(resampler, stop_ms=3000, motion=sine, sending=lambda t: t < 500 or t > 1500)
    q = np.array([item.q[0] for _, item in result])
    assert np.abs(np.diff(q)).max() < 2.0 * 0.002
    assert q[-1] == pytest.approx(sine(2.998 - 0.020)[0][0], abs=1e-3)
    assert resampler.held_count == 1


def test_the_first_command_is_approached_from_where_the_arm_stands():
    resampler = CommandResampler()
    resampler.reset(np.full(6, -0.3))
    assert resampler.sample(0).held
    result = drive(resampler, stop_ms=2500, motion=lambda t: (np.full(6, 0.1), np.zeros(6)))
    q = np.array([item.q[0] for _, item in result])
    assert q[0] == pytest.approx(-0.3)
    assert np.abs(np.diff(q)).max() < 1.5 * 0.002
    assert q[-1] == pytest.approx(0.1)


def test_a_link_that_gets_faster_is_used_at_once_and_a_slower_one_does_not_jump():
    resampler = CommandResampler()
    result = drive(resampler, stop_ms=3000, motion=sine, transit_ms=lambda k: 60.0 if k < 250 else 10.0)
    late = [(t, item) for t, item in result if 1.2 < t < 1.3]
    assert max(abs(item.q[0] - sine(t - 0.020)[0][0]) for t, item in late) < 0.003


def test_old_and_broken_commands_are_counted_and_left_out():
    resampler = CommandResampler()
    ok, zero = np.ones(6), np.zeros(6)
    assert resampler.push(10 * MS, ok, zero, now_ns=20 * MS)
    assert not resampler.push(10 * MS, ok, zero, now_ns=20 * MS)
    assert not resampler.push(5 * MS, ok, zero, now_ns=21 * MS)
    assert not resampler.push(30 * MS, np.full(6, np.nan), zero, now_ns=31 * MS)
    assert not resampler.push(30 * MS, np.ones(5), zero, now_ns=31 * MS)
    assert (resampler.stale_count, resampler.refused_count) == (2, 2)


def test_reset_forgets_the_commands():
    resampler = CommandResampler()
    drive(resampler, stop_ms=200, motion=sine)
    resampler.reset(np.full(6, 0.7))
    sample = resampler.sample(300 * MS)
    assert sample.held
    np.testing.assert_array_equal(sample.q, np.full(6, 0.7))


def test_settings_out_of_range_are_refused():
    with pytest.raises(ConfigError, match="hold_after_s"):
        ResamplerCfg(hold_after_s=0.0)


def test_without_a_reset_the_first_command_is_taken_as_it_is():
    resampler = CommandResampler()
    assert resampler.sample(0).held
    resampler.push(MS, np.full(6, 1.5), np.zeros(6), now_ns=10 * MS)
    np.testing.assert_array_equal(resampler.sample(10 * MS).q, np.full(6, 1.5))


def test_a_silence_in_which_nobody_sampled_is_a_hold_too():
    resampler = CommandResampler()
    resampler.push(0, np.zeros(6), np.zeros(6), now_ns=10 * MS)
    resampler.sample(12 * MS)
    resampler.push(500 * MS, np.full(6, 0.4), np.zeros(6), now_ns=510 * MS)
    assert resampler.held_count == 1
    assert np.abs(resampler.sample(512 * MS).q).max() < 0.01


def test_a_first_command_that_comes_while_the_tick_runs_and_changes_nothing_is_taken():
    resampler = CommandResampler()
    resampler.reset(np.zeros(6))
    assert resampler.push(10 * MS, np.zeros(6), np.zeros(6), now_ns=30 * MS + 1)
    np.testing.assert_array_equal(resampler.sample(30 * MS).q, np.zeros(6))


def test_the_way_back_from_a_silence_begins_where_the_joints_were_brought_to_rest_meanwhile():
    resampler, rest, goal = CommandResampler(), np.full(6, 0.2), np.full(6, 0.5)
    drive(resampler, stop_ms=200, motion=sine)
    resampler.rest_at(rest)
    way = []
    for now_ms in range(500, 1300, 2):
        resampler.push(now_ms * MS, goal, np.zeros(6), now_ns=(now_ms + 10) * MS)
        way.append(resampler.sample((now_ms + 10) * MS).q[0])
    assert way[0] == pytest.approx(0.2, abs=1e-3)
    assert np.diff(way).min() >= -1e-9, "straight there, never back"
    assert way[-1] == pytest.approx(0.5)


def test_what_was_commanded_before_is_forgotten_at_a_word():
    resampler = CommandResampler()
    resampler.push(100 * MS, np.full(6, -1.0), np.zeros(6), now_ns=110 * MS)
    resampler.forget()
    resampler.push(102 * MS, np.full(6, 0.3), np.zeros(6), now_ns=112 * MS)
    np.testing.assert_array_equal(resampler.sample(112 * MS).q, np.full(6, 0.3))


def test_after_a_rest_a_time_line_that_moved_back_is_taken_up():
    resampler = CommandResampler()
    resampler.push(500 * MS, np.zeros(6), np.zeros(6), now_ns=500 * MS)
    resampler.rest_at(np.zeros(6))
    assert not resampler.push(450 * MS, np.ones(6), np.zeros(6), now_ns=502 * MS), "overtaken by the newest"
    assert resampler.push(100 * MS, np.zeros(6), np.zeros(6), now_ns=504 * MS)


def test_an_arm_in_motion_is_not_stopped_dead_where_its_time_line_moves():
    resampler, way = CommandResampler(), []
    for now_ms in range(0, 800, 2):
        wrong_ms = 170 if now_ms < 400 else 0
        q = np.full(6, 0.5 * now_ms / 1e3)
        resampler.push((now_ms + wrong_ms) * MS, q, np.full(6, 0.5), now_ns=(now_ms + 10) * MS)
        way.append(resampler.sample((now_ms + 10) * MS).q[0])
    speeds = np.diff(way) / 0.002
    assert np.abs(np.diff(speeds[5:])).max() < 0.07, "30 rad/s^2 for a tick, no leap of 0.5 rad/s"
    assert speeds.min() >= -1e-9
    assert resampler.held_count == 1


def test_a_time_line_that_moved_back_is_taken_up_at_once_and_without_a_jump():
    resampler, out = CommandResampler(), []
    for now_ms in range(0, 1600, 2):
        wrong_ms = 250 if 300 <= now_ms < 700 else 0  # the estimate of the sender's clock, before it is put right
        q, qd = sine((now_ms - 10) / 1e3)
        if now_ms % 4 == 0:
            resampler.push((now_ms - 10 + wrong_ms) * MS, q, qd, now_ns=now_ms * MS)
        out.append(resampler.sample(now_ms * MS))
    assert not any(item.held for item in out[5:])
    assert np.abs(np.diff([item.q[0] for item in out])).max() < 0.008
    assert abs(out[-1].q[0] - sine((1600 - 12) / 1e3)[0][0]) < 0.01
    assert resampler.held_count == 1
