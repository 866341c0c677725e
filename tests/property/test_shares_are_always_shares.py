"""Whatever is seen, an allocator's shares are finite and between nothing and everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg
from teletwin.allocation.learned import LearnedAllocator
from teletwin.allocation.policy_file import AllocationPolicyFile
from teletwin.allocation.proportional import ProportionalAllocator


def learned(base: str) -> LearnedAllocator:
    rng = np.random.default_rng(2)
    layers = ((rng.normal(size=(16, 8)), rng.normal(size=8)), (rng.normal(size=(8, 2)), rng.normal(size=2)))
    return LearnedAllocator(
        AllocationPolicyFile(
            observation="full", base=base, span=10.0, mean=np.zeros(16), scale=np.full(16, 1e-3), layers=layers
        )
    )


@pytest.mark.filterwarnings("error")
@given(arrays(np.float64, st.sampled_from([(16,), (3, 16), (2, 2, 16)]), elements=st.floats()))
def test_shares_are_finite_and_between_nothing_and_everything(seen):
    allocators = (
        BacklogAllocator(),
        BacklogAllocator(BacklogCfg(least_share=0.0, request_age_weight=1e3, update_age_weight=1e3, priority=1e3)),
        ProportionalAllocator(),
        learned("rule"),
        learned("none"),
    )
    for allocator in allocators:
        shares = allocator.allocate(seen)
        assert shares.shape == (*seen.shape[:-1], 2)
        assert np.isfinite(shares).all()
        assert shares.min() >= 0.0
        assert shares.max() <= 1.0
