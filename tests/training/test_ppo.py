"""The one adapter to rl_games: it learns, says nothing, leaves no trace and goes on where it was."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import PURPOSE, Bandit, RecordedBandit, random_weights

from teletwin.errors import ConfigError, MissingPartError
from teletwin_training.ppo import (
    EpochFacts,
    PpoCfg,
    PpoResult,
    Weights,
    read_checkpoint_facts,
    read_weights,
    require_rl_games,
    train_ppo,
)

SHORT = PpoCfg(epochs=2, horizon_length=4, minibatch_size=128, hidden=(16,), learning_rate=1e-3)


def short_run(folder: Path, *, cfg: PpoCfg = SHORT, seed: int = 0, **more: object) -> PpoResult:
    return train_ppo(Bandit(count=32, seed=seed), cfg, folder=folder, purpose=PURPOSE, **more)


def same(one: Weights, other: Weights) -> bool:
    pairs = zip(one.layers, other.layers, strict=True)
    layers = all(np.array_equal(w, v) and np.array_equal(b, c) for (w, b), (v, c) in pairs)
    return layers and np.array_equal(one.log_sigma, other.log_sigma)


def scalars(folder: Path) -> dict[str, list[float]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {name: [each.value for each in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_a_bandit_is_learned_in_seconds(tmp_path: Path) -> None:
    seen: list[EpochFacts] = []
    cfg = PpoCfg(epochs=30, horizon_length=8, minibatch_size=512)
    result = train_ppo(Bandit(), cfg, folder=tmp_path / "run", purpose=PURPOSE, on_epoch=seen.append)
    assert [each.epoch for each in seen] == list(range(1, 31))
    assert seen[0].reward < -0.25
    assert seen[-1].reward > -0.1
    assert seen[-1].means["error"] == pytest.approx(-seen[-1].reward, rel=1e-4)
    assert seen[-1].episode_steps == 8
    assert seen[-1].episode_reward == pytest.approx(8 * seen[-1].reward, abs=0.2)
    assert (result.epochs, result.frames, result.stopped) == (30, 30 * 8 * 256, False)
    observations = np.array([[0.8, -0.4], [-0.2, 0.6]])
    assert np.allclose(result.weights.mean_actions(observations), 0.5 * observations, atol=0.12)
    written = scalars(result.summaries)
    assert written["environment/error"] == pytest.approx([each.means["error"] for each in seen], rel=1e-4)
    assert {"losses/a_loss", "info/kl", "info/log_sigma", "rewards/step"} <= set(written)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_same_seed_gives_the_same_weights(tmp_path: Path, seed: int) -> None:
    cfg = replace(SHORT, seed=seed)
    first, second = (short_run(tmp_path / name, cfg=cfg).weights for name in "ab")
    other = short_run(tmp_path / "c", cfg=replace(cfg, seed=seed + 1)).weights
    assert same(first, second)
    assert not same(first, other)


def test_a_resume_counts_on_from_the_checkpoint(tmp_path: Path) -> None:
    first = short_run(tmp_path / "run")
    seen: list[EpochFacts] = []
    again = short_run(tmp_path / "run", cfg=replace(SHORT, epochs=3), checkpoint=tmp_path / "run", on_epoch=seen.append)
    assert [each.epoch for each in seen] == [3, 4, 5]
    assert (again.epochs, again.frames) == (5, 5 * 4 * 32)
    assert read_checkpoint_facts(again.checkpoint)["epoch"] == 5
    assert not same(first.weights, again.weights)
    assert same(read_weights(again.checkpoint), again.weights)


def test_a_resume_takes_the_new_constant_rate_and_the_old_adaptive_one(tmp_path: Path) -> None:
    rates: list[float] = []
    note = lambda facts: rates.append(facts.learning_rate)  # noqa: E731
    short_run(tmp_path / "a", cfg=replace(SHORT, epochs=6), on_epoch=note)
    adapted = rates[-1]
    assert adapted != SHORT.learning_rate
    still = replace(SHORT, epochs=1, kl_target=0.9, learning_rate=1e-5)
    short_run(tmp_path / "b", cfg=replace(still, schedule="constant"), checkpoint=tmp_path / "a", on_epoch=note)
    assert rates[-1] == pytest.approx(1e-5)
    short_run(tmp_path / "c", cfg=still, checkpoint=tmp_path / "a", on_epoch=note)
    assert rates[-1] >= adapted


def test_the_rate_of_now_holds_from_the_first_update_after_a_resume(tmp_path: Path) -> None:
    first = short_run(tmp_path / "run").weights
    crawling = replace(SHORT, epochs=1, mini_epochs=1, schedule="constant", learning_rate=1e-9)
    again = short_run(tmp_path / "run", cfg=crawling, checkpoint=tmp_path / "run").weights
    assert np.allclose(again.layers[0][0], first.layers[0][0], rtol=0.0, atol=1e-6)


def test_a_step_that_returns_false_ends_the_training_with_a_whole_checkpoint(tmp_path: Path) -> None:
    cfg = replace(SHORT, epochs=50)
    result = short_run(tmp_path / "run", cfg=cfg, on_epoch=lambda facts: facts.epoch < 2)
    assert (result.epochs, result.stopped) == (2, True)
    assert same(read_weights(result.checkpoint), result.weights)
    assert short_run(tmp_path / "run", checkpoint=result.checkpoint).epochs == 4


@pytest.mark.parametrize(("ends_after", "epochs"), [(0, 0), (4, 1), (7, 1)])
def test_an_environment_that_ends_leaves_what_whole_epochs_have_taught(
    tmp_path: Path, ends_after: int, epochs: int
) -> None:
    seen: list[EpochFacts] = []
    env = Bandit(count=32, ends_after=ends_after)
    result = train_ppo(env, SHORT, folder=tmp_path / "run", purpose=PURPOSE, on_epoch=seen.append)
    assert (result.epochs, result.stopped, len(seen)) == (epochs, True, epochs)
    assert read_checkpoint_facts(result.checkpoint)["epoch"] == epochs
    assert same(read_weights(result.checkpoint), result.weights)


def test_an_actor_given_as_a_start_waits_for_the_critic(tmp_path: Path) -> None:
    start = random_weights(2, 16, 2, log_sigma=-1.5)
    rates: list[float] = []
    waiting = replace(SHORT, critic_first_epochs=2)
    result = short_run(
        tmp_path / "a", cfg=waiting, start=start, on_epoch=lambda facts: rates.append(facts.learning_rate)
    )
    assert same(result.weights, start)
    assert rates == [SHORT.learning_rate] * 2
    learned = short_run(tmp_path / "b", cfg=replace(waiting, epochs=3), start=start).weights
    assert not same(learned, start)
    assert not np.array_equal(learned.log_sigma, start.log_sigma)
    assert same(short_run(tmp_path / "b", cfg=waiting, checkpoint=tmp_path / "b").weights, learned)


def test_a_fixed_spread_stays_and_a_start_replaces_the_actor_of_a_checkpoint(tmp_path: Path) -> None:
    cfg = replace(SHORT, sigma="fixed", log_sigma=-0.7)
    first = short_run(tmp_path / "run", cfg=cfg)
    assert np.array_equal(first.weights.log_sigma, np.float32([-0.7, -0.7]).astype(float))
    tighter = replace(first.weights, log_sigma=np.full(2, -2.0))
    again = short_run(tmp_path / "run", cfg=cfg, checkpoint=tmp_path / "run", start=tighter)
    assert again.epochs == 4
    assert np.array_equal(again.weights.log_sigma, tighter.log_sigma)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="do not fit the network; given: 2-8-2; allowed: 2-16-2"):
        short_run(tmp_path / "run", start=random_weights(2, 8, 2))
    with pytest.raises(ConfigError, match="layers do not fit each other"):
        Weights(layers=((np.zeros((2, 3)), np.zeros(3)), (np.zeros((4, 1)), np.zeros(1))), log_sigma=np.zeros(1))


def test_actions_of_a_running_session_are_learned_from(tmp_path: Path) -> None:
    start = random_weights(2, 32, 2)
    env, rewards = RecordedBandit(start, count=16), []

    def on_epoch(facts: EpochFacts) -> None:
        env.use(facts)
        rewards.append(facts.reward)

    cfg = PpoCfg(epochs=40, horizon_length=64, minibatch_size=256, hidden=(32,), learning_rate=1e-3)
    result = train_ppo(env, cfg, folder=tmp_path / "run", purpose=PURPOSE, start=start, on_epoch=on_epoch)
    assert rewards[0] < -0.3
    assert np.mean(rewards[-3:]) > 0.4 * rewards[0]
    observations = np.array([[0.8, -0.4], [-0.2, 0.6]])
    assert np.allclose(result.weights.mean_actions(observations), 0.5 * observations, atol=0.15)


def test_the_likelihood_of_a_recorded_action_is_that_under_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from teletwin_training.ppo.agent import RecordedAgent

    start = random_weights(2, 16, 2, log_sigma=-1.5)
    env, checked = RecordedBandit(start, count=8), []
    ask = RecordedAgent.get_action_values

    def asked(agent: RecordedAgent, obs: dict) -> dict:
        given = ask(agent, obs)
        off = (env.recorded_action() - start.mean_actions(env.observations)) / np.exp(-1.5)
        wanted = (0.5 * off**2 + 0.5 * np.log(2.0 * np.pi) - 1.5).sum(axis=1)
        checked.append(np.allclose(given["neglogpacs"].numpy(), wanted, atol=1e-4))
        return given

    monkeypatch.setattr(RecordedAgent, "get_action_values", asked)
    cfg = replace(SHORT, epochs=1, minibatch_size=32)
    train_ppo(env, cfg, folder=tmp_path / "run", purpose=PURPOSE, start=start)
    assert checked == [True] * 4


def test_one_recorded_actor_is_enough(tmp_path: Path) -> None:
    start = random_weights(2, 16, 2)
    cfg = replace(SHORT, horizon_length=32, minibatch_size=16)
    result = train_ppo(RecordedBandit(start, count=1), cfg, folder=tmp_path / "run", purpose=PURPOSE, start=start)
    assert result.frames == 64


def test_nothing_is_said_and_the_process_is_left_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import torch
    from rl_games.common import env_configurations, vecenv

    def state() -> list[object]:
        registered = sorted(vecenv.vecenv_config), sorted(env_configurations.configurations)
        precision = torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark, torch.get_num_threads()
        drawn = torch.get_rng_state().sum().item(), np.random.get_state()[1].sum(), random.getstate()  # noqa: NPY002
        return [registered, precision, drawn, repr(torch.tensor([1.23456789])), "print" in vars(vecenv)]

    before = state()
    short_run(tmp_path / "run", on_epoch=lambda facts: print(f"epoch {facts.epoch}"))
    assert state() == before
    assert capfd.readouterr() == ("epoch 1\nepoch 2\n", "")
    assert "MAX EPOCHS NUM!" in (tmp_path / "run/rl_games.log").read_text()
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {"checkpoint.pth", "checkpoint.json", "summaries", "rl_games.log"}


def test_what_is_set_for_everybody_is_set_back() -> None:
    import torch

    from teletwin_training.ppo.quiet import kept_process_state

    number = torch.tensor([1.23456789])
    before = repr(number), torch.get_float32_matmul_precision()
    with kept_process_state():
        torch.set_printoptions(precision=1)
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.set_float32_matmul_precision("medium")
        assert repr(number) != before[0]
    assert (repr(number), torch.get_float32_matmul_precision()) == before


def test_rewards_that_are_not_finite_end_the_training_with_one_line(tmp_path: Path) -> None:
    env = Bandit(count=32)
    step = env.step
    env.step = lambda actions: (*step(actions)[:1], np.full(32, np.nan), *step(actions)[2:])
    with pytest.raises(ConfigError, match="not finite; given: epoch 1; go on from the checkpoint"):
        train_ppo(env, SHORT, folder=tmp_path / "run", purpose=PURPOSE)


def test_a_folder_with_a_training_is_not_written_over(tmp_path: Path) -> None:
    short_run(tmp_path / "a")
    short_run(tmp_path / "b")
    with pytest.raises(ConfigError, match="holds a training already"):
        short_run(tmp_path / "a")
    with pytest.raises(ConfigError, match="holds a training already"):
        short_run(tmp_path / "a", checkpoint=tmp_path / "b")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(MissingPartError, match=r"training needs torch.*pip install 'teletwin\[train\]'"):
        require_rl_games()
