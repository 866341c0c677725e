"""Cells through gymnasium, Stable-Baselines3 and rl_games; the official environment under its names."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

from teletwin.errors import ConfigError
from teletwin_training.allocation.environment import AllocationEnv
from teletwin_training.allocation.faces import (
    ALLOCATION_IDS,
    GymnasiumEnv,
    GymnasiumVectorEnv,
    OfficialCells,
    make_allocation,
    register_allocation,
    rl_games_env,
)
from teletwin_training.allocation.scenario import Arrivals
from teletwin_training.allocation.scenarios import scenario

COUNT, STEPS = 6, 30
SHORT = {"steps": STEPS}
DEFAULT = "metalore-single_cell-smart_city-default-v0"


def learners(count: int = COUNT, seed: int = 5, **settings: Any) -> AllocationEnv:
    return make_allocation(("paper",), changes=SHORT, envs=count, seed=seed, threads=1, **settings)


def official(count: int = COUNT, seed: int = 5, name: str = "paper", **changes: Any) -> OfficialCells:
    return OfficialCells(scenario(name, **{**SHORT, **changes}), envs=count, seed=seed, threads=1)


def actions(steps: int, count: int = COUNT, low: float = 0.0) -> np.ndarray:
    return np.random.default_rng(3).uniform(low, 1.0, (steps, count, 2)).astype(np.float32)


def stable_baselines_env(core: Any) -> Any:
    pytest.importorskip("stable_baselines3")
    from teletwin_training.allocation.faces import StableBaselinesEnv

    return StableBaselinesEnv(core)


def made(name: str, **settings: Any) -> Any:
    import gymnasium

    register_allocation()
    return gymnasium.make(name, **settings)


# ------------------------------------------------------------------------------------------------ all three


@pytest.mark.parametrize("core", [learners, official])
def test_the_three_faces_give_the_same_for_the_same_actions(core: Any) -> None:
    import torch

    gym, sb3, games = GymnasiumVectorEnv(core()), stable_baselines_env(core()), rl_games_env(core())
    starts = gym.reset()[0], sb3.reset(), games.reset()["obs"].numpy()
    assert (starts[0] == starts[1]).all()
    assert (np.clip(starts[0], -5.0, 5.0) == starts[2]).all()
    ended = 0
    for action in actions(2 * STEPS + 5):
        observed, rewards, terminated, truncated, infos = gym.step(action)
        seen, sb3_rewards, sb3_done, sb3_infos = sb3.step(action)
        games_seen, games_rewards, games_done, games_info = games.step(torch.from_numpy(action))
        assert (observed == seen).all()
        assert observed in gym.observation_space
        assert (np.clip(observed, -5.0, 5.0) == games_seen["obs"].numpy()).all()
        assert (rewards == sb3_rewards).all()
        assert (rewards == games_rewards.numpy()).all()
        assert not terminated.any()
        for other in (sb3_done, games_done.numpy(), games_info["time_outs"].numpy()):
            assert (truncated == other).all()
        for row in np.flatnonzero(truncated):
            assert (infos["final_obs"][row] == sb3_infos[row]["terminal_observation"]).all()
            assert sb3_infos[row]["TimeLimit.truncated"]
        ended += int(truncated.sum())
    assert ended == 2 * COUNT
    assert games.take_means()["reward"] > 0.0
    spaces = games.get_env_info()
    assert spaces["action_space"] == gym.single_action_space == sb3.action_space


@pytest.mark.parametrize("core", [learners, official])
def test_the_same_seed_gives_the_same_bytes_through_every_face(core: Any) -> None:
    import torch

    def trace(action: np.ndarray) -> bytes:
        return gym.step(action)[1].tobytes()

    gym, sb3, games = GymnasiumVectorEnv(core(seed=0)), stable_baselines_env(core(seed=1)), rl_games_env(core(seed=2))
    told = []
    for _ in range(2):
        sb3.seed(9)
        games.seed(9)
        gym.reset(seed=9)
        sb3.reset()
        games.reset()
        told.append(b"")
        for action in actions(STEPS):
            rewards = trace(action)
            assert rewards == sb3.step(action)[1].tobytes()
            assert rewards == games.step(torch.from_numpy(action))[1].numpy().tobytes()
            told[-1] += rewards
    assert told[0] == told[1]
    gym.reset(seed=10)
    assert b"".join(map(trace, actions(STEPS))) != told[0]
    each = [7, 1, 9, 3, 4, 5]
    gym.reset(seed=each)
    ours = [gym.step(action)[1] for action in actions(STEPS)]
    gym.reset(seed=each[::-1])
    assert not np.array_equal([gym.step(action)[1] for action in actions(STEPS)], ours)
    with pytest.raises(ConfigError, match="seeds do not fit the cells"):
        gym.reset(seed=[1, 2])


def test_naming_the_faces_loads_nothing_heavy() -> None:
    code = "import sys, teletwin_training.allocation.faces as f; print([m for m in ('torch', 'gymnasium', 'warp',"
    code += " 'stable_baselines3', 'rl_games') if m in sys.modules], sorted(f.__all__)[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "ALLOCATION_IDS"]


@pytest.mark.parametrize("spoiled", [np.full((COUNT, 2), np.nan), np.full((COUNT, 2), np.inf), np.zeros((COUNT, 3))])
def test_actions_that_cannot_be_used_are_refused(spoiled: np.ndarray) -> None:
    for core, words in ((learners(), r"actions cannot be used.*allowed: \(6, 2\), finite"), (official(), "share")):
        core.reset()
        with pytest.raises(ConfigError, match=words):
            core.step(spoiled)


# ------------------------------------------------------------------------------------------------ the official one


def test_gymnasium_knows_the_environments_by_names_of_the_official_form() -> None:
    import gymnasium

    assert register_allocation() == register_allocation() == tuple(ALLOCATION_IDS)
    for name, chosen in ALLOCATION_IDS.items():
        env: Any = gymnasium.make(name)
        core = env.unwrapped.core
        assert core.scenario == scenario(chosen)
        assert env.action_space == gymnasium.spaces.Box(0.0, 1.0, (2,), np.float32)
        assert env.observation_space == gymnasium.spaces.Box(0.0, 1e4, (2,), np.float32)
        first, info = env.reset()
        assert (first.dtype, first.tolist(), info) == (np.float32, [0.0, 0.0], {})
    vector: Any = gymnasium.make_vec(DEFAULT, num_envs=4, compat="paper", scheduler="backlog", admission=True)
    assert vector.unwrapped.core.scenario == scenario("default", compat="paper", scheduler="backlog", admission=True)
    assert vector.action_space.shape == (4, 2)
    vector.reset(seed=[4, 3, 2, 1])
    assert vector.step(vector.action_space.sample())[1].shape == (4,)


def test_the_official_simulators_own_registration_is_left_alone(monkeypatch) -> None:
    import gymnasium

    def theirs() -> None: ...

    monkeypatch.setattr(gymnasium.envs.registration, "registry", {})
    monkeypatch.setattr(gymnasium, "registry", gymnasium.envs.registration.registry)
    gymnasium.register(DEFAULT, entry_point=theirs)
    with pytest.raises(ConfigError, match=f'another package.*{DEFAULT}; give namespace="teletwin"'):
        register_allocation()
    assert list(gymnasium.registry) == [DEFAULT]
    assert register_allocation("teletwin")[0] == f"teletwin/{DEFAULT}"
    assert gymnasium.registry[DEFAULT].entry_point is theirs


@pytest.mark.parametrize(("name", "total"), [("default", 1682.221101), ("paper", 1359.742090)])
def test_with_numpys_stream_an_episode_is_the_official_one(name: str, total: float) -> None:
    """Seed 999, shares of one half: the authors' own run of the default scenario."""
    env = made(f"metalore-single_cell-smart_city-{name}-v0", stream="numpy")
    half, told = np.array([0.5, 0.5], dtype=np.float32), []
    for seed in (None, 999, 998, None, 999):
        env.reset(seed=seed)
        steps = [env.step(half) for _ in range(100)]
        assert [step[3] for step in steps] == [False] * 99 + [True]
        told.append(sum(step[1] for step in steps))
        assert steps[-1][4]["episode reward"] == pytest.approx(told[-1], rel=1e-5)
    assert told[0] == told[1] == told[4] == pytest.approx(total, rel=1e-6)
    assert told[2] == told[3] != told[0]


