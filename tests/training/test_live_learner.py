"""Learning from a running session: rows in order, cut at gaps, and policies that the session can take over."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin.horizon.actor import Actor
from teletwin.horizon.observation import observation_names
from teletwin.horizon.policy_file import PolicyFile, identity_policy, load_policy, save_policy
from teletwin.session.lesson_channel import LearnerLink, Row
from teletwin_training.horizon.live.actor import awake, policy_of, weights_of
from teletwin_training.horizon.live.cfg import LIVE_PPO, LearnerCfg, from_json, to_json
from teletwin_training.horizon.live.environment import RecordedSession
from teletwin_training.horizon.live.learner import Learner
from teletwin_training.horizon.live.start import find_start
from teletwin_training.horizon.live.stream import RowStream
from teletwin_training.ppo import EnvironmentEndedError, RecordedEnv, read_checkpoint_facts, read_weights

COUNT = len(observation_names("rich"))


def row(slot: int, policy: int = 0, reward: float = 0.0, action: float = 0.0) -> Row:
    return Row(
        slot=slot,
        policy=policy,
        reward=reward,
        metric=-0.01,
        drawing_m=0.02,
        observation=np.full(COUNT, float(slot)),
        action=np.full(5, action),
    )


def env_of(stream: RowStream) -> RecordedSession:
    return RecordedSession(stream, observation_count=COUNT, action_count=5)


def test_rows_become_steps_and_a_gap_ends_an_episode_by_time(tmp_path: Path) -> None:
    with RowStream(tmp_path / "c") as stream, LearnerLink(str(tmp_path / "c")) as link:
        for slot, reward in ((4, -1.0), (5, -2.0), (9, -3.0), (10, -4.0)):
            link.send(row(slot, reward=reward, action=0.1 * slot))
        env = env_of(stream)
        assert isinstance(env, RecordedEnv)
        assert env.reset()[0, 0] == 4.0
        steps = []
        for _ in range(3):
            acted = env.recorded_action()[0, 0]
            seen, reward, done, truncated, info = env.step(None)
            assert done.tolist() == truncated.tolist()
            steps.append((round(float(acted), 3), float(seen[0, 0]), float(reward[0]), bool(done[0])))
        assert steps == [(0.4, 5.0, -1.0, False), (0.5, 9.0, -2.0, True), (0.9, 10.0, -3.0, False)]
        assert info == {"paper_reward": pytest.approx(-0.01), "drawing_m": pytest.approx(0.02)}
        assert env.gap_count == 1
        link.__exit__(None, None, None)
        with pytest.raises(EnvironmentEndedError):
            env.step(None)


def test_rows_of_older_policies_are_not_learned_from(tmp_path: Path) -> None:
    with RowStream(tmp_path / "c") as stream, LearnerLink(str(tmp_path / "c")) as link:
        env = env_of(stream)
        for slot, policy in ((1, 0), (2, 0), (3, 0), (4, 1)):
            link.send(row(slot, policy))
        env.reset()
        env.newest_policy = 1
        seen, *_, done, _, _ = env.step(None)
        assert (seen[0, 0], bool(done[0]), env.stale_count) == (4.0, True, 2)


def test_a_policy_of_another_shape_is_one_line(tmp_path: Path) -> None:
    with RowStream(tmp_path / "c") as stream, LearnerLink(str(tmp_path / "c")) as link:
        link.send(dataclasses.replace(row(1), observation=np.zeros(8)))
        with pytest.raises(ConfigError, match="another than the learner's"):
            env_of(stream).reset()


def test_an_end_from_elsewhere_lets_who_waits_go(tmp_path: Path) -> None:
    with RowStream(tmp_path / "c") as stream:
        threading.Timer(0.1, stream.end).start()
        with pytest.raises(EnvironmentEndedError):
            env_of(stream).reset()


class Session(threading.Thread):
    """Acts with the newest policy and noise; the best action is 0.5 for the first number, whatever is seen."""

    def __init__(self, path: str, policy: PolicyFile, *, swaps: int) -> None:
        super().__init__(daemon=True)
        self._path, self._policy, self._swaps = path, policy, swaps
        self.taken: list[int] = []
        self.told: dict[str, object] = {}

    def run(self) -> None:
        rng, number, actor = np.random.default_rng(0), 0, Actor(self._policy)
        spread = np.full(5, 0.15)
        with LearnerLink(self._path) as link:
            pause = threading.Event()
            while link.learner["phase"] != "learning":
                pause.wait(0.01)
            for slot in range(200_000):
                newer = link.take()
                if newer is not None:
                    number, actor, spread = newer.number, Actor(newer.policy), newer.spread
                    self.taken.append(number)
                if len(self.taken) >= self._swaps:
                    break
                seen = rng.normal(size=COUNT)
                done = actor.act(seen) + spread * rng.normal(size=5)
                reward = -10.0 * (done[0] - 0.5) ** 2
                link.send(dataclasses.replace(row(slot, number, reward), observation=seen, action=done))
                if slot % 2 == 0:
                    pause.wait(0.001)
            self.told = dict(link.learner)


def learn(folder: Path, policy: PolicyFile, *, swaps: int, checkpoint: str = "") -> tuple[Session, dict, PolicyFile]:
    """A session and its learner; what both have, and the policy that is left."""
    folder.mkdir()
    start = save_policy(folder / "policy_start.npz", policy)
    cfg = LearnerCfg(
        channel=str(folder / "c"),
        policy_file=str(start),
        checkpoint=checkpoint,
        folder=str(folder / "ppo"),
        policy_out=str(folder / "policy.npz"),
        spread=0.15,
        ppo=dataclasses.replace(LIVE_PPO, horizon_length=128, critic_first_epochs=1, learning_rate=1e-3, gamma=0.0),
        note={"person": "simulated", "step": "human"},
    )
    with RowStream(cfg.channel) as stream:
        session = Session(cfg.channel, policy, swaps=swaps)
        session.start()
        results = Learner(from_json(to_json(cfg)), stream).run()
        session.join(5.0)
    return session, results, load_policy(folder / "policy.npz")


def test_a_session_is_learned_from_while_it_runs_and_gone_on_with(tmp_path: Path) -> None:
    session, results, policy = learn(tmp_path / "one", awake(identity_policy(), seed=0), swaps=15)
    assert session.taken == sorted(session.taken)
    assert session.taken[-1] <= results["policies"]
    assert results["epochs"] >= 16
    assert session.told["phase"] == "learning"
    assert results["rows_bad"] == 0
    seen = np.random.default_rng(1).normal(size=(50, COUNT))
    action = np.mean([Actor(policy).act(each)[0] for each in seen])
    assert 0.15 < action < 0.85, "the first number goes to where the reward is"
    assert policy.note["person"] == "simulated"
    curve = results["curve"]
    assert curve[-1]["reward"] > curve[0]["reward"] + 0.3
    weights = read_weights(tmp_path / "one/ppo/checkpoint.pth")
    assert np.array_equal(weights.layers[0][0], policy.layers[0][0]), "checkpoint and policy are of one epoch"
    assert np.exp(weights.log_sigma) == pytest.approx(0.15, rel=1e-3)

    start = find_start(str(tmp_path / "one"), paper_mode=False, seed=0)
    assert start.checkpoint == tmp_path / "one/ppo/checkpoint.pth"
    assert start.ppo(LIVE_PPO).hidden == (64, 64)
    _, again, _ = learn(tmp_path / "two", start.policy, swaps=2, checkpoint=str(start.checkpoint))
    assert again["epochs_all"] == results["epochs_all"] + again["epochs"]
    assert read_checkpoint_facts(tmp_path / "two/ppo")["epoch"] == again["epochs_all"]
    other = dataclasses.replace(start, policy=awake(identity_policy("rich", "sender"), seed=0))
    with pytest.raises(ConfigError, match="the checkpoint is of another"):
        other.ppo(LIVE_PPO)


def test_a_policy_of_zeros_is_made_able_to_learn_and_acts_as_before() -> None:
    policy = awake(identity_policy(), seed=3)
    seen = np.random.default_rng(0).normal(size=COUNT)
    assert Actor(policy).act(seen).tolist() == [0.0] * 5
    assert all(np.abs(weights).max() > 0.0 for weights, _ in policy.layers[:-1])
    assert awake(policy, seed=4) is policy
    always = identity_policy()
    layers = (*always.layers[:-1], (always.layers[-1][0], np.full(5, 0.25)))
    assert Actor(awake(dataclasses.replace(always, layers=layers), seed=3)).act(seen) == pytest.approx([0.25] * 5)


def test_weights_and_policy_are_the_same_network() -> None:
    policy = awake(identity_policy(), seed=3)
    rng = np.random.default_rng(5)
    layers = tuple((w + 0.1 * rng.normal(size=w.shape), b) for w, b in policy.layers)
    policy = dataclasses.replace(policy, layers=layers)
    weights = weights_of(policy, spread=0.1)
    seen = rng.normal(size=COUNT)
    assert np.clip(weights.mean_actions(seen[None]), -1.0, 1.0)[0] == pytest.approx(Actor(policy).act(seen))
    back = policy_of(weights, identity_policy(), {"step": "human"})
    assert Actor(back).act(seen) == pytest.approx(Actor(policy).act(seen))


def test_without_a_policy_a_lesson_begins_with_the_shipped_one_or_the_rule() -> None:
    start = find_start("", paper_mode=True, seed=0)
    assert (start.policy.action, start.source, start.checkpoint) == ("sender", "the rule", None)
    assert start.policy.rule.position_lag_s > 0.1
    assert find_start("", paper_mode=False, seed=0).policy.action == "late"


def test_a_start_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the folder holds no policy"):
        find_start(str(tmp_path), paper_mode=False, seed=0)
    with pytest.raises(ConfigError, match="the policy is not there"):
        find_start(str(tmp_path / "none.npz"), paper_mode=False, seed=0)


def test_the_learners_settings_cross_the_pipe() -> None:
    cfg = LearnerCfg(channel="c", policy_file="p", folder="f", policy_out="o", note={"seed": 1})
    assert from_json(to_json(cfg)) == cfg
    assert "\n" not in to_json(cfg)
    assert json.loads(to_json(cfg))["ppo"]["gamma"] == 0.95
    with pytest.raises(ConfigError, match="noise on actions"):
        dataclasses.replace(cfg, spread=2.0)
