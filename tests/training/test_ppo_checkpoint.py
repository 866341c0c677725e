"""A checkpoint that does not fit is refused with the reason before torch opens it; one that fits is rl_games' own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import PURPOSE, Bandit

from teletwin.errors import ConfigError
from teletwin_training.ppo import PpoCfg, Purpose, read_weights, train_ppo

CFG = PpoCfg(epochs=1, horizon_length=4, minibatch_size=128, hidden=(16, 8))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "run"
    train_ppo(Bandit(count=32), replace(CFG, epochs=5), folder=folder, purpose=PURPOSE)
    return folder


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def go_on(folder: Path, *, cfg: PpoCfg = CFG, purpose: Purpose = PURPOSE) -> None:
    train_ppo(Bandit(count=32), cfg, folder=folder, purpose=purpose, checkpoint=folder)


@pytest.mark.parametrize(
    ("purpose", "cfg", "text"),
    [
        (replace(PURPOSE, observation="rich"), CFG, "of another observation; given: toy; allowed: rich"),
        (replace(PURPOSE, observation_version=2), CFG, "of another observation version; given: 1; allowed: 2"),
        (replace(PURPOSE, action="late", task="allocation"), CFG, "of another task, action; given: horizon, toy"),
        (PURPOSE, replace(CFG, hidden=(16,)), r"of another hidden; given: \[16, 8\]; allowed: \[16\]"),
    ],
)
def test_another_purpose_or_network_is_refused_before_torch_loads(
    copied: Path, monkeypatch: pytest.MonkeyPatch, purpose: Purpose, cfg: PpoCfg, text: str
) -> None:
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("torch opened the file"))
    with pytest.raises(ConfigError, match=text):
        go_on(copied, cfg=cfg, purpose=purpose)


def remove(path: Path) -> None:
    path.unlink()


def other_version(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 2}))


@pytest.mark.parametrize(
    ("name", "harm", "text"),
    [
        ("checkpoint.pth", remove, "there is no checkpoint"),
        ("checkpoint.json", remove, "checkpoint.json, which tells what the checkpoint is, cannot be read"),
        ("checkpoint.json", lambda path: path.write_text("{"), "cannot be read"),
        ("checkpoint.json", lambda path: path.write_text("[]"), "of another format"),
        ("checkpoint.json", other_version, "of another format; given: .*2.*; allowed: .*1"),
        ("checkpoint.pth", lambda path: path.write_bytes(path.read_bytes()[:2000]), "damaged"),
        ("checkpoint.pth", lambda path: path.write_bytes(b""), "damaged"),
    ],
)
def test_a_damaged_checkpoint_is_refused_with_one_line(
    copied: Path, name: str, harm: Callable[[Path], Any], text: str
) -> None:
    harm(copied / name)
    with pytest.raises(ConfigError, match=text):
        go_on(copied)


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("the file ran code",)


def test_a_checkpoint_that_holds_code_is_refused_and_not_run(copied: Path) -> None:
    import torch

    torch.save({"model": Harmful()}, copied / "checkpoint.pth")
    with pytest.raises(ConfigError, match="holds more than tensors and numbers"):
        go_on(copied)
    with pytest.raises(ConfigError, match="holds more than tensors and numbers"):
        read_weights(copied)


def test_rl_games_itself_loads_the_checkpoint_and_acts_as_the_weights_in_numpy(trained: Path, tmp_path: Path) -> None:
    import torch
    from rl_games.torch_runner import Runner

    from teletwin_training.ppo.face import VectorFace
    from teletwin_training.ppo.quiet import deprecations_ignored, kept_process_state

    params = CFG.to_rl_games(count=32, folder=tmp_path / "player")
    params["params"]["config"]["env_info"] = VectorFace(Bandit(count=32), device="cpu").get_env_info()
    with kept_process_state(), deprecations_ignored():
        runner = Runner()
        runner.load(params)
        player = runner.create_player()
        player.restore(str(trained / "checkpoint.pth"))
    player.has_batch_dimension = True
    observations = np.random.default_rng(1).uniform(-5.0, 5.0, (100, 2))
    acted = player.get_action(torch.as_tensor(observations, dtype=torch.float32), True).numpy()
    own = read_weights(trained).mean_actions(observations)
    assert np.abs(own).max() > 0.01
    assert np.allclose(np.clip(own, -1.0, 1.0), acted, atol=1e-6)