def test_what_is_told_of_a_step_are_the_official_figures() -> None:
    env = made(DEFAULT, stream="numpy")
    env.reset()
    steps = [env.step(np.array([0.5, 0.5], dtype=np.float32))[4] for _ in range(100)]
    sums = {name: sum(step[name] for step in steps) for name in steps[0] if "_" in name}
    assert [sums[f"jobs_{what}"] for what in ("generated", "transmitted", "processed")] == [505, 493, 493]
    assert sums["bits_transmitted"] == pytest.approx(84302.833939)
    assert sums["ue_bits_transmitted"] + sums["sensor_bits_transmitted"] == pytest.approx(84302.833939)
    assert sums["cycles_processed"] == 24621
    assert (steps[-1]["mean_aori"], steps[-1]["mean_aosi"]) == pytest.approx((1.465686, 1.995098), abs=1e-6)
    assert steps[0]["mean_aori"] == steps[0]["episode reward"] == 0.0
    assert [step["time"] for step in steps] == list(range(1, 101))
    assert {(step["bw_split"], step["comp_split"]) for step in steps} == {(0.5, 0.5)}


def test_a_seed_that_is_given_counts() -> None:
    """In the official simulator it does not."""
    env = made(DEFAULT)

    def places(seed: int | None) -> list[float]:
        env.reset(seed=seed)
        return env.unwrapped.core.cells.blocks[0].cell.position.numpy().ravel().tolist()

    first, second = places(1), places(None)
    assert first != second
    assert places(2) not in (first, second)
    assert (places(1), places(None)) == (first, second)


