"""A recording in slots of 10 ms: windows as the live queue gives them, and nothing from the future in them."""

from __future__ import annotations

import numpy as np
import pytest

from teletwin.buffer import PoseHistory
from teletwin.errors import ConfigError
from teletwin.hand.recording import HandRecording
from teletwin.hand.resampled import SLOT_NS, resample
from teletwin.hand.synthetic import draw_recording


def uneven(seed: int = 0) -> HandRecording:
    """A hand sampled at about 140 Hz with jitter and a few lost samples."""
    rng = np.random.default_rng(seed)
    whole = draw_recording("write", seed=seed, duration_s=8.0, rate_hz=1000.0)
    keep = np.unique(np.cumsum(rng.integers(4, 11, size=2000)))
    keep = keep[(keep < len(whole.t_ns)) & ~((keep > 3000) & (keep < 3080))]
    return HandRecording(name="uneven", t_ns=whole.t_ns[keep] + 123_456, poses=whole.poses[keep])


def test_a_window_is_what_the_live_queue_holds_at_that_moment():
    recording = uneven()
    hand = resample(recording)
    history = PoseHistory()
    fed = 0
    times = recording.t_ns - recording.t_ns[0]
    for slot in range(len(hand)):
        while fed < len(times) and times[fed] <= hand.slot_ns[slot]:
            history.append(int(times[fed]), recording.poses[fed])
            fed += 1
        if slot % 7 == 0:
            assert hand.newest_ns[slot] == history.newest_t_ns
            window = hand.windows(np.array([slot]), count=100)[0]
            np.testing.assert_allclose(window, history.window(100, step_ns=SLOT_NS), atol=1e-12)


def test_changing_the_future_changes_no_window():
    recording = uneven()
    cut = 400
    changed = recording.poses.copy()
    changed[cut:, :3] += 0.01
    other = HandRecording(name="changed", t_ns=recording.t_ns, poses=changed)
    first, second = resample(recording), resample(other)
    known = np.flatnonzero(first.newest_ns < recording.t_ns[cut] - recording.t_ns[0])
    np.testing.assert_array_equal(first.windows(known, count=100), second.windows(known, count=100))


def test_the_truth_is_the_recorded_motion_after_the_newest_sample():
    recording = uneven()
    hand = resample(recording)
    slots = hand.whole(past_s=1.0, horizon_s=0.5)
    horizons_s = np.array([0.0, 0.02, 0.5])
    truth = hand.truth(slots, horizons_s)
    np.testing.assert_allclose(truth[:, 0], hand.windows(slots, count=3)[:, -1], atol=1e-12)
    dense = draw_recording("write", seed=0, duration_s=8.0, rate_hz=1000.0)
    start = (recording.t_ns[0] - 123_456) // 1_000_000
    for column, horizon_s in enumerate(horizons_s):
        at = start + (hand.newest_ns[slots] + round(1e9 * horizon_s)) // 1_000_000
        error = np.linalg.norm(truth[:, column, :3] - dense.poses[at, :3], axis=1)
        assert np.median(error) < 2e-5


def test_whole_slots_have_their_past_and_their_truth():
    hand = resample(draw_recording("line", duration_s=3.0))
    slots = hand.whole(past_s=1.0, horizon_s=0.5)
    assert hand.newest_ns[slots[0]] >= 1_000_000_000
    assert hand.newest_ns[slots[-1]] + 500_000_000 <= hand.sample_ns[-1]
    assert len(slots) == pytest.approx(150, abs=2)
    assert len(hand.even()) == len(hand)


def test_a_slot_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="slot"):
        resample(draw_recording("line", duration_s=2.0), slot_ns=0)
