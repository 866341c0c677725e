from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from teletwin.errors import ConfigError
from teletwin_training.ppo import PpoCfg


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("epochs", 0, "1 or more"),
        ("minibatch_size", 1, "2 or more"),
        ("seed", -1, "0 to 2147483646"),
        ("hidden", (), "one layer or more"),
        ("learning_rate", 0.0, "above 0, below 1"),
        ("gamma", 1.1, "0 to 1"),
        ("entropy", -0.1, "0 or more"),
        ("schedule", "linear", "constant, adaptive"),
        ("sigma", "free", "learned, fixed"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: object, allowed: str) -> None:
    with pytest.raises(ConfigError, match=rf"{name} cannot be used; given: .*; allowed: {allowed}"):
        replace(PpoCfg(), **{name: value})


def test_updates_that_do_not_divide_an_epoch_are_refused_with_one_that_does() -> None:
    with pytest.raises(ConfigError, match=r"20 steps x 6 environments, .* 50; .*divisor of 120.*example 40"):
        PpoCfg(horizon_length=20, minibatch_size=50).to_rl_games(count=6, folder=Path("runs/a"))


def test_rl_games_gets_what_it_does_not_do_by_itself() -> None:
    cfg = PpoCfg(seed=0, epochs=10, minibatch_size=64, device="cuda:0")
    params = cfg.to_rl_games(count=2, folder=Path("runs/a"), epochs_before=5)["params"]
    config = params["config"]
    assert params["seed"] not in (0, None)
    assert params["torch_threads"] == 1
    assert (config["train_dir"], config["full_experiment_name"]) == ("runs", "a")
    assert config["max_epochs"] == 15
    assert config["device"] == config["device_name"] == "cuda:0"
    assert config["torch_compile"] is False
    assert config["seq_length"] == 1
    assert "max_steps" not in config
