"""Step 2: the loop that a person closes, its reward, and what is learned in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from teletwin.errors import ConfigError
from teletwin.forecast import WINDOW_COUNT
from teletwin.geometry import Array
from teletwin.hand.recording import HandRecording
from teletwin.horizon.policy_file import identity_policy, load_policy
from teletwin.session.build import SERVO_LAG_S
from teletwin_training.horizon.bootstrap_ratio import mean_interval
from teletwin_training.horizon.choosing import Choosing, without_prediction
from teletwin_training.horizon.closed_loop import ClosedLoop, Episodes
from teletwin_training.horizon.closed_loop_env import FIGURES, ClosedLoopCfg, ClosedLoopEnv
from teletwin_training.horizon.closed_loop_study import StudyCfg, closed_loop_study
from teletwin_training.horizon.drawing import DRAWING_COLUMNS, draw_crowd, play
from teletwin_training.horizon.drawing_tasks import DrawnTasks, distance_to_curve, draw_tasks, home_pose, task_middle
from teletwin_training.horizon.hands import PAST_SLOTS, HandBank, bank_of
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.probe import SETTLE_SLOTS, Run, measure
from teletwin_training.horizon.sessions import START_SLOT, SessionBank, draw_sessions
from teletwin_training.horizon.step_simulated import PPO, SimulatedCfg, start_of
from teletwin_training.ppo import VectorEnv

SHORT = ClosedLoopCfg(persons=8, episode_slots=400, settle_slots=100)
SLOTS = 300


@pytest.fixture(scope="module")
def sessions() -> SessionBank:
    return draw_sessions(["fixed", "switching"], each=2, duration_s=14.0, seed=3)


@pytest.fixture(scope="module")
def hand() -> HandBank:
    """A hand that rests until its first slot, then waves and turns."""
    count = PAST_SLOTS + 900
    t = 0.01 * np.maximum(np.arange(count) - PAST_SLOTS, 0)
    poses = np.tile(home_pose(), (count, 1))
    poses[:, :3] += 0.05 * np.stack([np.sin(3.0 * t) ** 2, np.sin(5.0 * t), 1.0 - np.cos(2.0 * t)], axis=1)
    poses[:, 3:] += 0.05 * np.stack([np.sin((2.0 + k) * t) for k in range(4)], axis=1)
    poses[:, 3:] /= np.linalg.norm(poses[:, 3:], axis=1, keepdims=True)
    return bank_of([HandRecording(name="wave", t_ns=10_000_000 * np.arange(count), poses=poses)])


class Replayed:
    """The recording in the persons' place."""

    def __init__(self, track: Array, count: int) -> None:
        self._track, self._count, self._slot = track, count, 0

    def reset(self, rows: NDArray[np.intp], position: Array, target: Array) -> None: ...

    def step(self, shown: Array, target: Array, target_velocity: Array) -> Array:
        self._slot += 1
        return np.tile(self._track[self._slot], (self._count, 1))


def test_with_a_recording_for_a_person_it_is_the_recorded_loop(hand: HandBank, sessions: SessionBank) -> None:
    count = len(sessions)
    horizons = np.array([[0.02, -0.03, 0.01, 0.0, 0.9, 1.0], [0.15, 0.1, 0.2, 0.1, 1.0, 0.0]])[np.arange(count) % 2]
    runs = [Run(hand=0, session=session) for session in range(count)]
    recorded = measure(
        hand, sessions, runs, lambda number, row, slot: horizons, slots=SLOTS, loops=LoopsCfg(causal=True)
    )
    track = hand.poses[PAST_SLOTS:]
    loop = ClosedLoop(sessions, Replayed(track, count), count=count, slots=SETTLE_SLOTS + SLOTS, threads=1)
    rows, nowhere = np.arange(count), np.zeros((count, SETTLE_SLOTS + SLOTS, 3))
    tasks = DrawnTasks(dots=nowhere, velocities=nowhere, curves=nowhere, speed_m_s=np.ones(count))
    start, slot = np.tile(track[0], (count, 1)), np.full(count, START_SLOT)
    loop.begin(
        Episodes(
            rows=rows,
            tasks=tasks,
            start=start,
            session=rows,
            first_slot=slot,
            servo_lag_s=np.full(count, SERVO_LAG_S),
            horizons=horizons,
        )
    )
    loop.look()
    total = np.zeros((count, 6))
    for step in range(SETTLE_SLOTS + SLOTS):
        if step > WINDOW_COUNT:
            np.testing.assert_allclose(loop.hands.motion[0], hand.motion[PAST_SLOTS + step], atol=1e-9)
        errors = loop.step(horizons)
        total += errors if step >= SETTLE_SLOTS else 0.0
        loop.look()
    assert recorded[:, 2].min() == SLOTS
    np.testing.assert_allclose(total, recorded, rtol=1e-9, atol=1e-12)


