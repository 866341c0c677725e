"""The learned policy in the loop: it sees live what it saw in training, and untaught it is the rule."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace

import numpy as np
import pytest
from made_desk import made_desk
from test_policy_observation import SLOT_NS, rough_forecasts, wandering_hand

from teletwin.assets import asset_path
from teletwin.cli.demo import DemoOptions
from teletwin.cli.options import read_options
from teletwin.cli.run import RunOptions
from teletwin.errors import ConfigError
from teletwin.horizon import LoopObservation, available_policies, build_policy
from teletwin.horizon.action import ActionLimits, horizons_of
from teletwin.horizon.actor import Actor
from teletwin.horizon.learned import LearnedPolicy, mode_warning, policy_path
from teletwin.horizon.observation import (
    DELAY_NAMES,
    MOTION_NAMES,
    RICH_NAMES,
    WINDOW_COUNT,
    DelayFeatures,
    motion_table,
    observation_names,
)
from teletwin.horizon.policy_file import PolicyFile, identity_policy, save_policy
from teletwin.horizon.rule import RuleCfg, RulePolicy
from teletwin.messages import ForecastPacket, Horizons
from teletwin.session.config import HorizonCfg, NetworkCfg, SessionCfg
from teletwin.session.operator import OperatorState
from teletwin.session.policies import live_policy
from teletwin.session.role_cfg import RoleCfg, from_json, to_json
from teletwin.session.virtual import VirtualSession
from teletwin.view.server_messages import PageEvent


def taught(observation: str = "rich", action: str = "late", *, seed: int = 1, note=None) -> PolicyFile:
    rng, plain = np.random.default_rng(seed), identity_policy(observation, action)
    layers = tuple((0.2 * rng.normal(size=w.shape), 0.2 * rng.normal(size=b.shape)) for w, b in plain.layers)
    return dataclasses.replace(plain, layers=layers, note=note or {})


def replay(count: int = 120):
    """What the operator's side observes of a recorded hand, slot by slot, and its track and forecasts."""
    track = wandering_hand(count + WINDOW_COUNT - 1)
    table, rng = rough_forecasts(track), np.random.default_rng(4)
    delays = np.where(rng.random((count, 4)) < 0.1, -1.0, rng.uniform(0.05, 0.3, size=(count, 4)))
    curve = np.zeros(table.shape[1:])
    for i in range(count):
        curve[:] = table[i]  # the loop reuses its array
        aol_s, uplink_s, control_s, display_s = delays[i].tolist()
        yield (
            LoopObservation(
                t_ns=10**9 + i * SLOT_NS,
                window=track[i : i + WINDOW_COUNT],
                aol_s=aol_s,
                uplink_age_s=uplink_s,
                control_delay_s=control_s,
                display_delay_s=display_s,
                curve=curve,
            ),
            track,
            table,
            delays,
        )


def test_live_it_sees_exactly_the_rows_of_training():
    policy, delays_out, delayed = LearnedPolicy(taught()), np.zeros(len(DELAY_NAMES)), DelayFeatures()
    for i, (observation, track, table, delays) in enumerate(replay()):
        policy.decide(observation)
        aol_s, uplink_s, control_s, display_s = delays[i].tolist()
        delayed.update(
            observation.t_ns,
            aol_s=aol_s,
            uplink_age_s=uplink_s,
            control_delay_s=control_s,
            display_delay_s=display_s,
            out=delays_out,
        )
        assert policy.last_observation is not None
        assert np.array_equal(policy.last_observation[: len(MOTION_NAMES)], motion_table(track, table)[i])
        assert np.array_equal(policy.last_observation[len(MOTION_NAMES) :], delays_out)


@pytest.mark.parametrize("action", ["late", "sender", "paper"])
def test_its_horizons_are_those_of_its_action_on_top_of_the_rule(action):
    file = taught(action=action)
    policy, rule = LearnedPolicy(file), RulePolicy(RuleCfg(late_binding=action == "late"))
    for observation, *_ in replay(30):
        horizons, base = policy.decide(observation), rule.decide(observation)
        assert policy.last_action is not None
        assert horizons == horizons_of(policy.last_action, kind=action, limits=ActionLimits(), base=base)
        assert horizons != base


@pytest.mark.parametrize("action", ["late", "sender"])
def test_untaught_it_is_the_rule(action):
    policy = LearnedPolicy(identity_policy(action=action))
    rule = RulePolicy(RuleCfg(late_binding=action == "late"))
    for observation, *_ in replay(30):
        assert policy.decide(observation) == rule.decide(observation)


def test_late_bound_the_motion_policys_lag_is_left_to_the_twin_as_in_training():
    sender = RuleCfg(late_binding=False, position_lag_s=0.012, orientation_lag_s=0.03)
    policy = LearnedPolicy(dataclasses.replace(identity_policy(), rule=sender))
    for observation, *_ in replay(30):
        assert policy.decide(observation) == RulePolicy().decide(observation)


