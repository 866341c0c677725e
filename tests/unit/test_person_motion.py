"""A person's irregular inputs become an even motion: no false stops, real stops at once, pixels smoothed away."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.buffer import PoseHistory
from teletwin.hand.between import between
from teletwin.hand.browser import BrowserHand, HandInput
from teletwin.hand.clutch import Clutch, ClutchCfg
from teletwin.hand.grain import smooth_window
from teletwin.messages import PoseSample
from teletwin.session.hand_window import HandWindow

HOME = np.array([-0.382479, -0.131123, 0.244324, 0.0, 1.0, 0.0, 0.0])
MS = 1_000_000
START_NS = 1_000 * MS


def hand():
    return BrowserHand(Clutch(ClutchCfg(hand_to_base=(1.0, 0.0, 0.0, 0.0)), tool_pose=HOME))


def at(x, y=0.0):
    return np.array([x, y, 0.0, 1.0, 0.0, 0.0, 0.0])


def play(events_ms, handled_ms, *, until_ms, place=lambda ms: at(1e-4 * ms), beats=False, beat_ms=20, **more):
    """Samples by the slot in which they came: a hand that is pressed at 0 and moves with these events."""
    device, seq, told = hand(), 1, []
    device.put(HandInput(seq=1, t_ns=START_NS, pose=at(0.0), clutch=True, **more))
    events, newest = list(zip(events_ms, handled_ms, strict=True)), at(0.0)
    for now_ms in range(0, until_ms, 10):
        while events and events[0][1] <= now_ms:
            event_ms, _ = events.pop(0)
            seq, newest = seq + 1, place(event_ms)
            device.put(HandInput(seq=seq, t_ns=START_NS + round(event_ms * MS), pose=newest, clutch=True, **more))
        if beats and now_ms % beat_ms == 0:
            seq += 1
            device.put(HandInput(seq=seq, t_ns=START_NS + (now_ms - 4) * MS, pose=newest, clutch=True, **more))
        told += [(now_ms, sample) for sample in device.poll(START_NS + now_ms * MS)]
    return told


def rests(told, *, until_ms):
    return [now_ms for now_ms, sample in told if sample.is_rest and 150 < now_ms < until_ms]


TIMINGS = {
    "60 Hz": lambda rng: (np.arange(16.7, 3000, 16.7),) * 2,
    "125 Hz": lambda rng: (np.arange(8.0, 3000, 8.0),) * 2,
    "irregular": lambda rng: (np.cumsum(rng.uniform(12, 38, 110)),) * 2,
    "two at a time": lambda rng: (np.arange(16.7, 3000, 16.7), np.repeat(np.arange(33.4, 3030, 33.4), 2)[:179]),
}


@pytest.mark.parametrize("beats", [False, True])
@pytest.mark.parametrize("name", TIMINGS)
def test_a_hand_on_its_way_never_stops(name, beats):
    events_ms, handled_ms = TIMINGS[name](np.random.default_rng(5))
    told = play(events_ms, handled_ms, until_ms=2500, beats=beats)
    assert rests(told, until_ms=2500) == []


@pytest.mark.parametrize("beats", [False, True])
@pytest.mark.parametrize("name", TIMINGS)
def test_a_hand_that_stops_rests_within_60_ms(name, beats):
    events_ms, handled_ms = TIMINGS[name](np.random.default_rng(6))
    count = int(np.searchsorted(handled_ms, 1000.0, side="right"))
    last_ms = events_ms[count - 1]
    told = play(events_ms[:count], handled_ms[:count], until_ms=1500, beats=beats)
    first = next(now_ms for now_ms, sample in told if sample.is_rest and now_ms > last_ms)
    assert first - last_ms <= 60
    resting = [sample for now_ms, sample in told if now_ms > last_ms + 60]
    assert len(resting) >= 40
    assert all((sample.pose[:3] == resting[-1].pose[:3]).all() for sample in resting)


@pytest.mark.parametrize("stall_ms", [50, 90, 120])
def test_a_page_that_comes_to_its_events_late_makes_no_stops_and_loses_no_place(stall_ms):
    events_ms = np.arange(16.7, 3000, 16.7)
    handled_ms = np.ceil(events_ms / stall_ms) * stall_ms
    told = play(events_ms, handled_ms, until_ms=2500, beats=True, beat_ms=stall_ms)
    assert rests(told, until_ms=2500) == []
    times_ns = [sample.t_ns for now_ms, sample in told if now_ms > 150]
    assert times_ns == sorted(times_ns)
    told_events = np.count_nonzero((handled_ms > 150) & (handled_ms < 2500))
    assert len(times_ns) == told_events, "every place that the page has told counts, and nothing else"


def test_a_page_that_says_nothing_for_longer_rests():
    events_ms = np.arange(16.7, 1000, 16.7)
    told = play(events_ms, events_ms, until_ms=1500, beats=True, beat_ms=4000)  # one word that it rests, at first
    first = next(now_ms for now_ms, sample in told if sample.is_rest and now_ms > 1000)
    assert 1100 < first <= 1000 + 170


def test_letting_go_is_a_stop_at_once():
    device = hand()
    for k in range(10):
        device.put(HandInput(seq=k + 1, t_ns=START_NS + 16 * k * MS, pose=at(0.001 * k), clutch=True))
        device.poll(START_NS + 16 * k * MS)
    device.put(HandInput(seq=11, t_ns=START_NS + 150 * MS, pose=at(0.01), clutch=False))
    assert any(sample.is_rest for now in (160, 170, 180) for sample in device.poll(START_NS + now * MS))


def test_a_device_that_reports_rest_may_be_slow_and_silent_for_a_while():
    events_ms = np.arange(70.0, 2000.0, 70.0)
    assert rests(play(events_ms, events_ms, until_ms=1900), until_ms=1900)
    assert rests(play(events_ms, events_ms, until_ms=1900, reports_rest=True), until_ms=1900) == []


def test_events_that_came_as_one_input_are_all_places_of_the_hand():
    device = hand()
    device.put(HandInput(seq=1, t_ns=START_NS, pose=at(0.0), clutch=True))
    before = tuple((START_NS + k * MS, at(0.001 * k)) for k in (4, 8, 12))
    device.put(HandInput(seq=2, t_ns=START_NS + 16 * MS, pose=at(0.016), clutch=True, before=before))
    samples = device.poll(START_NS + 17 * MS)
    assert [(s.t_ns - START_NS) // MS for s in samples] == [0, 4, 8, 12, 16]
    np.testing.assert_allclose(np.diff([s.pose[0] for s in samples]), 0.004, atol=1e-12)


def test_between_places_of_a_parabola_lies_the_parabola():
    def place(ms):
        return ms * MS, at(1e-3 * ms + 2e-5 * ms**2)

    for t_ns, pose in between([place(0), place(18), place(40)], place(70)):
        np.testing.assert_allclose(pose, place(t_ns / MS)[1], atol=1e-12)


def test_a_short_gap_behind_does_not_let_the_parabola_swing_out():
    past = [(0, at(0.0)), (1 * MS, at(0.002))]
    places = between(past, (38 * MS, at(0.004)))
    assert max(pose[0] for _, pose in places) <= 0.004 + 1e-12
    assert max(np.diff([t_ns for t_ns, _ in places])) <= 5 * MS


def window_of(samples, count=20):
    window = HandWindow(PoseHistory(capacity=512))
    taken = [window.append(sample) for sample in samples]
    return window.window(count, step_ns=10 * MS), taken


def sample(ms, x, **more):
    return PoseSample(t_ns=START_NS + round(ms * MS), pose=at(x), **more)


def test_a_rest_that_a_late_motion_proves_wrong_is_forgotten():
    moving = [sample(20 * k, 0.002 * k) for k in range(11)]
    false_rest = [sample(ms, 0.020, is_rest=True) for ms in (225, 235)]
    late = [sample(220, 0.022), sample(240, 0.024)]
    got, taken = window_of([*moving, *false_rest, *late])
    clean, _ = window_of([*moving, *late])
    np.testing.assert_array_equal(got, clean)
    assert all(taken)


def test_a_real_rest_stays_in_the_window():
    moving = [sample(20 * k, 0.002 * k) for k in range(11)]
    rest = [sample(ms, 0.020, is_rest=True) for ms in range(230, 400, 10)]
    got, _ = window_of([*moving, *rest, sample(405, 0.021)], count=10)
    np.testing.assert_allclose(got[:-2, 0], 0.020, atol=1e-6)


def test_an_older_sample_is_refused():
    _, taken = window_of([sample(0, 0.0), sample(10, 0.1), sample(5, 0.2), sample(20, 0.3)])
    assert taken == [True, True, False, True]


@pytest.mark.parametrize("speed_m_s", [0.01, 0.05, 0.15])
def test_rounding_to_pixels_is_smoothed_away_and_nothing_is_delayed(speed_m_s):
    t_s, pixel_m = 0.01 * np.arange(100), 0.0014
    truth = np.stack([0.033 * np.sin(speed_m_s / 0.033 * t_s), 0.033 * np.cos(speed_m_s / 0.033 * t_s), 0 * t_s], -1)
    window = np.concatenate([np.round(truth / pixel_m) * pixel_m, np.tile([1.0, 0, 0, 0], (100, 1))], axis=1)
    smoothed = smooth_window(window, pixel_m)

    def speed_error(positions):
        return np.abs(np.diff(positions - truth, axis=0)[-20:]).mean() / 0.01

    assert speed_error(smoothed[:, :3]) < 0.3 * speed_error(window[:, :3])
    assert np.linalg.norm(smoothed[:, :3] - window[:, :3], axis=1).max() < 1.5 * pixel_m
    assert np.linalg.norm(smoothed[-1, :3] - truth[-1]) < pixel_m


def test_without_a_grain_the_window_is_the_same_one():
    window = np.tile(HOME, (100, 1))
    assert smooth_window(window, 0.0) is window
