"""One core, three faces: gymnasium, Stable-Baselines3 and rl_games see the same environment."""

from __future__ import annotations

import subprocess
import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin_training.horizon.environment import EnvCfg, HorizonEnv
from teletwin_training.horizon.faces import HORIZON_ID, make_horizon, register_horizon, rl_games_env
from teletwin_training.horizon.hands import HandBank, load_hands
from teletwin_training.horizon.loops import LoopsCfg
from teletwin_training.horizon.sessions import SessionBank, draw_sessions

COUNT, SLOTS = 6, 80
HANDS = ("handwriting", "line:seed=0,duration=10")


@cache
def material() -> tuple[HandBank, SessionBank]:
    return load_hands(HANDS), draw_sessions(["jitter"], each=2, duration_s=10.0, seed=1)


def core(count: int = COUNT, *, seed: int = 5, **settings: Any) -> HorizonEnv:
    cfg = EnvCfg(envs=count, seed=seed, **{"episode_slots": SLOTS, "settle_slots": 20, **settings})
    env = HorizonEnv(*material(), cfg, loops=LoopsCfg(threads=1))
    env.norm[:] = 1e-5
    return env


def actions(steps: int, count: int = COUNT, size: int = 5) -> np.ndarray:
    return np.random.default_rng(3).uniform(-1.0, 1.0, (steps, count, size)).astype(np.float32)


def gymnasium_env(env: HorizonEnv) -> Any:
    from teletwin_training.horizon.faces import GymnasiumVectorEnv

    return GymnasiumVectorEnv(env)


def stable_baselines_env(env: HorizonEnv) -> Any:
    pytest.importorskip("stable_baselines3")
    from teletwin_training.horizon.faces import StableBaselinesEnv

    return StableBaselinesEnv(env)


def single_env(**settings: Any) -> Any:
    from teletwin_training.horizon.faces import GymnasiumEnv

    return GymnasiumEnv(core(1, **settings))


# ------------------------------------------------------------------------------------------------ the core


def test_the_last_observation_of_an_episode_is_told_and_is_not_the_next_ones_first() -> None:
    env, longer = core(), core()
    env.reset()
    longer.reset()
    longer._length[:] = 10_000
    seen = 0
    for action in actions(SLOTS):
        observations, _, done, truncated, info = env.step(action)
        beyond = longer.step(action)[0]
        assert ("final_observation" in info) == done.any()
        assert (truncated == done).all()
        first = done & (env._age == 0) & (longer._age <= SLOTS)
        if first.any() and not seen:
            assert (info["final_observation"][first] == beyond[first]).all()
            assert not info["final_observation"][~done].any()
            assert (observations[first] != beyond[first]).any()
            seen += int(first.sum())
    assert seen


