from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teletwin.arm.resample import CommandResampler

MS = 1_000_000
VALUES = st.floats(allow_nan=True, allow_infinity=True, width=64)
EVENTS = st.lists(
    st.tuples(st.integers(-50, 50), st.lists(VALUES, min_size=6, max_size=6), st.lists(VALUES, min_size=6, max_size=6)),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(events=EVENTS)
def test_whatever_arrives_the_set_point_is_finite_in_every_tick(events):
    resampler = CommandResampler()
    with np.errstate(all="ignore"):
        for k, (shift_ms, q, qd) in enumerate(events):
            q = np.clip(np.array(q), -1e6, 1e6)
            resampler.push((10 * k + shift_ms) * MS, q, np.array(qd), now_ns=10 * k * MS)
            for now_ms in range(10 * k, 10 * k + 10, 2):
                assert np.isfinite(resampler.sample(now_ms * MS).q).all()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    loss=st.floats(0.0, 0.9),
    jitter_ms=st.floats(0.0, 40.0),
    gap_ms=st.integers(0, 600),
    speed=st.floats(0.05, 1.0),
)
def test_steps_stay_bounded_for_a_bounded_motion_on_any_link(seed, loss, jitter_ms, gap_ms, speed):
    rng = np.random.default_rng(seed)
    resampler = CommandResampler()
    sent_ms = [t for t in range(0, 1500, 4) if rng.random() >= loss and not 500 <= t < 500 + gap_ms]
    arrivals = [(t + 20.0 + abs(rng.normal(0.0, 1.0)) * jitter_ms, t) for t in sent_ms]
    arrivals.sort()
    index, previous = 0, None
    amplitude = speed / 4.0
    for now_ms in range(0, 1500, 2):
        while index < len(arrivals) and arrivals[index][0] <= now_ms:
            t = arrivals[index][1] / 1e3
            q, qd = amplitude * np.sin(4.0 * t) * np.ones(6), speed * np.cos(4.0 * t) * np.ones(6)
            resampler.push(arrivals[index][1] * MS, q, qd, now_ns=round(arrivals[index][0] * MS))
            index += 1
        q = resampler.sample(now_ms * MS).q
        assert np.abs(q).max() <= amplitude + speed * 0.01 + speed**2 / 60.0 + 1e-9
        # A silence below the hold makes the next command a jump of at most what was missed; limits smooth it.
        if previous is not None:
            assert np.abs(q - previous).max() <= speed * 0.15 + 1e-3
        previous = q