def test_tasks_lie_in_the_picture_s_plane_before_the_arm() -> None:
    tasks = draw_tasks(np.random.default_rng(0), 3, slots=200)
    assert np.linalg.norm(tasks.dots - task_middle(), axis=2).max() < 0.0701
    speed = np.linalg.norm(tasks.velocities, axis=2)
    assert (0.2 * tasks.speed_m_s < speed.mean(axis=1)).all()
    assert (speed.mean(axis=1) < 3.0 * tasks.speed_m_s).all()
    np.testing.assert_allclose(np.diff(tasks.dots, axis=1), 0.01 * tasks.velocities[:, :-1], atol=2e-4)
    assert distance_to_curve(tasks.dots[0], tasks.curves[0]).max() < 2e-4
    assert distance_to_curve(tasks.curves[0, :1] + [0.0, 0.0, 1.0], tasks.curves[0])[0] > 0.8


def test_the_environment_repeats_and_pays_nothing_for_the_rule(sessions: SessionBank) -> None:
    first, again = (ClosedLoopEnv(sessions, SHORT) for _ in range(2))
    env: VectorEnv = first
    assert env.reset().shape == (8, first.observation_count)
    assert again.reset().dtype == np.float32
    rng = np.random.default_rng(0)
    ended, paid = 0, 0.0
    for _ in range(30):
        seen, reward, done, truncated, info = first.step(np.zeros((8, 5)))
        same, *_ = again.step(np.zeros((8, 5)))
        assert np.array_equal(seen, same)
        assert np.isfinite(seen).all()
        assert not reward.any()
        assert set(info) == set(FIGURES)
        assert np.array_equal(done, truncated)
    for _ in range(80):
        seen, reward, done, _, info = first.step(rng.uniform(-1.0, 1.0, (8, 5)))
        ended, paid = ended + int(done.sum()), paid + float(np.abs(reward).sum())
        assert np.isfinite(reward).all()
        assert np.isfinite(seen).all()
    assert ended > 4
    assert paid > 0.0


def test_prediction_helps_persons_to_draw_and_pairs_are_alike(sessions: SessionBank) -> None:
    crowd = draw_crowd(sessions, replace(SHORT, episode_slots=700), conditions=("fixed", "switching"), each=8, seed=1)
    assert crowd.conditions.tolist() == ["fixed"] * 8 + ["switching"] * 8
    choosing = Choosing(sessions, SHORT.env)
    rule, again, none = (play(crowd, each) for each in (choosing.by_rule, choosing.by_rule, without_prediction))
    assert rule.shape == (16, len(DRAWING_COLUMNS))
    assert np.array_equal(rule, again)
    assert (rule[:, 0] / none[:, 0]).mean() < 0.85
    assert (rule[:, 1] <= rule[:, 0] * 1.001).all()  # nowhere is the dot nearer than its curve
    policy = identity_policy()
    assert np.array_equal(play(crowd, choosing.by_actor(start_of(policy), policy.mean, policy.scale)), rule)


@pytest.mark.parametrize(("observation", "action"), [("paper", "paper"), ("rich", "sender")])
def test_other_observations_and_actions_go_the_same_way(sessions: SessionBank, observation: str, action: str) -> None:
    cfg = replace(SHORT, persons=2, env=replace(SHORT.env, observation=observation, action=action, stock=True))
    env = ClosedLoopEnv(sessions, cfg)
    assert env.reset().shape == (2, env.observation_count)
    assert np.isfinite(env.step(np.zeros((2, env.action_count)))[0]).all()


def test_an_interval_covers_seeds_and_persons() -> None:
    rng = np.random.default_rng(0)
    values = 0.95 + 0.02 * rng.standard_normal((10, 1)) + 0.1 * rng.standard_normal((1, 50))
    seen = mean_interval([values, values])
    half = 0.5 * (seen["high"] - seen["low"])
    assert seen["mean"] == pytest.approx(values.mean())
    assert 0.5 < half / (1.96 * np.sqrt(0.02**2 / 10 + 0.1**2 / 50 / 2)) < 1.5


def test_a_study_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    pytest.importorskip("rl_games")
    ppo = replace(PPO, epochs=2, horizon_length=4, minibatch_size=32, critic_first_epochs=0, hidden=(8,))
    training = SimulatedCfg(loop=SHORT, ppo=ppo, judge_epochs=1, judge_persons=4)
    cfg = StudyCfg(training=training, sessions=2, conditions=("fixed",), each=3, judged_sessions=1)
    policy = identity_policy(hidden=8)
    told: list[str] = []
    first = closed_loop_study(policy, folder=tmp_path, cfg=cfg, seeds=1, progress=lambda text, *_: told.append(text))
    assert told
    assert load_policy(tmp_path / "seed_0.npz").note["person"] == "simulated"
    second = closed_loop_study(policy, folder=tmp_path, cfg=cfg, seeds=2)
    assert second["seeds"] == [0, 1]
    assert second["by_seed"][0] == first["by_seed"][0]
    ratio = second["conditions"]["all"]["ratios"]["step2/step1"]["drawing_m"]
    assert ratio["low"] <= ratio["mean"] <= ratio["high"]
    with pytest.raises(ConfigError, match="another study"):
        closed_loop_study(policy, folder=tmp_path, cfg=replace(cfg, each=4), seeds=1)
