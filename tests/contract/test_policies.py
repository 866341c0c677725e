"""What every horizon policy promises, whatever its name."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon import POLICIES, LoopObservation, build_policy
from teletwin.horizon.action import ACTIONS
from teletwin.horizon.observation import observation_names
from teletwin.horizon.policy_file import PolicyFile, identity_policy, save_policy
from teletwin.messages import HORIZON_MAX_S


@dataclass(frozen=True, kw_only=True)
class Settings:
    policy: str = "rule"
    horizon_control_ms: float = 120.0
    horizon_render_ms: float = 80.0
    horizon_control_orientation_ms: float | None = None
    horizon_render_orientation_ms: float | None = None
    policy_file: str = ""


def wild_policy(observation: str, action: str) -> PolicyFile:
    """A policy that nobody taught anything."""
    rng, count = np.random.default_rng(4), len(observation_names(observation))
    layers = tuple(
        (rng.normal(size=weights.shape), rng.normal(size=biases.shape))
        for weights, biases in identity_policy(observation, action).layers
    )
    return PolicyFile(
        observation=observation, action=action, mean=np.zeros(count), scale=np.full(count, 0.5), layers=layers
    )


LEARNED = [("learned", observation, action) for observation in ("rich", "paper") for action in ACTIONS]


def observation(t_ns=0, **values):
    known = {"aol_s": 0.14, "uplink_age_s": 0.06, "control_delay_s": 0.13, "display_delay_s": 0.09} | values
    return LoopObservation(t_ns=t_ns, window=np.tile([0, 0, 0, 1.0, 0, 0, 0], (100, 1)), **known)


@pytest.fixture(
    params=[*((name, paper) for name in sorted(POLICIES) if name != "learned" for paper in (False, True)), *LEARNED],
    ids=str,
)
def policy(request, tmp_path):
    name, *how = request.param
    if name != "learned":
        return build_policy(Settings(policy=name), paper_mode=how[0])
    path = save_policy(tmp_path / "wild.npz", wild_policy(*how))
    return build_policy(Settings(policy=name, policy_file=str(path)))


def four(horizons):
    return [getattr(horizons, n) for n in ("control_s", "render_s", "control_orientation_s", "render_orientation_s")]


@pytest.mark.parametrize("delay_s", [-1.0, 0.0, 0.1, 0.49, 3.0, math.nan, math.inf])
def test_horizons_stay_in_range_whatever_is_measured(policy, delay_s):
    for slot in range(5):
        seen = observation(slot * 10_000_000, aol_s=delay_s, control_delay_s=delay_s, display_delay_s=delay_s)
        horizons = policy.decide(seen)
        least_s = -HORIZON_MAX_S if horizons.late_binding_control else 0.0
        assert all(least_s <= value <= HORIZON_MAX_S for value in four(horizons))


def test_the_gain_is_in_range(policy):
    assert 0.0 <= policy.decide(observation()).gain <= 1.3


def test_the_same_history_gives_the_same_horizons(policy):
    def history():
        policy.reset()
        return [
            dataclasses.asdict(policy.decide(observation(i * 10**7, control_delay_s=0.1 + 0.001 * i)))
            for i in range(20)
        ]

    assert history() == history()


def test_binding_does_not_change_on_the_way(policy):
    first = policy.decide(observation())
    second = policy.decide(observation(10**9, control_delay_s=0.3))
    assert first.late_binding_control == second.late_binding_control
    assert first.late_binding_render == second.late_binding_render


def test_time_that_stands_still_or_runs_back_is_survived(policy):
    for t_ns in (10**9, 10**9, 5 * 10**8):
        assert all(math.isfinite(value) for value in four(policy.decide(observation(t_ns))))


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="fixed, rule"):
        build_policy(Settings(policy="oracle"))
