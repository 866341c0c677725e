"""The smoothed path does not depend on the tick rate."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.twin.smoothing import Smoothing

MS = 1_000_000
SLOT_MS = 10


def path_at_slots(reading, tick_ms, outputs):
    smoothing = Smoothing(interval_s=SLOT_MS / 1000, reading=reading)
    smoothing.reset(outputs[0, 0])
    seen = {}
    for t_ms in range(0, SLOT_MS * len(outputs), tick_ms):
        if t_ms % SLOT_MS == 0:
            smoothing.update(t_ms * MS, *outputs[t_ms // SLOT_MS])
        seen[t_ms] = smoothing.at(t_ms * MS)
    return seen


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), reading=st.sampled_from(["paper", "moving"]))
def test_a_change_of_the_tick_rate_does_not_change_the_motion(seed, reading):
    outputs = np.random.default_rng(seed).normal(size=(20, 2, 6))
    fast, slow = path_at_slots(reading, 1, outputs), path_at_slots(reading, 5, outputs)
    for t_ms, (q, qd) in slow.items():
        np.testing.assert_allclose(fast[t_ms][0], q, rtol=0, atol=1e-12)
        np.testing.assert_allclose(fast[t_ms][1], qd, rtol=0, atol=1e-9)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), reading=st.sampled_from(["paper", "moving"]))
def test_the_speed_is_the_derivative_of_the_path(seed, reading):
    outputs = np.random.default_rng(seed).normal(size=(5, 2, 3))
    smoothing = Smoothing(reading=reading)
    smoothing.reset(outputs[0, 0])
    for slot, (q, qd) in enumerate(outputs):
        smoothing.update(slot * SLOT_MS * MS, q, qd)
    start, step = 4 * SLOT_MS * MS, MS // 100
    for offset in range(MS, 9 * MS, MS):
        ahead, behind = smoothing.at(start + offset + step)[0], smoothing.at(start + offset - step)[0]
        np.testing.assert_allclose((ahead - behind) / (2 * step * 1e-9), smoothing.at(start + offset)[1], atol=1e-3)
