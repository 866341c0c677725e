"""What is reported of an arm's smoothness: reversals, ticks at a limit, jerk, and the tool beside the hand."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.smoothness import SetPointTrack, ToolTrack

DT_S = 0.002
MOST = np.full(2, 40.0)


def told(accelerations):
    """Report of joints (n, 2) that are accelerated so [rad/s^2]."""
    track = SetPointTrack(acceleration=MOST, speed=np.full(2, 3.0))
    for q in DT_S**2 * np.cumsum(np.cumsum(accelerations, axis=0), axis=0):
        track.add(q, DT_S)
    return track.report()


def square_wave(size, *, count=500, period=20):
    wave = size * np.where(np.arange(count) % period < period // 2, 1.0, -1.0)
    return np.column_stack([wave, np.zeros(count)])


def test_reversals_count_from_a_quarter_of_the_limit_on():
    assert told(square_wave(9.9)).reversal_count == 0
    assert told(square_wave(11.0)).reversal_count == 49
    assert told(np.abs(square_wave(11.0))).reversal_count == 0


def test_ticks_at_the_limit_and_jerk_are_those_of_the_worst_joint():
    report = told(square_wave(40.0))
    assert report.limit_count == report.tick_count == 498
    assert report.jerk_max_rad_s3 == pytest.approx(2 * 40.0 / DT_S)
    assert told(square_wave(20.0)).limit_count == 0
    assert report.duration_s == pytest.approx(DT_S * 498)


def test_speed_at_its_limit_counts_too():
    track = SetPointTrack(acceleration=MOST, speed=np.full(2, 3.0))
    for k in range(10):
        track.add(np.array([3.0 * DT_S * k, 0.0]), DT_S)
    assert track.report().limit_count == 8


def test_nothing_is_judged_across_a_pause():
    track = SetPointTrack(acceleration=MOST, speed=np.full(2, 3.0))
    for k in range(20):
        if k == 10:
            track.pause()
        track.add(np.full(2, 0.5 * (k >= 10)), DT_S)
    assert track.report().jerk_max_rad_s3 == 0.0
    assert track.report().limit_count == 0


def compared(shake_hz, *, period_s=0.008):
    """Report of a hand of 1 Hz, 50 mm, and a tool that adds 1 mm at shake_hz; measured at uneven times."""
    track, t = ToolTrack(), period_s * np.arange(round(8.0 / period_s))
    t = t + 0.001 * (np.arange(len(t)) % 2)
    hand = np.column_stack([0.05 * np.sin(2 * np.pi * t), 0 * t, 0 * t])
    tool = hand + np.column_stack([0 * t, 0.001 * np.sin(2 * np.pi * shake_hz * t), 0 * t])
    for t_s, h, x in zip(t, hand, tool, strict=True):
        track.add(round(1e9 * t_s), h, x)
    return track.report()


def test_shaking_is_the_error_above_8_hz():
    assert compared(16.0).shake_m == pytest.approx(0.001 / np.sqrt(2), rel=0.15)
    assert compared(2.0).shake_m < 2e-5


def test_accelerations_of_hand_and_tool_are_in_one_band():
    report = compared(2.0)
    hand, shake = (0.05 * (2 * np.pi) ** 2) / np.sqrt(2), (0.001 * (4 * np.pi) ** 2) / np.sqrt(2)
    assert report.hand_m_s2 == pytest.approx(hand, rel=0.02)
    assert report.tool_m_s2 == pytest.approx(np.hypot(hand, shake), rel=0.02)


def test_nothing_is_told_of_a_track_that_is_too_short():
    assert ToolTrack().report() is None
