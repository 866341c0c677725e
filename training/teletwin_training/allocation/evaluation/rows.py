"""What an allocator's episodes come to, and how two allocators differ on the same seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teletwin.geometry import Array
from teletwin_training.allocation.rollout import Outcome
from teletwin_training.allocation.scenario import Scenario

_NORMAL_95 = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One allocator in one scenario; steps are those of the simulator."""

    scenario: str
    admission: bool
    reward_kind: str
    method: str
    reward: float
    reward_95: float
    """Half of the 95 % interval of the mean."""
    over_static: float
    """Reward above the best static split's, on the same seeds."""
    over_static_95: float
    over_static_share: float
    """The same over the static split's reward."""
    answered_share: float
    aori_steps: float
    aori_p95_steps: float
    aosi_steps: float
    aoi_steps: float
    late_share: float
    """Of answered requests."""
    timely_share: float
    """Answered in time, of all requests."""
    fresh_share: float
    """Answered in time and in step with their sensor, of all requests."""
    request_mbit: float
    """Sent in an episode."""
    update_mbit: float
    dropped_share: float
    """Jobs that were superseded or left with their device, of all."""
    aori_over_static: float
    """Mean AoRI less the static split's [steps], on the same seeds; where one answered nothing it does not count."""
    aori_over_static_95: float
    shares: str
    """Constant shares, or what the method is made of."""
    clamped: int
    fallbacks: int


def row_of(outcome: Outcome, static: Outcome, *, scenario: Scenario, method: str, shares: str) -> Row:
    """Means over episodes, and differences to the best static split."""
    totals = {name: float(values.sum()) for name, values in outcome.totals.items()}
    reward, other = outcome.totals["reward"], static.totals["reward"]
    done, made = max(totals["done_requests"], 1.0), max(totals["made_requests"], 1.0)
    over, over_95 = mean_95(reward - other)
    aori, aori_95 = mean_95(_mean_aori(outcome) - _mean_aori(static))
    jobs = max(totals["made_requests"] + totals["made_updates"], 1.0)
    return Row(
        scenario=scenario.name,
        admission=scenario.admission,
        reward_kind=scenario.objective.reward,
        method=method,
        reward=float(reward.mean()),
        reward_95=mean_95(reward)[1],
        over_static=over,
        over_static_95=over_95,
        over_static_share=over / other.mean() if other.mean() > 0.0 else float("nan"),
        answered_share=totals["done_requests"] / made,
        aori_steps=totals["aori"] / done,
        aori_p95_steps=percentile(outcome.histogram.sum(axis=0), 0.95),
        aosi_steps=totals["aosi"] / done,
        aoi_steps=totals["aoi"] / done,
        late_share=totals["late"] / done,
        timely_share=totals["in_time"] / made,
        fresh_share=totals["fresh"] / made,
        request_mbit=float(outcome.totals["request_bits"].mean()),
        update_mbit=float(outcome.totals["update_bits"].mean()),
        dropped_share=(totals["dropped_requests"] + totals["dropped_updates"]) / jobs,
        aori_over_static=aori,
        aori_over_static_95=aori_95,
        shares=shares,
        clamped=outcome.clamped_count,
        fallbacks=outcome.fallback_count,
    )


def _mean_aori(outcome: Outcome) -> Array:
    done = outcome.totals["done_requests"]
    return np.where(done > 0.0, outcome.totals["aori"] / np.maximum(done, 1.0), np.nan)


def mean_95(values: Array) -> tuple[float, float]:
    """Mean and half of its 95 % interval; what is not a number is left out."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return (float(known.mean()) if len(known) else float("nan")), float("nan")
    return float(known.mean()), float(_NORMAL_95 * known.std(ddof=1) / np.sqrt(len(known)))


def percentile(counts: Array, share: float) -> float:
    """Smallest value that this share of all counted ones does not exceed."""
    total = counts.sum()
    return float(np.searchsorted(np.cumsum(counts), share * total)) if total else float("nan")