def test_shares_outside_are_clamped_and_counted() -> None:
    env = GymnasiumVectorEnv(official())
    env.reset()
    env.step(np.tile(np.array([-1.0, 2.0], dtype=np.float32), (COUNT, 1)))
    assert env.core.clamped_count == 2 * COUNT
    assert env.step(np.full((COUNT, 2), 0.25))[4]["bw_split"].tolist() == [0.25] * COUNT


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"stream": "torch"}, "no such stream of draws; given: torch; allowed: own, numpy"),
        ({"compat": "exact"}, "no such compat"),
        ({"users": 0}, "an empty cell"),
        ({"seed": -1}, "seeds do not fit"),
        ({"stream": "numpy", "arrivals": Arrivals(window=(0.0, 0.5), mean_stay_steps=5)}, "of the official kind"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        made(DEFAULT, **settings)


def test_a_single_cell_is_one_of_many_and_ends_with_its_own_last_observation() -> None:
    single, many = GymnasiumEnv(official(1, seed=7)), GymnasiumVectorEnv(official(3, seed=6))
    single.reset()
    many.reset()
    for number, action in enumerate(actions(STEPS, 3), 1):
        observed, reward, terminated, truncated, info = single.step(action[1])
        theirs = many.step(action)
        last = theirs[4]["final_obs"] if truncated else theirs[0]
        assert (observed == last[1]).all()
        assert (reward, info["episode reward"]) == (theirs[1][1], theirs[4]["episode reward"][1])
        assert (terminated, truncated) == (False, number == STEPS)
    assert theirs[4]["final_info"]["episode reward"][1] == info["episode reward"] > 0.0
    with pytest.raises(ConfigError, match="one environment"):
        GymnasiumEnv(official(2))


def test_cells_whose_devices_all_left_begin_anew_by_themselves() -> None:
    env = GymnasiumVectorEnv(official(20, steps=60, arrivals=Arrivals(window=(0.0, 0.2), mean_stay_steps=5.0)))
    env.reset()
    lengths, age = [], np.zeros(20, dtype=int)
    for action in actions(90, 20):
        *_, truncated, infos = env.step(action)
        age += 1
        assert (infos["time"] == age).all()
        lengths += age[truncated].tolist()
        age[truncated] = 0
    assert len(set(lengths)) > 5
    assert max(lengths) < 60


# ------------------------------------------------------------------------------------------------ their own checks


@pytest.mark.parametrize("name", [DEFAULT, "metalore-multi_cell-smart_city-default-v0"])
def test_gymnasium_finds_no_fault(name: str) -> None:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(made(name).unwrapped, skip_render_check=True)
        warnings.filterwarnings("ignore", message=".*infinity.*")
        check_env(GymnasiumEnv(learners(1)), skip_render_check=True)


def test_gymnasiums_own_statistics_count_every_episode_whole() -> None:
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    env = RecordEpisodeStatistics(GymnasiumVectorEnv(official()))
    env.reset(seed=2)
    for action in actions(3 * STEPS):
        _, _, _, truncated, infos = env.step(action)
        for row in np.flatnonzero(truncated):
            assert infos["episode"]["l"][row] == STEPS
            assert infos["episode"]["r"][row] == pytest.approx(infos["final_info"]["episode reward"][row], rel=1e-5)
    assert env.episode_count == 3 * COUNT


@pytest.mark.parametrize("core", [learners, official])
def test_stable_baselines_finds_no_fault_and_learns(core: Any) -> None:
    pytest.importorskip("stable_baselines3")
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_checker import check_env
    from stable_baselines3.common.vec_env import VecCheckNan, VecMonitor

    check_env(GymnasiumEnv(core(1)), warn=False)
    torch.set_num_threads(1)
    env = VecMonitor(VecCheckNan(stable_baselines_env(core(4)), raise_exception=True))
    model = PPO("MlpPolicy", env, n_steps=40, batch_size=80, n_epochs=2, seed=1, device="cpu")
    before = [each.clone() for each in model.policy.parameters()]
    model.learn(320)
    assert any((one != other).any() for one, other in zip(before, model.policy.parameters(), strict=True))
    assert len(model.ep_info_buffer or ()) >= 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_rl_games_own_runner_takes_it(tmp_path) -> None:
    pytest.importorskip("rl_games")
    from rl_games.common import env_configurations, vecenv
    from rl_games.torch_runner import Runner

    from teletwin_training.ppo import PpoCfg

    made: list[AllocationEnv] = []

    def make(_: str, count: int, **given: Any) -> Any:
        made.append(learners(count))
        return rl_games_env(made[0])

    vecenv.register("teletwin-cells-test", make)
    told = {"vecenv_type": "teletwin-cells-test", "env_creator": lambda **_: None}
    env_configurations.register("cells-test", told)
    cfg = PpoCfg(epochs=2, horizon_length=16, minibatch_size=32, mini_epochs=1, seed=1)
    params = cfg.to_rl_games(count=4, folder=tmp_path, epochs_before=0)
    params["params"]["config"]["env_name"] = "cells-test"
    params["params"]["config"]["train_dir"] = str(tmp_path)
    params["params"]["algo"] = {"name": "a2c_continuous"}
    runner = Runner()
    runner.load(params)
    runner.run({"train": True, "play": False})
    assert made[0].parts[0].totals[:, 1].all()
    assert list(tmp_path.rglob("*.pth"))