def test_the_papers_observation_is_the_newest_pose_and_the_newest_known_age_of_loop():
    policy = LearnedPolicy(taught("paper", "paper"))
    known_s = 0.15
    for i, (observation, _, _, delays) in enumerate(replay(30)):
        known_s = delays[i, 0] if delays[i, 0] >= 0.0 else known_s
        policy.decide(observation)
        assert policy.last_observation is not None
        assert policy.last_observation.tolist() == [*observation.window[-1].tolist(), known_s]


def test_what_is_noted_of_a_slot_is_not_changed_by_the_next():
    policy, noted = LearnedPolicy(taught()), []
    for observation, *_ in replay(5):
        policy.decide(observation)
        noted.append((policy.last_observation, policy.last_action))
    assert len({seen.tobytes() for seen, _ in noted}) == len({done.tobytes() for _, done in noted}) == 5


def test_exploring_changes_the_action_before_it_becomes_horizons():
    policy = LearnedPolicy(identity_policy(), explore=lambda action: action + np.array([0.5, 0, 0, 0, 0]))
    observation, *_ = next(replay())
    assert policy.decide(observation).control_s == pytest.approx(0.05)
    assert policy.last_action is not None
    assert policy.last_action.tolist() == [0.5, 0, 0, 0, 0]


def test_another_policy_takes_over_between_slots_and_keeps_what_was_observed():
    first, second = taught(), taught(seed=2)
    swapped, other = LearnedPolicy(first), LearnedPolicy(second)
    for i, (observation, *_) in enumerate(replay(60)):
        if i == 30:
            swapped.swap(second)
            assert swapped.policy is second
        same = swapped.decide(observation) == other.decide(observation)
        assert same == (i >= 30)
        assert np.array_equal(swapped.last_observation, other.last_observation)


@pytest.mark.parametrize(("observation", "action"), [("paper", "late"), ("rich", "sender")])
def test_a_policy_that_sees_or_does_something_else_cannot_take_over(observation, action):
    policy = LearnedPolicy(taught())
    words = f"given: observation {observation}, action {action}; allowed: observation rich, action late"
    with pytest.raises(ConfigError, match=words):
        policy.swap(taught(observation, action))
    assert policy.policy.action == "late"


def test_a_swapped_rule_counts_and_the_same_one_keeps_its_average():
    policy = LearnedPolicy(identity_policy(action="sender"))
    slots = [observation for observation, *_ in replay(40)]
    settled = [policy.decide(each) for each in slots][-1]
    policy.swap(identity_policy(action="sender"))
    assert policy.decide(slots[-1]) == settled
    lagging = dataclasses.replace(identity_policy(action="sender"), rule=RuleCfg(position_lag_s=0.1))
    policy.swap(lagging)
    assert policy.decide(slots[-1]) == RulePolicy(RuleCfg(late_binding=False, position_lag_s=0.1)).decide(slots[-1])


def test_a_short_past_and_no_forecast_are_survived():
    policy = LearnedPolicy(taught())
    for count in (1, 3, 40, 41, 250):
        window = np.tile([0.3, 0.1, 0.2, 1.0, 0, 0, 0], (count, 1))
        policy.decide(
            LoopObservation(
                t_ns=count * SLOT_NS,
                window=window,
                aol_s=-1.0,
                uplink_age_s=-1.0,
                control_delay_s=-1.0,
                display_delay_s=-1.0,
            )
        )
        assert np.isfinite(policy.last_observation).all()


def sent_horizons(horizon: HorizonCfg, **settings) -> list[Horizons]:
    sent = []

    def log(role, message, *_):
        if isinstance(message, ForecastPacket) and role == "operator":
            sent.append(message.horizons)

    VirtualSession(SessionCfg(horizon=horizon, network=NetworkCfg(delay_ms=40, jitter_ms=10), **settings), log=log).run(
        2.0
    )
    return sent


def test_in_the_loop_an_untaught_policy_is_the_rule(tmp_path):
    path = save_policy(tmp_path / "nothing.npz", identity_policy())
    learned = sent_horizons(HorizonCfg(policy=str(path)))
    assert len(learned) > 150
    assert learned == sent_horizons(HorizonCfg())


def test_in_the_loop_it_sees_the_forecast_of_its_own_slot(tmp_path):
    path = save_policy(tmp_path / "taught.npz", taught())
    session = VirtualSession(SessionCfg(horizon=HorizonCfg(policy=str(path))))
    session.run(2.0)
    policy = session.operator.policy
    assert isinstance(policy, LearnedPolicy)
    seen = dict(zip(RICH_NAMES, np.asarray(policy.last_observation).tolist(), strict=True))
    assert seen["log_ahead_240ms"] > -1.0, "a moving hand is forecast to move on"
    assert seen["log_ratio_120ms"] < 0.0, "and forecasting beats standing still"


