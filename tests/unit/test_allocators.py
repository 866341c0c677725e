"""Allocators: shares that follow the need, alike for one tick and for many, and files that are refused in one line."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from teletwin.allocation import ALLOCATORS, available_allocators, build_allocator
from teletwin.allocation.backlog import BacklogAllocator, BacklogCfg, backlog_shares
from teletwin.allocation.features import OBSERVATIONS, Feature, compressed, observation_names
from teletwin.allocation.learned import LearnedAllocator, normalised, shares_from_action
from teletwin.allocation.policy_file import (
    BASES,
    AllocationPolicyFile,
    identity_policy,
    load_allocation_policy,
    save_allocation_policy,
)
from teletwin.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Settings:
    allocator: str = "backlog"
    allocator_file: str = ""
    link_share: float = 0.3
    compute_share_requests: float = 0.8


def taught(observation: str = "full", base: str = "rule") -> AllocationPolicyFile:
    rng, count = np.random.default_rng(7), len(observation_names(observation))
    sizes = (count, 32, 32, 2)
    return AllocationPolicyFile(
        observation=observation,
        base=base,
        span=1.5,
        rule=BacklogCfg(priority=1.3, update_age_weight=0.2),
        mean=rng.normal(size=count),
        scale=rng.uniform(0.5, 2.0, size=count),
        layers=tuple((rng.normal(size=pair) / 6, rng.normal(size=pair[1]) / 9) for pair in itertools.pairwise(sizes)),
        note={"command": "teletwin train allocation", "seed": 3},
    )


def ticks(count: int = 200) -> np.ndarray:
    """Features of ticks that differ, some of them idle."""
    rng = np.random.default_rng(5)
    seen = rng.exponential(2.0, size=(count, len(Feature))) * (rng.random((count, 1)) < 0.9)
    seen[:, Feature.LINK_SHARE :] = rng.random((count, 2))
    return seen


def tick(**values: float) -> np.ndarray:
    seen = np.zeros(len(Feature))
    for name, value in values.items():
        seen[Feature[name.upper()]] = value
    return seen


@pytest.fixture(params=[name for name in ALLOCATORS if name != "ppo"])
def plain(request):
    return build_allocator(Settings(allocator=request.param))


LEARNED = list(itertools.product(OBSERVATIONS, BASES))


def test_many_ticks_at_once_are_bit_for_bit_what_they_are_alone(plain):
    seen = ticks()
    alone = np.array([plain.allocate(row) for row in seen])
    assert np.array_equal(plain.allocate(seen), alone)
    assert np.array_equal(plain.allocate(seen.reshape(10, 20, -1)).reshape(-1, 2), alone)


@pytest.mark.parametrize(("observation", "base"), LEARNED)
def test_a_network_gives_many_ticks_what_it_gives_one(observation, base):
    seen, allocator = ticks(), LearnedAllocator(taught(observation, base))
    alone = np.array([allocator.allocate(row) for row in seen])
    assert allocator.allocate(seen.reshape(10, 20, -1)).reshape(-1, 2) == pytest.approx(alone, abs=1e-6)
    assert np.ptp(alone, axis=0).min() > 0.02


def test_shares_belong_to_who_asked_and_features_stay_as_they_are(plain):
    for allocator in (plain, LearnedAllocator(taught())):
        seen = ticks(3)
        before, first = seen.copy(), allocator.allocate(seen)
        first[:] = 7.0
        assert np.array_equal(seen, before)
        assert allocator.allocate(seen).max() <= 1.0
        allocator.reset()


def test_constant_shares_are_those_asked_for():
    assert build_allocator(Settings(allocator="static")).allocate(ticks(2)).tolist() == [[0.3, 0.8]] * 2
    assert build_allocator(Settings(allocator="equal")).allocate(ticks(1)).tolist() == [[0.5, 0.5]]
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ConfigError, match=r"share of the compute is out of range; given: .*; allowed: 0 \.\.\. 1"):
            build_allocator(Settings(allocator="static", compute_share_requests=bad))


def test_proportional_shares_follow_the_loads_alone():
    seen = tick(
        link_load_requests=3, link_load_updates=1, compute_load_requests=1, compute_load_updates=4, link_updates=9
    )
    allocator = build_allocator(Settings(allocator="proportional"))
    assert allocator.allocate(seen) == pytest.approx([0.75, 0.2])
    assert allocator.allocate(tick()).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    "column",
    ["LINK_REQUESTS", "LINK_WORST_REQUESTS", "COMPUTE_REQUESTS", "LINK_LOAD_REQUESTS", "COMPUTE_LOAD_REQUESTS"],
)
def test_more_of_requests_never_gives_them_less_and_of_updates_never_more(column):
    seen = np.repeat(ticks(100)[:, None], 50, axis=1)
    for name, sign in ((column, 1.0), (column.replace("REQUESTS", "UPDATES"), -1.0)):
        more = seen.copy()
        more[..., Feature[name]] += np.linspace(0.0, 30.0, 50)
        changes = sign * np.diff(backlog_shares(more, BacklogCfg()), axis=1)
        assert changes.min() >= -1e-12
        assert changes.max() > 1e-3


def test_the_rule_weighs_what_waits_what_comes_and_who_matters():
    seen = tick(
        link_requests=2, link_worst_requests=6, link_updates=3, link_worst_updates=3, link_load_requests=1,
        link_load_updates=2, compute_requests=1, compute_updates=1, compute_load_updates=1,
        request_age=3, update_age=0.5,
    )  # fmt: skip

    def shares(**values: float) -> np.ndarray:
        return backlog_shares(seen, BacklogCfg(**values))

    assert shares(worst_weight=0.0) == pytest.approx([3 / 8, 1 / 3])
    assert shares(worst_weight=1.0) == pytest.approx([7 / 12, 1 / 3])
    assert shares(worst_weight=0.5, load_ticks=0.0) == pytest.approx([4 / 7, 1 / 2])
    assert shares(worst_weight=0.0, priority=2.0) == pytest.approx([6 / 11, 1 / 2])
    assert shares(worst_weight=0.0, request_age_weight=1.0) == pytest.approx([12 / 17, 4 / 6])
    assert shares(worst_weight=0.0, update_age_weight=2.0) == pytest.approx([3 / 13, 1 / 5])
    usual = {"worst_weight": 0.0, "usual_link_share": 0.75, "usual_compute_share": 0.2}
    assert shares(**usual, usual_weight=1.0) == pytest.approx([0.75, 0.2])
    assert shares(**usual, usual_weight=0.5) == pytest.approx([9 / 16, 4 / 15])


def test_the_rule_starves_nobody_and_needs_no_need():
    rule = BacklogCfg(load_ticks=0.0)
    assert backlog_shares(tick(link_requests=9, compute_updates=9), rule) == pytest.approx([0.95, 0.05])
    assert backlog_shares(tick(link_load_requests=3, link_load_updates=1), rule) == pytest.approx([0.75, 0.5])
    assert backlog_shares(tick(link_updates=9), replace(rule, least_share=0.0))[0] == 0.0
    for name, bad in (("priority", -1.0), ("worst_weight", 1.1), ("least_share", 0.6), ("load_ticks", float("nan"))):
        with pytest.raises(ConfigError, match=f"{name} of the rule is out of range; given: {bad}"):
            BacklogCfg(**{name: bad})


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_costs_its_own_share_alone_and_is_counted(bad):
    allocator, seen = BacklogAllocator(), ticks(4) + 1.0
    whole = allocator.allocate(seen)
    seen[1, Feature.COMPUTE_REQUESTS] = bad
    expected = whole.copy()
    expected[1, 1] = 0.5
    assert np.array_equal(allocator.allocate(seen), expected)
    assert allocator.fallback_count == 1
    allocator.allocate(seen[1])
    assert allocator.fallback_count == 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("base", BASES)
def test_without_numbers_the_rule_stands_in_for_the_network(base, bad):
    policy = taught(base=base)
    allocator, seen = LearnedAllocator(policy), ticks(4) + 1.0
    whole = allocator.allocate(seen)
    seen[2, Feature.REQUEST_QUEUE] = bad
    expected = whole.copy()
    expected[2] = backlog_shares(seen[2], policy.rule)
    assert allocator.allocate(seen) == pytest.approx(expected, abs=1e-12)
    assert np.array_equal(allocator.allocate(seen[2]), expected[2])
    assert allocator.fallback_count == 2


@pytest.mark.parametrize("observation", OBSERVATIONS)
def test_no_action_is_the_rule_and_an_action_moves_it_as_far_as_its_span(observation):
    seen, rule = ticks(), BacklogCfg()
    ruled = BacklogAllocator(rule).allocate(seen)
    assert LearnedAllocator(identity_policy(observation)).allocate(seen) == pytest.approx(ruled, abs=1e-12)
    alone = LearnedAllocator(identity_policy(observation, base="none"))
    assert np.array_equal(alone.allocate(seen), np.full((200, 2), 0.5))
    moved = shares_from_action(np.full((200, 2), 7.0), seen, base="rule", span=0.5, rule=replace(rule, least_share=0.0))
    logits = [np.log(each / (1.0 - each)) for each in (moved, backlog_shares(seen, replace(rule, least_share=0.0)))]
    assert logits[0] - logits[1] == pytest.approx(np.full((200, 2), 0.5))
    least = shares_from_action(np.full(2, -1.0), tick(link_updates=9), base="rule", span=9.0, rule=rule)
    assert least.tolist() == [0.05, 0.05]
    plain = shares_from_action(np.array([-2.0, 0.5]), seen[0], base="none", span=1.0, rule=rule)
    assert plain.tolist() == [0.0, 0.75]


def test_an_action_that_is_no_number_is_the_rules_share():
    seen, rule = tick(link_requests=1, link_updates=3), BacklogCfg()
    for base in BASES:
        shares = shares_from_action(np.array([np.nan, 0.0]), seen, base=base, span=1.0, rule=rule)
        assert shares == pytest.approx([backlog_shares(seen, rule)[0], 0.5])


def test_a_network_takes_logs_of_all_but_the_shares():
    seen = ticks(5)
    full = compressed(seen, "full")
    assert np.array_equal(full[:, :14], np.log1p(seen[:, :14]))
    assert np.array_equal(full[:, 14:], seen[:, 14:])
    inputs = normalised(seen, "queues", np.array([1.0, 0.0]), np.array([0.1, 1e-3]))
    assert inputs.dtype == np.float32
    assert inputs == pytest.approx(np.clip((np.log1p(seen[:, :2]) - [1.0, 0.0]) / [0.1, 1e-3], -5.0, 5.0))


@pytest.mark.parametrize(("observation", "base"), LEARNED)
def test_what_is_read_back_allocates_bit_for_bit_alike(tmp_path, observation, base):
    policy = taught(observation, base)
    again = load_allocation_policy(save_allocation_policy(tmp_path / "policy.npz", policy))
    for name in ("observation", "base", "span", "rule", "note"):
        assert getattr(again, name) == getattr(policy, name)
    assert np.array_equal(LearnedAllocator(again).allocate(ticks()), LearnedAllocator(policy).allocate(ticks()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda entries, meta: meta.update(format="teletwin-horizon-policy"), r"is no allocation policy; .*another"),
        (lambda entries, meta: meta.update(version=2), r"file format has another version; given: 2 in .*; allowed: 1;"),
        (
            lambda entries, meta: meta.update(observation_version=0),
            r"sees other features; .* allowed: version 1, 16 features request_queue \.\.\. compute_share; train",
        ),
        (lambda entries, meta: meta["observation_names"].reverse(), r"sees other features; .* train it again"),
        (lambda entries, meta: meta.update(observation="queues"), r"sees other features"),
        (lambda entries, meta: meta.update(observation="poor"), r"no observation has this name; given: poor"),
        (lambda entries, meta: meta.update(base="luck"), r"base is unknown; given: luck; allowed: rule, none"),
        (lambda entries, meta: meta.update(span=0), r"span is out of range; given: 0.0"),
        (lambda entries, meta: meta.update(span=float("nan")), r"span is out of range; given: nan"),
        (lambda entries, meta: meta.update(activation="relu"), r"activation is unknown; given: relu; allowed: elu"),
        (lambda entries, meta: meta.update(layers=2), r"shapes do not fit; .* 16 numbers \(full\) to 2 \(link, com"),
        (lambda entries, meta: meta["rule"].update(priority=-1), r"priority of the rule is out of range; given: -1"),
        (lambda entries, meta: meta["rule"].update(luck=1.0), r"is no allocation policy; .*luck"),
        (lambda entries, meta: meta.pop("rule"), r"is no allocation policy; .*rule"),
        (lambda entries, meta: entries.pop("mean"), r"is no allocation policy; .*mean"),
        (lambda entries, meta: entries["biases_1"].fill(np.inf), r"numbers cannot be used; given: not finite"),
        (lambda entries, meta: entries["scale"].fill(0.0), r"numbers cannot be used; .*positive"),
        (lambda entries, meta: entries.update(mean=np.zeros(3)), r"shapes do not fit; given: \(3,\)"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, change, words):
    path = save_allocation_policy(tmp_path / "policy.npz", taught())
    with np.load(path) as kept:
        entries = {name: kept[name] for name in kept.files}
    meta = json.loads(entries["meta"].tobytes())
    change(entries, meta)
    entries["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    np.savez(path, **entries)
    with pytest.raises(ConfigError, match=words) as refused:
        build_allocator(Settings(allocator="ppo", allocator_file=str(path)))
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path):
    path = tmp_path / "policy.npz"
    with pytest.raises(ConfigError, match=r"the policy is not there; given: .*policy.npz"):
        load_allocation_policy(path)
    for data in (b"", b"PK\x05\x06", b"no policy at all", bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(ConfigError, match="is no allocation policy"):
            load_allocation_policy(path)


def test_an_allocator_without_its_file_is_not_offered(tmp_path, monkeypatch):
    path = save_allocation_policy(tmp_path / "policy.npz", taught())
    assert available_allocators(str(path)) == list(ALLOCATORS)
    assert "ppo" not in available_allocators(str(tmp_path / "other.npz"))
    monkeypatch.setattr("teletwin.allocation.learned.DEFAULT_POLICY", ("policies", "nobody shipped this.npz"))
    assert "ppo" not in available_allocators()
    with pytest.raises(ConfigError, match=r"no allocation policy is shipped; give one: --allocator FILE\.npz"):
        build_allocator(Settings(allocator="ppo"))
    with pytest.raises(ConfigError, match=r"no allocator has this name; given: luck; allowed: equal, prop"):
        build_allocator(Settings(allocator="luck"))
