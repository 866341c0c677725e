"""A meta-learned start: many live learners at once, what moves the start, and how fast a new person is learned."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.geometry import Array, rotation_angle
from teletwin.horizon.observation import OBSERVATION_VERSION
from teletwin.horizon.policy_file import PolicyFile, identity_policy, load_policy, save_policy
from teletwin.session.lesson_reward import SlotErrors
from teletwin_training.cli.train import main as train
from teletwin_training.cli.train_meta import MetaOptions, run_meta
from teletwin_training.horizon.bootstrap_ratio import nested_ratio
from teletwin_training.horizon.choosing import Choosing
from teletwin_training.horizon.closed_loop_env import ClosedLoopCfg, ClosedLoopEnv
from teletwin_training.horizon.evaluation.adaptation import adaptation_table, compare_adaptation, save_adaptation_figure
from teletwin_training.horizon.live.actor import awake, weights_of
from teletwin_training.horizon.live.cfg import LIVE_PPO
from teletwin_training.horizon.live.start import Start, find_start
from teletwin_training.horizon.meta.cfg import MetaCfg
from teletwin_training.horizon.meta.learners import Beginning, Learners, Rollout
from teletwin_training.horizon.meta.learning import EnvWorld, MetaLearning
from teletwin_training.horizon.meta.lessons import LessonRewards, Lessons
from teletwin_training.horizon.meta.networks import Networks, new_critic
from teletwin_training.horizon.meta.outer import Outer
from teletwin_training.horizon.meta.step import fitted, train_meta
from teletwin_training.horizon.meta.study import AdaptationCfg
from teletwin_training.horizon.sessions import SessionBank, draw_sessions
from teletwin_training.horizon.step_simulated import PPO, SimulatedCfg
from teletwin_training.ppo import Purpose, Weights, train_ppo
from teletwin_training.ppo.made_checkpoint import Critic, make_checkpoint, read_critic
from teletwin_training.run_folder import RunFolder, open_run

SEEN, DONE, HIDDEN = 41, 5, (16, 16)
Floats = NDArray[np.floating[Any]]
PURPOSE = Purpose(task="horizon", observation="rich", observation_version=OBSERVATION_VERSION, action="late")
INNER = replace(LIVE_PPO, horizon_length=64, minibatch_size=32, mini_epochs=2, critic_first_epochs=0)
TINY = MetaCfg(
    together=SimulatedCfg(
        loop=ClosedLoopCfg(persons=4, episode_slots=400, settle_slots=50),
        ppo=replace(PPO, epochs=3, horizon_length=4, minibatch_size=8, critic_first_epochs=1),
        judge_epochs=2,
        judge_persons=2,
    ),
    blocks=3,
    persons=4,
    lesson_epochs=1,
    life_blocks=3,
    queries=1,
    query_steps=3,
    inner=INNER,
    outer=replace(PPO, minibatch_size=12),
    critic_first_blocks=1,
)


class Quiet:
    """A watcher that may stop."""

    def __init__(self, stops: Callable[[], bool] = lambda: False) -> None:
        self.stops = stops
        self.told: list[str] = []

    def begin(self, stage: str, total: int) -> None:
        self.told.append(stage)

    def advance(self, done: int, text: str = "") -> None: ...


class Played:
    """Rows that were noted before, as a `ppo.RecordedEnv`."""

    count, observation_count, action_count = 1, SEEN, DONE

    def __init__(self, seen: Floats, actions: Floats, rewards: Floats) -> None:
        self._seen, self._actions, self._rewards, self._step = seen, actions, rewards, 0

    def reset(self) -> Floats:
        return self._seen[:1]

    def recorded_action(self) -> Floats:
        return self._actions[self._step, None]

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        reward = self._rewards[self._step, None]
        self._step += 1
        return self._seen[self._step, None], reward, np.zeros(1, dtype=bool), np.zeros(1, dtype=bool), {}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Small networks are slowed down by more."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def policy() -> PolicyFile:
    return awake(identity_policy("rich", "late"), seed=1, hidden=HIDDEN)


@pytest.fixture(scope="module")
def sessions() -> SessionBank:
    return draw_sessions(["jitter"], each=2, duration_s=12.0, seed=4)


@pytest.fixture(scope="module")
def run(policy: PolicyFile, sessions: SessionBank, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return trained(policy, sessions, tmp_path_factory.mktemp("meta") / "run")


def trained(policy: PolicyFile, sessions: SessionBank, path: Path, cfg: MetaCfg = TINY, **more: Any) -> RunFolder:
    folder = open_run(path, "horizon, step meta", cfg, cfg.seed, created_utc="2026-12-01T00:00:00Z")
    train_meta(policy, sessions, fitted(cfg, policy), folder, Quiet(), **more)
    return folder


def drawn(rng: np.random.Generator, units: tuple[int, ...]) -> tuple[tuple[Array, Array], ...]:
    return tuple((rng.normal(size=(a, b)) / np.sqrt(a), 0.1 * rng.normal(size=b)) for a, b in itertools.pairwise(units))


def test_each_learner_learns_what_rl_games_does_from_the_same_rows(tmp_path: Path) -> None:
    rng, slots = np.random.default_rng(0), 128
    cfg = replace(LIVE_PPO, epochs=3, horizon_length=slots, hidden=HIDDEN, critic_first_epochs=1, learning_rate=1e-3)
    layers, critic = drawn(rng, (SEEN, *HIDDEN, DONE)), new_critic(SEEN, HIDDEN, rng)
    actor = Weights(layers=layers, log_sigma=np.full(DONE, np.log(0.15)))
    seen = np.clip(1.5 * rng.normal(size=(3 * slots + 1, SEEN)), -5.0, 5.0).astype(np.float32)
    actions = (actor.mean_actions(seen.astype(np.float64)) + 0.15 * rng.normal(size=(len(seen), DONE))).astype(
        np.float32
    )
    rewards = (0.1 * rng.normal(size=3 * slots) - 2.0 - abs(actions[:-1, 0] - 0.5)).astype(np.float32)
    start = Critic(layers=critic, values=(-1.0, 2.0, 300.0))
    make_checkpoint(tmp_path / "made", actor, start, purpose=PURPOSE, cfg=cfg)
    env = Played(seen, actions, rewards)
    theirs = train_ppo(env, cfg, folder=tmp_path / "on", purpose=PURPOSE, start=actor, checkpoint=tmp_path / "made")
    networks = Networks(SEEN, HIDDEN, DONE)
    begin = Beginning(row=networks.row(layers, critic), values=start.values)
    learners = Learners(networks, begin, cfg, log_sigma=actor.log_sigma, count=2)
    for first in range(0, 3 * slots, slots):
        last = first + slots
        # The second one learns from something else, and changes nothing about the first.
        mine = [part[first:end] for part, end in ((seen, last + 1), (actions, last), (rewards, last))]
        rollout = [np.stack([part, 0.5 * part], axis=1) for part in mine]
        learners.learn(Rollout(seen=rollout[0], actions=rollout[1], rewards=rollout[2]))
    row = learners.rows[0].numpy().astype(np.float64)
    for own, other, before in zip(networks.layers(row), theirs.weights.layers, layers, strict=True):
        np.testing.assert_allclose(own[0], other[0], atol=2e-5)
        np.testing.assert_allclose(own[1], other[1], atol=2e-5)
        assert abs(other[0] - before[0]).max() > 5e-3
    kept = read_critic(tmp_path / "on")
    np.testing.assert_allclose(networks.layers(row, critic=True)[0][0], kept.layers[0][0], atol=2e-5)
    np.testing.assert_allclose(learners.scale.facts(0), kept.values, rtol=1e-4)


def test_the_start_goes_where_the_persons_own_networks_would_gain() -> None:
    rng, networks = np.random.default_rng(2), Networks(SEEN, HIDDEN, DONE)
    layers = drawn(rng, (SEEN, *HIDDEN, DONE))
    critic = Critic(layers=new_critic(SEEN, HIDDEN, rng))
    outer = Outer(networks, layers, critic, replace(PPO, learning_rate=3e-3), log_sigma=np.full(DONE, -1.2))
    import torch

    taught = torch.as_tensor(0.05 * rng.normal(size=(32, networks.actor_count)), dtype=torch.float32)
    seen = rng.normal(size=(1, 32, SEEN)).astype(np.float32)

    def own() -> Array:
        rows = torch.as_tensor(outer.row[: networks.actor_count], dtype=torch.float32) + taught
        return networks.mean_actions(rows, torch.from_numpy(seen).transpose(0, 1))[:, 0].numpy()

    before = abs(own()[:, 0] - 0.5).mean()
    for _ in range(30):
        actions = (own() + 0.3 * rng.standard_normal((16, 32, DONE))).astype(np.float32)
        rewards = -((actions[..., 0] - 0.5) ** 2)
        outer.learn(Rollout(seen=np.repeat(seen, 17, axis=0), actions=actions, rewards=rewards), taught)
    assert abs(own()[:, 0] - 0.5).mean() < 0.6 * before


def test_a_lesson_pays_what_the_session_pays(sessions: SessionBank) -> None:
    env = ClosedLoopEnv(sessions, ClosedLoopCfg(persons=1, hold_slots=1, episode_slots=300, settle_slots=50))
    env.reset()
    loop, rewards, before = env.loop, LessonRewards(sessions, 1), []
    hops, paid = 0.0, 0.0
    for slot in range(80):
        hand, session, at = loop.hands.newest.copy(), loop.session.copy(), loop.slot.copy()
        env.step(np.zeros((1, DONE)))
        paid = rewards.judge(loop, hand, session, at)[0]
        away = [np.linalg.norm(loop.tool[0, :3] - place) for place in (hand[0, :3], loop.dot[0])]
        before.append((away[0], float(rotation_angle(hand[0, 3:], loop.tool[0, 3:])), away[1]))
        hops = 2.0 * sessions.timings[session[0]].uplink_age_s[at[0]]  # the arm's state comes by two
        control_m, control_rad, drawing_m = before[max(slot - round(hops / 0.01), 0)]
        shown = loop.shown[0]
        errors = SlotErrors(
            control_m=control_m,
            control_rad=control_rad,
            display_m=float(np.linalg.norm(shown[:3] - hand[0, :3])),
            display_rad=float(rotation_angle(hand[0, 3:], shown[3:])),
            drawing_m=drawing_m,
        )
        assert paid == pytest.approx(errors.reward, rel=1e-9)
    assert 0.05 < hops < 0.2
    assert paid < -0.05


def test_a_lesson_s_rows_are_what_its_policy_saw_and_did(policy: PolicyFile, sessions: SessionBank) -> None:
    cfg = ClosedLoopCfg(persons=3, hold_slots=1, episode_slots=400, settle_slots=50)
    env = ClosedLoopEnv(sessions, cfg)
    env.reset()
    networks, rng = Networks(SEEN, HIDDEN, DONE), np.random.default_rng(0)
    begin = Beginning(row=networks.row(policy.layers, new_critic(SEEN, HIDDEN, rng)))
    learners = Learners(networks, begin, INNER, log_sigma=np.full(DONE, np.log(0.08)), count=3)
    choosing = Choosing(sessions, cfg.env)
    lessons = Lessons(EnvWorld(env), choosing, policy.mean, policy.scale, learners, rng=rng)
    rollout, errors = lessons.epoch(64)
    assert rollout.seen.shape == (65, 3, SEEN)
    assert errors.shape == (84, 3)
    mean = weights_of(policy, spread=0.08).mean_actions(rollout.seen[:-1].astype(np.float64))
    noise = rollout.actions - mean
    assert 0.03 < noise[30:].std() < 0.12
    assert abs(noise).max() <= 0.16 + 1e-5
    learners.learn(rollout)
    assert (learners.rows != learners.rows[0]).any()
    learners.renew(np.array([1]))
    np.testing.assert_allclose(learners.rows[1].numpy(), begin.row, atol=1e-6)
    assert learners.epochs.tolist() == [1, 0, 1]


def test_the_same_seed_gives_the_same_bytes(
    run: RunFolder, policy: PolicyFile, sessions: SessionBank, tmp_path: Path
) -> None:
    again = trained(policy, sessions, tmp_path / "again")
    assert again.policy_path.read_bytes() == run.policy_path.read_bytes()
    other = trained(policy, sessions, tmp_path / "other", replace(TINY, seed=1))
    assert not np.array_equal(load_policy(other.policy_path).layers[0][0], load_policy(run.policy_path).layers[0][0])


def test_the_live_step_begins_from_it_with_its_critic_and_without_waiting_for_one(run: RunFolder) -> None:
    start = find_start(str(run.path), paper_mode=False, seed=0)
    assert start.policy.note["step"] == "meta"
    assert start.checkpoint is not None
    assert start.ppo(LIVE_PPO, own_critic_epochs=True).critic_first_epochs == 0
    assert start.ppo(LIVE_PPO).critic_first_epochs == LIVE_PPO.critic_first_epochs
    assert start.ppo(LIVE_PPO).hidden == HIDDEN
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(65, width)).astype(np.float32) for width in (SEEN, DONE)]
    env = Played(rows[0], rows[1], rng.normal(size=64).astype(np.float32))
    cfg = replace(INNER, hidden=HIDDEN, epochs=1)
    actor = weights_of(start.policy, spread=0.08)
    learned = train_ppo(env, cfg, folder=run.path / "live", purpose=PURPOSE, start=actor, checkpoint=start.checkpoint)
    assert not np.array_equal(learned.weights.layers[0][0], actor.layers[0][0])


def test_it_goes_on_from_what_was_kept(
    run: RunFolder, policy: PolicyFile, sessions: SessionBank, tmp_path: Path
) -> None:
    kept = load_policy(run.policy_path)
    shutil.copytree(run.ppo_path, tmp_path / "more" / "ppo")
    more = trained(kept, sessions, tmp_path / "more", replace(TINY, seed=1), goes_on=True)
    assert not (more.path / "together").exists()
    assert read_critic(more.ppo_path).values != read_critic(run.ppo_path).values
    assert not np.array_equal(load_policy(more.policy_path).layers[0][0], kept.layers[0][0])


def test_a_stop_keeps_what_was_learned(policy: PolicyFile, sessions: SessionBank, tmp_path: Path) -> None:
    folder = open_run(tmp_path / "stopped", "horizon, step meta", TINY, 0)
    taught = train_meta(policy, sessions, fitted(TINY, policy), folder, Quiet(lambda: True))
    assert taught.curve == []
    assert load_policy(folder.policy_path).note["step"] == "meta"
    start = find_start(str(folder.path), paper_mode=False, seed=0)  # no lesson has taught its critic anything
    assert start.ppo(LIVE_PPO, own_critic_epochs=True).critic_first_epochs == LIVE_PPO.critic_first_epochs


def test_reptile_goes_towards_where_lessons_led(policy: PolicyFile, sessions: SessionBank) -> None:
    cfg = fitted(replace(TINY, method="reptile", inner=replace(INNER, learning_rate=1e-3)), policy)
    learning = MetaLearning(weights_of(policy, spread=0.08), policy.mean, policy.scale, sessions, cfg)
    before = learning.learners.beginning.row.copy()
    learning.block()
    learning.block()
    moved = learning.learners.beginning.row - before
    assert 0.0 < np.linalg.norm(moved[: learning.networks.actor_count]) < 1.0


def test_a_study_compares_starts_on_the_same_persons(run: RunFolder, policy: PolicyFile, tmp_path: Path) -> None:
    cfg = AdaptationCfg(
        seeds=2, persons=2, condition="jitter", sessions=2, marks_s=(0.0, 2.0), judged_slots=340, learning=INNER
    )
    same = Start(policy=policy, checkpoint=None, source="the same")
    starts = {"same": same, "meta": find_start(str(run.path), paper_mode=False, seed=0)}
    told: list[str] = []
    study = compare_adaptation(policy, starts, cfg, tmp_path, lambda text, *_: told.append(text))
    assert told
    assert study["starts"]["same"]["judged_mm"] == study["starts"]["plain"]["judged_mm"]
    assert study["starts"]["plain"]["judged_mm"][0] == study["no_adaptation_mm"]
    assert study["starts"]["plain"]["judged_mm"][1] != study["no_adaptation_mm"]
    assert study["starts"]["meta"]["judged_mm"] != study["starts"]["plain"]["judged_mm"]
    table = adaptation_table(study)
    assert {len(row) for row in table.rows} == {len(table.headings)}
    assert save_adaptation_figure(study, tmp_path / "a.png").stat().st_size > 1000
    again = compare_adaptation(policy, starts, cfg, tmp_path, lambda *_: pytest.fail("it was done already"))
    assert json.dumps(again) == json.dumps(study)
    with pytest.raises(ConfigError, match="another study"):
        compare_adaptation(policy, starts, replace(cfg, spread=0.1), tmp_path, lambda *_: None)
    strange = replace(policy, mean=policy.mean + 1.0)
    with pytest.raises(ConfigError, match="sees or does something else"):
        compare_adaptation(policy, {"x": replace(same, policy=strange)}, cfg, tmp_path / "x", lambda *_: None)


def test_intervals_draw_seeds_first_then_their_persons() -> None:
    rng = np.random.default_rng(0)
    beside = np.exp(rng.normal(size=(10, 16)))
    alike = nested_ratio(0.9 * beside, beside)
    assert alike == {name: pytest.approx(0.9) for name in ("mean", "low", "high")}
    by_seed = beside * np.exp(0.1 * rng.normal(size=(10, 1)))  # persons of one seed say the same
    by_person = beside * np.exp(0.1 * rng.normal(size=(10, 16)))
    widths = [nested_ratio(own, beside)["high"] - nested_ratio(own, beside)["low"] for own in (by_seed, by_person)]
    assert widths[0] > 2.0 * widths[1]


def test_what_cannot_be_trained_is_refused_before_anything_runs(policy: PolicyFile, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such method; given: sgd; allowed: maml, reptile"):
        MetaOptions(method="sgd")
    with pytest.raises(ConfigError, match="nothing to go on with"):
        MetaOptions(resume="runs/x", blocks=0)
    with pytest.raises(ConfigError, match="given: magic; allowed: recorded, human, meta"):
        train(["horizon", "--step", "magic"])
    save_policy(tmp_path / "policy.npz", policy)
    with pytest.raises(ConfigError, match="the run is of another kind"):
        run_meta(MetaOptions(resume=str(tmp_path)))
    (tmp_path / "ppo").mkdir()
    (tmp_path / "ppo" / "checkpoint.pth").write_bytes(b"x")
    with pytest.raises(ConfigError, match="holds a training already"):
        run_meta(MetaOptions(out=str(tmp_path)))
