"""The environment's contract with whoever learns in it, and what it refuses."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from made_hands import ramp, waves

from teletwin.errors import ConfigError, RecordingError
from teletwin.horizon.action import ACTION_COUNTS
from teletwin.robot.ur3e import HOME_Q, tool_pose_in_ur_base
from teletwin_training.horizon.actions import LATE_RULE
from teletwin_training.horizon.conditions import CONDITIONS, HOPS, draw_schedule
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.hands import FUTURE_SLOTS, PAST_SLOTS, SHORTEST_S, bank_of, load_hands
from teletwin_training.horizon.loops import LoopsCfg, LoopSettings
from teletwin_training.horizon.probe import Run, constant, longest_stretch, measure
from teletwin_training.horizon.sessions import START_SLOT, draw_sessions
from teletwin_training.horizon.speed import measure_speed

COUNT, EPISODE, SETTLE = 24, 90, 20


@pytest.fixture(scope="module")
def hands():
    return bank_of([waves(900, seed=6), ramp(700, speed_m_s=0.02)])


@pytest.fixture(scope="module")
def sessions():
    return draw_sessions(["jitter", "bursty"], each=2, duration_s=8.0, seed=1)


@pytest.fixture
def make(hands, sessions):
    def made(loops=None, **settings):
        cfg = EnvCfg(**{"envs": COUNT, "episode_slots": EPISODE, "settle_slots": SETTLE, **settings})
        env = HorizonEnv(hands, sessions, cfg, loops=loops)
        env.norm[:] = 1e-6, 1e-4, 1e-6, 1e-4
        return env

    return made


@pytest.mark.parametrize("observation", ["rich", "paper"])
@pytest.mark.parametrize("action", sorted(ACTION_COUNTS))
def test_shapes_and_types_are_those_of_a_vector_environment(make, observation, action):
    env = make(observation=observation, action=action, stock=action == "paper")
    seen = env.reset()
    assert seen.shape == (COUNT, len(env.observation_names)) == (COUNT, env.observation_count)
    assert env.action_count == ACTION_COUNTS[action]
    for _ in range(3):
        seen, reward, done, truncated, info = env.step(np.zeros((COUNT, env.action_count), dtype=np.float32))
        assert seen.shape == (COUNT, env.observation_count)
        assert (seen.dtype, reward.dtype, done.dtype, truncated.dtype) == (np.float32, np.float32, bool, bool)
        assert reward.shape == done.shape == truncated.shape == info["paper_reward"].shape == (COUNT,)
        assert np.isfinite(seen).all()
        assert np.isfinite(reward).all()


@pytest.mark.parametrize("loops", [LoopsCfg(), LoopsCfg(arm="rmpflow", causal=True)], ids=["lag", "rmpflow"])
def test_episodes_end_by_time_alone_begin_again_and_settle_unrewarded(make, loops):
    env = make(loops)
    env.reset()
    age, ends = np.zeros(COUNT, dtype=int), [[] for _ in range(COUNT)]
    hand_rows = []
    for _ in range(2 * EPISODE + 5):
        hand_rows.append(env._row.copy())
        _, reward, done, truncated, _ = env.step(np.zeros((COUNT, 5)))
        assert np.array_equal(done, truncated)
        assert not reward[age < SETTLE].any()
        assert (reward[age >= SETTLE] <= 0.0).all()
        age += 1
        for row in np.flatnonzero(done):
            ends[row].append(int(age[row]))
        age[done] = 0
    first = [lengths[0] for lengths in ends]
    assert min(first) > SETTLE + (EPISODE - SETTLE) // 2 - 1  # shorter at first, so that they do not end together
    assert len(set(first)) > COUNT // 3
    assert all(lengths[1] == EPISODE for lengths in ends)
    jumps = np.diff(np.array(hand_rows), axis=0) != 1
    assert jumps.sum() == sum(len(lengths) for lengths in ends)  # another place, or another hand, for each episode


def test_every_episode_lies_within_its_hand_and_session(make, hands, sessions):
    env = make()
    env.reset()
    for _ in range(300):
        hand = env._hand
        slot = env._row - hands.first_row[hand]
        assert (slot >= PAST_SLOTS).all()
        assert (slot < hands.slot_count[hand] - FUTURE_SLOTS).all()
        assert (env._slot >= START_SLOT).all()
        assert (env._slot < sessions.slot_count).all()
        env.step(np.zeros((COUNT, 5)))
    assert set(env._hand) == {0, 1}


@pytest.mark.parametrize("loops", [LoopsCfg(threads=1), LoopsCfg(arm="rmpflow", causal=True)], ids=["lag", "rmpflow"])
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(make, loops):
    digests = []
    for seed in (3, 3, 4):
        env, actions = make(loops, seed=seed), np.random.default_rng(0)
        told = [env.reset().tobytes()]
        for _ in range(120):
            seen, reward, done, _, info = env.step(actions.uniform(-1.0, 1.0, (COUNT, 5)))
            told += [seen.tobytes(), reward.tobytes(), done.tobytes(), info["paper_reward"].tobytes()]
        digests.append(b"".join(told))
    assert digests[0] == digests[1] != digests[2]


def test_no_action_is_the_rule_and_beats_no_trust_in_it(make):
    env = make()
    env.reset()
    assert np.array_equal(env.horizons(np.zeros((COUNT, 5))), np.tile(LATE_RULE, (COUNT, 1)))
    rewards = []
    for gain in (0.0, -1.0):
        env = make(seed=1)
        env.reset()
        actions = np.tile([0.0, 0.0, gain, 0.0, 0.0], (COUNT, 1))
        rewards.append(sum(env.step(actions)[1].sum() for _ in range(EPISODE)))
    assert rewards[0] > rewards[1]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"observation": "all"}, "all"),
        ({"action": "none"}, "none"),
        ({"envs": 0}, "0 environments"),
        ({"settle_slots": EPISODE}, f"episodes of {EPISODE}"),
        ({"seed": -1}, "seed -1"),
        ({"servo_lag_spread_s": 0.02}, "servo_lag_spread_s"),
        ({"weights": (1.0, -1.0, 1.0, 1.0)}, "weights"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, named):
    with pytest.raises(ConfigError, match=named):
        EnvCfg(**{"episode_slots": EPISODE, "settle_slots": SETTLE, **settings})


def test_loops_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="lag, rmpflow"):
        LoopsCfg(arm="real")
    with pytest.raises(ConfigError, match="causal=True"):
        LoopsCfg(arm="rmpflow")
    for lag_s in (0.001, 0.2, np.nan):
        with pytest.raises(ConfigError, match=r"0\.015"):
            LoopSettings(feed_forward=np.ones(1, dtype=np.bool_), servo_lag_s=np.array([lag_s]))


def test_episodes_longer_than_hands_or_sessions_are_refused(make, hands, sessions):
    longest = int(hands.slot_count.max()) - PAST_SLOTS - FUTURE_SLOTS
    long = draw_sessions(["none"], each=1, duration_s=0.01 * (longest + 1) + 5.0, seed=0)
    assert HorizonEnv(hands, long, EnvCfg(envs=1, episode_slots=longest, settle_slots=0)).reset().shape[0] == 1
    with pytest.raises(ConfigError, match="no hand is long enough") as told:
        HorizonEnv(hands, long, EnvCfg(envs=1, episode_slots=longest + 1, settle_slots=0))
    assert "shorter episodes" in str(told.value)
    with pytest.raises(ConfigError, match="sessions are too short") as told:
        make(episode_slots=400)
    assert "at least 850" in str(told.value)


def test_an_unknown_network_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="no such network") as told:
        draw_sessions(["bad"], each=1, duration_s=5.0, seed=0)
    assert all(name in str(told.value) for name in CONDITIONS)
    for name in CONDITIONS:
        schedule = draw_schedule(name, np.random.default_rng(0), 20.0)
        assert set(schedule) == set(HOPS)
        for changes in schedule.values():
            times = [t_ns for t_ns, _ in changes]
            assert times[0] == 0
            assert times == sorted(times)


def test_too_short_a_recording_is_refused_with_a_mend(hands):
    with pytest.raises(RecordingError, match="too short") as told:
        bank_of([waves(500)])
    assert all(text in str(told.value) for text in ("5.0 s", f"at least {SHORTEST_S:g} s", "leave it out"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda t_s, x_m: (t_s + (t_s > 4.0), x_m), "a gap in time"),
        (lambda t_s, x_m: (t_s, 50.0 * t_s), "faster than any hand"),
    ],
    ids=["gap", "50 m/s"],
)
def test_recordings_that_no_hand_made_are_refused_with_the_reason(tmp_path, spoil, reason):
    t_s = 0.01 * np.arange(800)
    t_s, x_m = spoil(t_s, 0.05 * np.sin(t_s))
    rows = [f"{t:.3f} {x:.6f} 0 0 0 0 0 1" for t, x in zip(t_s, x_m, strict=True)]
    path = tmp_path / "hand.txt"
    path.write_text("\n".join(rows) + "\n")
    with pytest.raises(RecordingError, match=reason):
        load_hands([str(path)])


def test_a_still_hand_is_no_fault(hands, sessions):
    still = waves(700)
    still = replace(still, name="still", poses=np.tile(tool_pose_in_ur_base(HOME_Q), (700, 1)))
    bank = bank_of([still])
    assert np.isfinite(bank.motion).all()
    env = HorizonEnv(bank, sessions, EnvCfg(envs=4, episode_slots=EPISODE, settle_slots=SETTLE))
    env.reset()
    for _ in range(EPISODE):
        _, reward, *_ = env.step(np.zeros((4, 5)))
        assert np.abs(reward).max() < 1e-9


def test_speed_is_told_of_both_arms_by_themselves_and_as_environments():
    beats = itertools.count()
    speeds = measure_speed(envs=4, slots=5, clock=lambda: 0.5 * next(beats))
    assert speeds == {f"{arm}_{what}": 40.0 for arm in ("lag", "rmpflow") for what in ("loops", "environment")}


def test_a_stretch_that_does_not_fit_is_refused(hands, sessions):
    slots = longest_stretch(hands, sessions, 1, most=10_000)
    runs, choose = [Run(hand=1, session=0)], constant(np.array(LATE_RULE))
    assert measure(hands, sessions, runs, choose, slots=slots)[0, 2] > 0
    for longer in (replace(runs[0], start=300), replace(runs[0], start=-1)):
        with pytest.raises(ConfigError, match="does not fit"):
            measure(hands, sessions, [longer], choose, slots=slots)
    with pytest.raises(ConfigError, match="at most 186"):
        measure(hands, sessions, runs, choose, slots=400)