def test_a_seed_is_as_good_as_a_new_environment() -> None:
    env = core(seed=1)
    env.reset()
    for action in actions(30):
        env.step(action)
    env.seed(5)
    fresh = core(seed=5)
    assert env.reset().tobytes() == fresh.reset().tobytes()
    for action in actions(SLOTS):
        for one, other in zip(env.step(action)[:3], fresh.step(action)[:3], strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("spoiled", [np.full((COUNT, 5), np.nan), np.full((COUNT, 5), np.inf), np.zeros((COUNT, 2))])
def test_actions_that_would_lead_the_kernels_astray_are_refused(spoiled: np.ndarray) -> None:
    env = core()
    env.reset()
    with pytest.raises(ConfigError, match=r"actions cannot be used.*allowed: \(6, 5\), finite"):
        env.step(spoiled)


# ------------------------------------------------------------------------------------------------ all three


def test_the_three_faces_give_the_same_for_the_same_actions() -> None:
    import torch

    gym, sb3, games = gymnasium_env(core()), stable_baselines_env(core()), rl_games_env(core())
    starts = gym.reset()[0], sb3.reset(), games.reset()["obs"].numpy()
    assert (starts[0] == starts[1]).all()
    assert (np.clip(starts[0], -5.0, 5.0) == starts[2]).all()
    ended = 0
    for action in actions(2 * SLOTS):
        observed, rewards, terminated, truncated, infos = gym.step(action)
        seen, sb3_rewards, sb3_done, sb3_infos = sb3.step(action)
        games_seen, games_rewards, games_done, games_info = games.step(torch.from_numpy(action))
        assert (observed == seen).all()
        assert (np.clip(observed, -5.0, 5.0) == games_seen["obs"].numpy()).all()
        assert (rewards == sb3_rewards).all()
        assert (rewards == games_rewards.numpy()).all()
        assert not terminated.any()
        assert (truncated == sb3_done).all()
        assert (truncated == games_done.numpy()).all()
        assert (truncated == games_info["time_outs"].numpy()).all()
        for row in np.flatnonzero(truncated):
            assert (infos["final_obs"][row] == sb3_infos[row]["terminal_observation"]).all()
            assert sb3_infos[row]["TimeLimit.truncated"]
        ended += int(truncated.sum())
    assert ended > COUNT
    assert set(games.take_means()) == {"reward", "paper_reward"}


def test_the_same_seed_gives_the_same_bytes_through_every_face() -> None:
    gym, sb3, games = gymnasium_env(core(seed=0)), stable_baselines_env(core(seed=1)), rl_games_env(core(seed=2))
    for _ in range(2):
        sb3.seed(9)
        games.seed(9)
        first = gym.reset(seed=9)[0]
        assert first.tobytes() == sb3.reset().tobytes()
        assert np.clip(first, -5.0, 5.0).tobytes() == games.reset()["obs"].numpy().tobytes()
    assert gym.reset(seed=10)[0].tobytes() != first.tobytes()
    assert gym.reset()[0].tobytes() != gym.reset()[0].tobytes()


def test_naming_the_faces_loads_nothing_heavy() -> None:
    code = "import sys, teletwin_training.horizon.faces as f; print([m for m in ('torch', 'gymnasium', 'warp',"
    code += " 'stable_baselines3', 'rl_games') if m in sys.modules], sorted(f.__all__)[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "GymnasiumEnv"]


# ------------------------------------------------------------------------------------------------ gymnasium


@pytest.mark.parametrize("settings", [{}, {"observation": "paper", "action": "paper"}, {"action": "sender"}])
def test_gymnasium_finds_no_fault(settings: dict[str, Any]) -> None:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(single_env(**settings), skip_render_check=True)


def test_a_single_environment_ends_with_its_own_last_observation_after_all_its_slots() -> None:
    env, alike = single_env(), single_env()
    env.reset(seed=3)
    alike.reset(seed=3)
    alike.core._length[:] = 10_000
    for number, action in enumerate(actions(SLOTS, count=1), 1):
        observed, reward, terminated, truncated, _ = env.step(action[0])
        wanted = alike.step(action[0])
        assert (observed == wanted[0]).all()
        assert reward == wanted[1]
        assert not terminated
        assert truncated == (number == SLOTS)
    with pytest.raises(ConfigError, match="one environment"):
        type(env)(core(2))


def test_gymnasiums_own_statistics_count_every_episode_whole() -> None:
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    env = RecordEpisodeStatistics(gymnasium_env(core()))
    env.reset(seed=2)
    total, lengths, returns = np.zeros(COUNT), np.zeros(COUNT, dtype=int), []
    for action in actions(3 * SLOTS):
        _, rewards, _, truncated, infos = env.step(action)
        total += rewards
        lengths += 1
        assert infos["_paper_reward"].all()
        assert ("final_obs" in infos) == truncated.any()
        for row in np.flatnonzero(truncated):
            assert infos["_final_obs"][row]
            assert infos["final_obs"][row] in env.single_observation_space
            assert infos["final_info"]["paper_reward"][row] == infos["paper_reward"][row]
            assert infos["episode"]["l"][row] == lengths[row] <= SLOTS
            assert infos["episode"]["r"][row] == pytest.approx(total[row])
            returns.append(total[row])
            total[row] = lengths[row] = 0
    assert env.episode_count == len(returns) > 2 * COUNT


def test_gymnasium_makes_it_by_its_name() -> None:
    import gymnasium

    assert register_horizon() == register_horizon() == HORIZON_ID
    told = {"hands": HANDS, "sessions": 1, "condition": "fixed", "episode_slots": SLOTS, "settle_slots": 20}
    env: Any = gymnasium.make(HORIZON_ID, observation="paper", action="paper", **told)
    assert env.observation_space.shape == (8,)
    assert env.reset(seed=0)[0] in env.observation_space
    assert len(env.step(env.action_space.sample())) == 5
    vector: Any = gymnasium.make_vec(HORIZON_ID, num_envs=3, **told)
    assert vector.action_space.shape == (3, 5)
    vector.reset(seed=[1, 2, 3])
    assert vector.step(vector.action_space.sample())[1].shape == (3,)
    with pytest.raises(ConfigError, match="begin anew by themselves"):
        vector.reset(options={"reset_mask": np.ones(3, dtype=bool)})


def test_in_an_environment_from_a_few_words_the_rule_gets_the_reward_of_a_rule() -> None:
    env = make_horizon(envs=64, hands=HANDS, condition="jitter", sessions=2, threads=1, episode_slots=400)
    env.reset()
    total, counted = 0.0, 0
    for _ in range(400):
        counted += int((env._age >= env.cfg.settle_slots).sum())
        total += float(env.step(np.zeros((64, 5)))[1].sum())
    assert total / counted == pytest.approx(-sum(env.cfg.weights), rel=0.4)


# ------------------------------------------------------------------------------------------------ the two learners


def test_stable_baselines_finds_no_fault_and_learns() -> None:
    pytest.importorskip("stable_baselines3")
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_checker import check_env
    from stable_baselines3.common.vec_env import VecCheckNan, VecMonitor

    check_env(single_env(), warn=False)
    torch.set_num_threads(1)
    env = VecMonitor(VecCheckNan(stable_baselines_env(core(4)), raise_exception=True))
    model = PPO("MlpPolicy", env, n_steps=50, batch_size=100, n_epochs=2, seed=1, device="cpu")
    before = [each.clone() for each in model.policy.parameters()]
    model.learn(400)
    assert any((one != other).any() for one, other in zip(before, model.policy.parameters(), strict=True))
    assert len(model.ep_info_buffer or ()) >= 4
    assert env.get_attr("observation_names")[0] == core(1).observation_names
    assert env.env_is_wrapped(VecMonitor) == [False] * 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rl_games_own_runner_takes_it(tmp_path) -> None:
    pytest.importorskip("rl_games")
    from rl_games.common import env_configurations, vecenv
    from rl_games.torch_runner import Runner

    from teletwin_training.ppo import PpoCfg

    made: list[HorizonEnv] = []

    def make(_: str, count: int, **given: Any) -> Any:
        made.append(core(count))
        return rl_games_env(made[0])

    vecenv.register("teletwin-test", make)
    env_configurations.register("horizon-test", {"vecenv_type": "teletwin-test", "env_creator": lambda **_: None})
    cfg = PpoCfg(epochs=2, horizon_length=16, minibatch_size=32, mini_epochs=1, seed=1)
    params = cfg.to_rl_games(count=4, folder=tmp_path, epochs_before=0)
    params["params"]["config"]["env_name"] = "horizon-test"
    params["params"]["config"]["train_dir"] = str(tmp_path)
    params["params"]["algo"] = {"name": "a2c_continuous"}
    runner = Runner()
    runner.load(params)
    runner.run({"train": True, "play": False})
    assert made[0]._age.max() > 0
    assert list(tmp_path.rglob("*.pth"))