@pytest.mark.parametrize(
    ("note", "paper_mode", "words"),
    [
        ({}, True, ""),
        ({"paper_mode": True}, True, ""),
        ({"paper_mode": False}, False, ""),
        ({"paper_mode": True}, False, "made for --paper-mode"),
        ({"paper_mode": False}, True, "made without --paper-mode"),
    ],
)
def test_a_policy_of_another_mode_is_taken_with_a_warning(tmp_path, note, paper_mode, words):
    path = save_policy(tmp_path / "policy.npz", taught(note=note))
    policy, warning = live_policy(HorizonCfg(policy=str(path)), paper_mode=paper_mode)
    assert isinstance(policy, LearnedPolicy)
    assert words in warning
    assert bool(words) == bool(warning)
    assert warning == mode_warning(policy.policy, paper_mode=paper_mode)


def test_a_policy_of_another_forecaster_is_taken_with_a_warning(tmp_path):
    path = str(save_policy(tmp_path / "policy.npz", taught(note={"forecaster": "combined"})))
    horizon = HorizonCfg(policy=path)
    assert "--forecaster combined" in live_policy(horizon, paper_mode=False, forecaster="arma")[1]
    assert not live_policy(horizon, paper_mode=False, forecaster="combined")[1]


def test_a_policy_file_on_the_command_line_is_the_learned_policy(tmp_path):
    path = str(save_policy(tmp_path / "policy.npz", taught()))
    for kind, more in ((DemoOptions, []), (RunOptions, ["--role", "operator"])):
        options = read_options(kind, ["--policy", path, *more], command="demo", description="")
        horizon = options.session.horizon
        assert (horizon.policy, horizon.policy_file) == ("learned", path)
        both = read_options(kind, ["--policy", "learned", "--policy-file", path, *more], command="demo", description="")
        assert both.session.horizon == horizon
    cfg = RoleCfg(role="operator", session=SessionCfg(horizon=horizon))
    assert from_json(to_json(cfg)) == cfg
    assert dataclasses.replace(horizon, policy="rule").policy_file == path


def test_a_policy_file_that_cannot_be_used_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"bad")
    for name, words in (("nowhere.npz", "the policy is not there"), ("bad.npz", "is no horizon policy")):
        for kind, more in ((DemoOptions, []), (RunOptions, ["--role", "operator"])):
            with pytest.raises(ConfigError, match=words):
                read_options(kind, ["--policy", str(tmp_path / name), *more], command="demo", description="")


def test_the_learned_policy_can_be_chosen_only_where_its_file_is_known(tmp_path, monkeypatch):
    path = save_policy(tmp_path / "policies" / "default.npz", taught())
    assert available_policies(str(path)) == ["fixed", "rule", "learned"]
    assert available_policies(str(tmp_path / "nowhere.npz")) == ["fixed", "rule"]
    monkeypatch.setenv("TELETWIN_ASSETS", str(tmp_path))
    assert asset_path("policies", "default.npz") == policy_path("") == path
    assert available_policies() == ["fixed", "rule", "learned"]
    assert isinstance(build_policy(HorizonCfg(policy="learned")), LearnedPolicy)


def page_desk(horizon: HorizonCfg):
    loop = SimpleNamespace(state=OperatorState(), policy=RulePolicy())
    desk = made_desk(loop, horizon=horizon)
    return desk, loop


def choose(desk, name):
    values = {"name": "policy", "values": {"policy": name}}
    desk.put(PageEvent(kind="settings", values=values, viewer=1, t_ns=0, received_ns=0))
    desk.work()


def wait_until(is_so):
    end_s = time.monotonic() + 30.0
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_the_page_switches_to_the_learned_policy_and_back(tmp_path):
    path = save_policy(tmp_path / "policy.npz", taught(note={"paper_mode": True}))
    desk, loop = page_desk(HorizonCfg(policy_file=str(path)))
    choose(desk, "learned")
    wait_until(lambda: desk.horizon.policy == "learned")
    assert isinstance(loop.policy, LearnedPolicy)
    wait_until(lambda: loop.state.warnings)
    assert "--paper-mode" in loop.state.warnings[0]
    choose(desk, "rule")
    assert desk.horizon.policy == "rule"
    assert isinstance(loop.policy, RulePolicy)


def test_a_policy_that_cannot_be_read_leaves_the_page_what_it_had(tmp_path):
    desk, loop = page_desk(HorizonCfg(policy_file=str(tmp_path / "nowhere.npz")))
    choose(desk, "learned")
    wait_until(lambda: loop.state.warnings)
    assert "the policy is not there" in loop.state.warnings[0]
    assert desk.horizon.policy == "rule"
    choose(desk, "fixed")
    assert desk.horizon.policy == "fixed"


def test_the_network_takes_a_few_microseconds():
    """The bar is 15 us on an idle machine; this one may be busy."""
    actor, seen = Actor(taught()), np.zeros(len(observation_names("rich")))
    times_ns = []
    for _ in range(500):
        started_ns = time.perf_counter_ns()
        actor.act(seen)
        times_ns.append(time.perf_counter_ns() - started_ns)
    assert np.median(times_ns) < 60_000
