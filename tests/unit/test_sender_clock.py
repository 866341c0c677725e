"""Stamps of another clock: mapped by the shortest way, and bounded whatever the sender says."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.sender_clock import SenderClock

MS = 1_000_000
APART_NS = 77_000 * MS


def stamps(*, count=600, period_ms=16.7, late_ms=None, drift_ppm=0.0, seed=0):
    rng = np.random.default_rng(seed)
    sent = (period_ms * np.arange(1, count + 1) * MS).astype(int)
    late = rng.exponential(late_ms or 6.0, count) * MS
    received = APART_NS + (sent * (1.0 + 1e-6 * drift_ppm) + 0.3 * MS + late).astype(int)
    return [(int(s), int(r)) for s, r in zip(sent, received, strict=True)]


@pytest.mark.parametrize("drift_ppm", [0.0, 100.0, -100.0])
def test_events_keep_their_own_times_however_late_they_are_handled(drift_ppm):
    clock, errors = SenderClock(), []
    for sent, received in stamps(drift_ppm=drift_ppm):
        clock.learn(sent, received)
        errors.append(clock.at(sent, received) - APART_NS - sent * (1.0 + 1e-6 * drift_ppm))
    assert np.abs(np.diff(errors[200:])).max() < 0.5 * MS
    assert np.abs(np.median(errors[200:])) < 2.0 * MS


def test_no_stamp_comes_from_the_future_or_from_long_ago():
    rng, clock = np.random.default_rng(3), SenderClock()
    for k in range(3000):
        received = APART_NS + k * 4 * MS
        lie = int(rng.choice([0, 1, -1, 2**53, -(2**53), int(rng.integers(-(10**12), 10**12))]))
        clock.learn(k * 4 * MS + lie, received)
        claimed = None if k % 3 else received + int(rng.integers(-(10**12), 10**12))
        t_ns = clock.at(k * 4 * MS + lie, received, claimed_ns=claimed)
        assert received - 250 * MS <= t_ns <= received


def test_a_way_that_the_sender_measured_is_believed_up_to_a_bound():
    clock = SenderClock()
    clock.learn(0, 100 * MS)
    assert clock.at(0, 100 * MS, claimed_ns=80 * MS) == 80 * MS
    assert clock.at(0, 100 * MS, claimed_ns=0) == 40 * MS
    assert clock.at(0, 100 * MS, claimed_ns=500 * MS) == 100 * MS


def test_a_clock_that_stood_still_is_found_anew_within_a_second():
    clock = SenderClock()
    for k in range(100):
        clock.learn(k * 16 * MS, APART_NS + k * 16 * MS)
    for k in range(100, 300):  # the sender slept for a minute, and its clock with it
        received = APART_NS + 60_000 * MS + k * 16 * MS
        clock.learn(k * 16 * MS, received)
        if k > 170:
            assert clock.at(k * 16 * MS, received) == received


def test_a_stall_and_its_burst_do_not_move_the_clock():
    clock = SenderClock()
    for k in range(100):
        clock.learn(k * 16 * MS, APART_NS + k * 16 * MS)
    for k in range(100, 112):
        received = APART_NS + 112 * 16 * MS + k
        clock.learn(k * 16 * MS, received)
        assert clock.at(k * 16 * MS, received) == APART_NS + k * 16 * MS


@pytest.mark.parametrize("grain_ms", [100.0, 1000.0 / 60.0])
def test_a_coarsened_clock_is_not_used(grain_ms):
    clock = SenderClock()
    for k in range(12):
        received = APART_NS + k * 437 * MS
        coarse = round(np.floor(437 * k / grain_ms) * grain_ms * MS)
        clock.learn(coarse, received, is_by_timer=True)
    assert clock.is_coarse
    assert clock.at(coarse, received) == received


def test_inputs_at_the_screens_own_rate_are_not_taken_for_a_coarsened_clock():
    clock = SenderClock()
    for k in range(200):
        clock.learn(round(k * 1000 / 60 * MS), APART_NS + round(k * 1000 / 60 * MS) + (k % 7) * MS)
    assert not clock.is_coarse
